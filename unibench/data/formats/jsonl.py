"""JSON lines: a text with mentions by offset, or tokens with tags, on each line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.offsets import Annotation, Mismatch, Pieces, mentions_of
from unibench.data.formats.tag_rows import TagRowOptions, TagRows
from unibench.errors import FormatError
from unibench.schema.text import Passage


class MentionRow(msgspec.Struct, forbid_unknown_fields=True):
    """A mention: its type, one pair of offsets or several, and its text if given."""

    type: str = ""
    entity_type: str = ""
    start: int | None = None
    end: int | None = None
    spans: Pieces = ()
    text: str | None = None

    def pieces(self) -> Pieces:
        """Return the offsets, however they were given."""
        if self.start is None or self.end is None:
            return self.spans
        return ((self.start, self.end),)


class JsonLines(Format):
    """Rows `{"text", "mentions"}`, or `{"tokens", "tags"}`.

    A mention is `{"type" (or "entity_type"), "start", "end"}`, end exclusive, or has
    `spans` for several pieces; its `text` is compared where it is given. `id` is the
    passage's where the rows have one. Other keys of a row are ignored.
    """

    class Options(TagRowOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """What rows of tags may say, and what to do when text and offsets differ."""

        id: str = "id"
        mismatch: Mismatch = "error"

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage per line that `where` does not leave out."""
        rows = TagRows(self.options)
        decoder = msgspec.json.Decoder(dict[str, Any])
        count = 0
        for file in files:
            for number, line in file.lines():
                if not line or line.isspace():
                    continue
                try:
                    row = decoder.decode(line)
                    if self._wanted(row):
                        row_id = str(row.get(self.options.id, count))
                        yield self._passage(file, number, row_id, row, rows)
                        count += 1
                except (msgspec.MsgspecError, ValueError) as error:
                    raise file.error(number, str(error)) from error

    def _wanted(self, row: dict[str, Any]) -> bool:
        return all(str(row.get(key)) == v for key, v in self.options.where.items())

    def _passage(
        self,
        file: RawFile,
        number: int,
        row_id: str,
        row: dict[str, Any],
        rows: TagRows,
    ) -> Passage:
        document = str(row.get(self.options.document, ""))
        if "text" in row and "mentions" in row:
            text = msgspec.convert(row["text"], str)
            annotations = [
                _annotation(mention, partial(file.error, number))
                for mention in msgspec.convert(row["mentions"], list[MentionRow])
            ]
            mentions = mentions_of(
                text, annotations, self.options.mismatch, self.repairs
            )
            return Passage(row_id, text, mentions, document)
        names = (self.options.tokens, self.options.tags)
        if missing := [name for name in names if name not in row]:
            raise ValueError(
                f"no {missing[0]!r}; a row has `text` and `mentions`, or"
                f" {names[0]!r} and {names[1]!r}; this one has {', '.join(row)[:80]}"
            )
        tokens = msgspec.convert(row[names[0]], list[str])
        tags = msgspec.convert(row[names[1]], list[str | int])
        return rows.passage(row_id, tokens, tags, document)


def _annotation(row: MentionRow, error: partial[FormatError]) -> Annotation:
    label = row.type or row.entity_type
    if not label:
        raise ValueError("a mention has no `type`")
    return Annotation(label, row.pieces(), row.text, error)
