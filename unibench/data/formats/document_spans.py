"""Documents of tokenised sentences with spans that count the document's tokens."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal, TypeVar

import msgspec

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.ids import UniqueIds
from unibench.data.formats.json_rows import json_lines
from unibench.data.formats.token_places import PTB_BRACKETS, TokenText
from unibench.errors import FormatError
from unibench.schema.text import Passage

CROSSING = "mentions that cross a sentence border: left out"

T = TypeVar("T")
Border = tuple[int, int]
NerSpan = tuple[int, int, str]


class _Row(msgspec.Struct):
    """A document; `words` is there if sentences and mentions are lists of borders."""

    sentences: msgspec.Raw
    ner: msgspec.Raw
    words: list[str] | None = None
    doc_key: str = ""
    doc_id: str = ""


class _Document(msgspec.Struct):
    """The same, whichever of the two layouts it came in."""

    name: str
    tokens: list[str]
    borders: list[Border]
    spans: list[NerSpan]


class DocumentSpans(Format):
    """Read SciERC's and SciREX's JSON, one document on each line.

    For example (two lines, the two layouts)::

        {"doc_key": "D1", "sentences": [["A", "demo"], ["It", "runs"]],
         "ner": [[[1, 1, "Method"]], []]}
        {"doc_id": "D2", "words": ["A", "demo", "It", "runs"],
         "sentences": [[0, 2], [2, 4]], "ner": [[1, 2, "Method"]]}

    Spans count the tokens of the document; their end is `inclusive` in the first
    layout as SciERC has it, `exclusive` in SciREX: say so by `end`. A passage is the
    whole document, or with `unit: sentence` each of its sentences; a mention that
    crosses their border is then an error, or left out and counted. With
    `ptb_brackets` tokens like `-LRB-` become the bracket that they stand for.
    """

    class Options(
        Format.Options, frozen=True, forbid_unknown_fields=True, kw_only=True
    ):
        """Where a span ends, what a passage is, and what is written back."""

        end: Literal["inclusive", "exclusive"]
        unit: Literal["document", "sentence"] = "document"
        crossing: Literal["error", "drop"] = "error"
        ptb_brackets: bool = False

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield the documents or their sentences, in file order."""
        ids = UniqueIds()
        for file in files:
            for number, row in json_lines(file, _Row):
                error = partial(file.error, number)
                document = self._document(row, error)
                name = ids.take(document.name or str(number - 1))
                if self.options.unit == "document":
                    text = TokenText(document.tokens, error)
                    found = [(la, text.span(s, e), None) for s, e, la in document.spans]
                    yield text.passage(name, found, self.repairs, document.name)
                else:
                    yield from self._sentences(name, document, error)

    def _document(self, row: _Row, error: partial[FormatError]) -> _Document:
        last = 0 if self.options.end == "inclusive" else 1
        if row.words is None:
            sentences = _convert(row.sentences, list[list[str]], error)
            nested = _convert(row.ner, list[list[NerSpan]], error)
            tokens = [token for sentence in sentences for token in sentence]
            borders = _borders([len(sentence) for sentence in sentences])
            spans = [span for inside in nested for span in inside]
            _check_sentences(nested, borders, last, error)
        else:
            tokens = row.words
            borders = _convert(row.sentences, list[Border], error)
            spans = _convert(row.ner, list[NerSpan], error)
            lengths = [end - start for start, end in borders]
            if borders != _borders(lengths) or sum(lengths) != len(tokens):
                raise error(f"the sentences do not make up the {len(tokens)} words")
        if self.options.ptb_brackets:
            tokens = [PTB_BRACKETS.get(token, token) for token in tokens]
        closed = [(start, end - last, label) for start, end, label in spans]
        return _Document(row.doc_key or row.doc_id, tokens, borders, closed)

    def _sentences(
        self, name: str, document: _Document, error: partial[FormatError]
    ) -> Iterator[Passage]:
        starts = [start for start, _ in document.borders]
        inside: list[list[NerSpan]] = [[] for _ in starts]
        for span in document.spans:
            place = bisect_right(starts, span[0]) - 1
            if place >= 0 and span[1] < document.borders[place][1]:
                inside[place].append(span)
            else:
                self._crossing(span, document, error)
        for place, (start, after) in enumerate(document.borders):
            text = TokenText(document.tokens[start:after], error)
            found = [
                (label, text.span(first - start, last - start), None)
                for first, last, label in inside[place]
            ]
            yield text.passage(f"{name}-{place}", found, self.repairs, document.name)

    def _crossing(
        self, span: NerSpan, document: _Document, error: partial[FormatError]
    ) -> None:
        first, last, label = span
        if not 0 <= first <= last < len(document.tokens):
            raise error(f"the {label} [{first}, {last}] lies outside the document")
        if self.options.crossing == "error":
            raise error(f"the {label} [{first}, {last}] crosses a sentence border")
        self.repairs[CROSSING] += 1


def _convert(value: msgspec.Raw, kind: type[T], error: partial[FormatError]) -> T:
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.MsgspecError as problem:
        raise error(str(problem)) from problem


def _borders(lengths: Sequence[int]) -> list[Border]:
    borders, start = [], 0
    for length in lengths:
        borders.append((start, start + length))
        start += length
    return borders


def _check_sentences(
    nested: list[list[NerSpan]],
    borders: list[Border],
    last: int,
    error: partial[FormatError],
) -> None:
    """A span listed under a sentence lies in it, or its numbers mean another thing."""
    if len(nested) != len(borders):
        raise error(f"{len(borders)} sentences, but {len(nested)} lists of mentions")
    for (start, after), spans in zip(borders, nested, strict=True):
        for first, end, label in spans:
            if not start <= first <= end - last < after:
                raise error(
                    f"the {label} [{first}, {end}] does not lie in its sentence, tokens"
                    f" {start} to {after - 1}; numbers count the document's tokens"
                )
