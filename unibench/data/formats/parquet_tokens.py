"""Parquet files with a list of tokens and a list of tags in each row."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.tag_rows import TagRowOptions, TagRows
from unibench.errors import FormatError
from unibench.schema.text import Passage

_BATCH = 4096  # rows


class ParquetTokens(Format):
    """What the Hub's token classification sets look like, converted or not.

    Integer tags are read with the option `names`: the names in the file's own
    metadata are not trusted to be there, and differ between editions of a set.
    """

    class Options(TagRowOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """What rows of tags may say."""

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage per row that `where` does not leave out."""
        rows = TagRows(self.options)
        count = 0
        for file in files:
            for number, row in self._rows(file):
                document = str(row.get(self.options.document, ""))
                tokens, tags = row[self.options.tokens], row[self.options.tags]
                try:
                    yield rows.passage(str(count), tokens, tags, document)
                except ValueError as error:
                    raise FormatError(f"{file.name}: row {number}: {error}") from error
                count += 1

    def _rows(self, file: RawFile) -> Iterator[tuple[int, dict[str, Any]]]:
        import pyarrow
        import pyarrow.parquet

        options = self.options
        wanted = {options.tokens, options.tags, *options.where}
        wanted |= {options.document} if options.document else set()
        try:
            table = pyarrow.parquet.ParquetFile(io.BytesIO(file.read()))
        except pyarrow.ArrowInvalid as error:
            raise FormatError(f"{file.name}: no parquet file: {error}") from error
        if missing := sorted(wanted - set(table.schema_arrow.names)):
            raise FormatError(
                f"{file.name}: no column {missing[0]!r};"
                f" there are {', '.join(table.schema_arrow.names)}"
            )
        batches = table.iter_batches(_BATCH, columns=sorted(wanted))
        rows = (row for batch in batches for row in batch.to_pylist())
        for number, row in enumerate(rows, start=1):
            if all(str(row[key]) == value for key, value in options.where.items()):
                yield number, row
