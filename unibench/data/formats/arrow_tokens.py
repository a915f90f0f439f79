"""Arrow files as `datasets` saves them, with lists of tokens and tags in each row."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.tag_rows import TagRowOptions, TagRows
from unibench.errors import FormatError
from unibench.schema.text import Passage

_FILE_MAGIC = b"ARROW1"


class ArrowTokens(Format):
    """Read the `.arrow` files of a folder that `save_to_disk` wrote.

    They are Arrow IPC streams (files with a footer are read too). Integer tags are
    places in the option `names`, or without it in the class names that the file's own
    metadata give for the column of tags.
    """

    class Options(TagRowOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """What rows of tags may say."""

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage for each row that `where` does not leave out."""
        count = 0
        for file in files:
            for number, row, rows in self._rows(file):
                document = str(row.get(self.options.document, ""))
                try:
                    tokens = msgspec.convert(row[self.options.tokens], list[str])
                    tags = msgspec.convert(row[self.options.tags], list[str | int])
                    yield rows.passage(str(count), tokens, tags, document)
                except (msgspec.MsgspecError, ValueError) as error:
                    raise FormatError(f"{file.name}: row {number}: {error}") from error
                count += 1

    def _rows(self, file: RawFile) -> Iterator[tuple[int, dict[str, Any], TagRows]]:
        import pyarrow

        options = self.options
        wanted = [options.tokens, options.tags, *options.where]
        wanted += [options.document] if options.document else []
        number = 0
        try:
            schema, batches = _open(file.read())
            if missing := [name for name in wanted if name not in schema.names]:
                raise FormatError(
                    f"{file.name}: no column {missing[0]!r};"
                    f" there are {', '.join(schema.names)}"
                )
            names = options.names or _class_names(schema, options.tags)
            reader = TagRows(msgspec.structs.replace(options, names=names))
            for batch in batches:
                batch.validate(full=True)  # damaged offsets would be read as they are
                for row in batch.select(wanted).to_pylist():
                    number += 1
                    kept = options.where.items()
                    if all(str(row[key]) == value for key, value in kept):
                        yield number, row, reader
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise FormatError(
                f"{file.name}: after row {number}: no Arrow data: {error}"
            ) from error


def _open(content: bytes) -> tuple[Any, Iterator[Any]]:
    """Return the schema and the record batches of a stream, or of a file."""
    import pyarrow.ipc

    if content.startswith(_FILE_MAGIC):
        file = pyarrow.ipc.open_file(io.BytesIO(content))
        return file.schema, map(file.get_batch, range(file.num_record_batches))
    stream = pyarrow.ipc.open_stream(io.BytesIO(content))
    return stream.schema, iter(stream)


def _class_names(schema: Any, column: str) -> tuple[str, ...]:
    """Return the names that `datasets` notes for a column of class labels, if any."""
    noted = (schema.metadata or {}).get(b"huggingface", b"{}")
    feature = json.loads(noted).get("info", {}).get("features", {}).get(column, {})
    while feature:
        if isinstance(feature, list):
            feature = feature[0]
        elif "names" in feature:
            return tuple(map(str, feature["names"]))
        else:
            feature = feature.get("feature")
    return ()
