"""JSON objects with a text (or tokens) and a list of mentions, keys as they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.ids import UniqueIds
from unibench.data.formats.json_rows import element_error, json_elements, json_lines
from unibench.data.formats.offsets import (
    Annotation,
    OffsetOptions,
    Pieces,
    mentions_of,
)
from unibench.data.formats.token_places import TokenText
from unibench.errors import FormatError
from unibench.schema.text import Passage


class JsonMentions(Format):
    """Read JSON lines, or one JSON list, of objects with mentions by place.

    For example, with `text: data`, `mentions: ner_label`, `label: "0"`, `start: "1"`,
    `end: "2"`, `quoted: "3"`::

        {"id": 1, "data": "A red Audi Q7 .", "ner_label":
          [["brand", 6, 10, "Audi"], ["suv", 6, 13, "Audi Q7"]]}

    and with `tokens: tokens`, `mentions: entity_mentions`, `label: entity_type`::

        {"tokens": ["jun", "B", "gene"], "entity_mentions":
          [{"start": 0, "end": 2, "entity_type": "DNA"}]}

    A key may be a path: `pos.0` is the first element of the list under `pos`.
    """

    class Options(OffsetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Where in an object each thing is found.

        `text` holds the text, or else `tokens` the list of tokens; mentions then
        count tokens. `label`, `start`, `end` and `quoted` (the text that a mention
        should have; empty: not compared) are looked for in each element of
        `mentions`; with `numbers` an element lists its tokens' numbers there instead
        of `start` and `end`. `inclusive` says that an end belongs to its mention.
        `id` and `document` may name keys too. Only objects with these values of
        `where` are read.
        """

        layout: Literal["lines", "list"] = "lines"
        text: str = "text"
        tokens: str = ""
        mentions: str = "mentions"
        label: str = "label"
        start: str = "start"
        end: str = "end"
        numbers: str = ""
        quoted: str = ""
        inclusive: bool = False
        id: str = ""
        document: str = ""
        where: Mapping[str, str] = {}

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage for each object that `where` does not leave out."""
        ids, count = UniqueIds(), 0
        for file in files:
            for error, row in self._rows(file):
                reader = _Row(row, error)
                wanted = self.options.where.items()
                if any(str(reader.value(key)) != value for key, value in wanted):
                    continue
                key = self.options.id
                name = ids.take(str(reader.value(key) if key else count))
                yield self._passage(reader, name)
                count += 1

    def _rows(self, file: RawFile) -> Iterator[tuple[partial[FormatError], Any]]:
        if self.options.layout == "lines":
            for number, row in json_lines(file, dict[str, Any]):
                yield partial(file.error, number), row
        else:
            for position, row in json_elements(file, dict[str, Any]):
                yield partial(element_error, file, position), row

    def _passage(self, row: _Row, name: str) -> Passage:
        options = self.options
        document = str(row.value(options.document)) if options.document else ""
        elements = [_Row(e, row.error) for e in row.list_of(options.mentions)]
        if options.tokens:
            tokens = TokenText(row.strings(options.tokens), row.error)
            found = [(e.string(options.label), e) for e in elements]
            return tokens.passage(
                name,
                [
                    (label, self._tokens(e, tokens), self._quoted(e))
                    for label, e in found
                ],
                self.repairs,
                document,
                options.mismatch,
            )
        text = row.string(options.text)
        marks = [
            Annotation(
                e.string(options.label), self._characters(e), self._quoted(e), row.error
            )
            for e in elements
        ]
        mentions = mentions_of(text, marks, options.mismatch, self.repairs)
        return Passage(name, text, mentions, document)

    def _quoted(self, element: _Row) -> str | None:
        key = self.options.quoted
        return element.string(key) if key else None

    def _characters(self, element: _Row) -> Pieces:
        start = element.number(self.options.start)
        end = element.number(self.options.end)
        return ((start, end + self.options.inclusive),)

    def _tokens(self, element: _Row, tokens: TokenText) -> Pieces:
        if self.options.numbers:
            return tokens.pieces(element.numbers(self.options.numbers))
        start = element.number(self.options.start)
        end = element.number(self.options.end)
        return tokens.span(start, end - (not self.options.inclusive))


class InstructUie(JsonMentions):
    """Read the files of an InstructUIE folder (`train.json` and so on).

    For example::

        [{"sentence": "Anna met Bo .",
          "entities": [{"name": "Anna", "type": "person", "pos": [0, 4]}]}]

    The same options as `json_mentions`, with what these files need as defaults.
    """

    class Options(
        JsonMentions.Options, frozen=True, forbid_unknown_fields=True, kw_only=True
    ):
        """The keys of this layout."""

        layout: Literal["lines", "list"] = "list"
        text: str = "sentence"
        mentions: str = "entities"
        label: str = "type"
        start: str = "pos.0"
        end: str = "pos.1"
        quoted: str = "name"


class _Row:
    """Values of one object by key or path; what is missing or not of its type stops."""

    def __init__(self, value: Any, error: partial[FormatError]) -> None:
        self.root, self.error = value, error

    def value(self, path: str) -> Any:
        found = self.root
        for key in path.split("."):
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                raise self.error(f"there is no {path!r} in {str(self.root)[:80]}")
        return found

    def string(self, path: str) -> str:
        found = self.value(path)
        if not isinstance(found, str):
            raise self.error(f"{path!r} is no text but {str(found)[:80]}")
        return found

    def number(self, path: str) -> int:
        found = self.value(path)
        if type(found) is not int:
            raise self.error(f"{path!r} is no whole number but {str(found)[:80]}")
        return found

    def list_of(self, path: str) -> list[Any]:
        found = self.value(path)
        if not isinstance(found, list):
            raise self.error(f"{path!r} is no list but {str(found)[:80]}")
        return found

    def strings(self, path: str) -> list[str]:
        found = self.list_of(path)
        if not all(isinstance(item, str) for item in found):
            raise self.error(f"{path!r} holds something that is no text")
        return found

    def numbers(self, path: str) -> list[int]:
        found = self.list_of(path)
        if not all(type(item) is int for item in found):
            raise self.error(f"{path!r} holds something that is no whole number")
        return found
