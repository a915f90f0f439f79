"""Parquet files, or Arrow streams, with tokens and tags as lists in each row."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.tag_rows import TagRowOptions, TagRows
from unibench.errors import FormatError
from unibench.schema.text import Passage

if TYPE_CHECKING:
    import pyarrow

_BATCH = 4096  # rows
_PARQUET = b"PAR1"  # how a parquet file begins


class ParquetTokens(Format):
    """What the Hub's token classification sets look like, converted or not.

    Arrow streams, as `save_to_disk` of `datasets` writes them, are read alike.
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
        options = self.options
        wanted = {options.tokens, options.tags, *options.where}
        wanted |= {options.document} if options.document else set()
        rows = (row for batch in _batches(file, wanted) for row in batch.to_pylist())
        for number, row in enumerate(rows, start=1):
            if all(str(row[key]) == value for key, value in options.where.items()):
                yield number, row


def _batches(file: RawFile, wanted: set[str]) -> Iterator[pyarrow.RecordBatch]:
    """Yield the rows of either kind of file, some at a time, with `wanted` columns."""
    import pyarrow.parquet

    content, columns = file.read(), sorted(wanted)
    try:
        if content.startswith(_PARQUET):
            table = pyarrow.parquet.ParquetFile(io.BytesIO(content))
            _check_columns(file, table.schema_arrow.names, columns)
            yield from table.iter_batches(_BATCH, columns=columns)
        else:
            stream = pyarrow.ipc.open_stream(content)
            _check_columns(file, stream.schema.names, columns)
            yield from (batch.select(columns) for batch in stream)
    except (pyarrow.ArrowException, OSError) as error:
        raise FormatError(
            f"{file.name}: no whole parquet file or Arrow stream: {error}"
        ) from error


def _check_columns(file: RawFile, names: list[str], columns: list[str]) -> None:
    if missing := [name for name in columns if name not in names]:
        raise FormatError(
            f"{file.name}: no column {missing[0]!r}; there are {', '.join(names)}"
        )
