"""Texts with tables of sentence and token offsets beside them, as SOFC-Exp has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal, NamedTuple

import msgspec

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.offsets import Annotation, Pieces, mentions_of
from unibench.data.formats.pairs import stem_of
from unibench.data.formats.tags import Tag, TagReader, spans_of
from unibench.data.formats.token_places import TokenText
from unibench.errors import FormatError
from unibench.schema.text import Passage, Span


class _Token(NamedTuple):
    """A token of a sentence; offsets count from the sentence's start."""

    start: int
    end: int
    tag: Tag
    line: int


class _Sentence(NamedTuple):
    """A sentence; offsets count from the text's start."""

    number: int
    annotated: bool
    start: int
    end: int
    line: int


class _Document(NamedTuple):
    name: str
    text: RawFile
    sentences: RawFile
    entities: RawFile


class SentenceTables(Format):
    r"""Read texts, sentence tables and token tables (TAB separated, no header).

    For example, `texts/a.txt` holds `The demo cell runs. No.`,
    `sentences/a.csv` (number, annotated or not, start, end)::

        1\t1\t0\t19
        2\t0\t20\t23

    and `entity_types_and_slots/a.csv` (sentence, token, start and end in the
    sentence, tag, further tags)::

        1\t1\t0\t3\tO\tO
        1\t2\t4\t8\tB-DEVICE\tO
        1\t3\t9\t13\tI-DEVICE\tO

    A passage is a sentence marked 1, or with `sentences: all` each sentence; the
    marked ones are exactly those with tokens. Its text is what stands in the text
    file, or with `text: tokens` the tokens joined by one blank.
    """

    class Options(
        Format.Options, frozen=True, forbid_unknown_fields=True, kw_only=True
    ):
        """Name patterns of the three kinds of files, and what a passage is."""

        texts: str = "texts/*.txt"
        sentence_tables: str = "sentences/*.csv"
        entity_tables: str = "entity_types_and_slots/*.csv"
        tag: int = 4
        sentences: Literal["annotated", "all"] = "annotated"
        text: Literal["source", "tokens"] = "source"

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield the sentences of each document, in the order of the texts."""
        for document in self._documents(files):
            body = document.text.text()
            tokens = self._tokens(document.entities)
            for sentence in _sentences(document.sentences):
                words = tokens.pop(sentence.number, [])
                error = partial(document.sentences.error, sentence.line)
                if bool(words) != sentence.annotated:
                    marked = "" if sentence.annotated else "not "
                    raise error(
                        f"sentence {sentence.number} is {marked}marked, but has"
                        f" {len(words)} tokens in {document.entities.name}"
                    )
                if not sentence.start < sentence.end <= len(body):
                    raise error(
                        f"sentence {sentence.start}-{sentence.end} does not fit into"
                        f" a text of {len(body)} characters"
                    )
                if words or self.options.sentences == "all":
                    yield self._passage(document, body, sentence, words)
            if tokens:
                raise FormatError(
                    f"{document.entities.name}: sentence {min(tokens)} is not in"
                    f" {document.sentences.name}"
                )

    def _documents(self, files: Sequence[RawFile]) -> Iterator[_Document]:
        options = self.options
        patterns = (options.texts, options.sentence_tables, options.entity_tables)
        found: dict[str, dict[str, RawFile]] = {pattern: {} for pattern in patterns}
        for file in files:
            stems = {p: stem_of(file.name, p) for p in patterns}
            pattern = next((p for p in patterns if stems[p] is not None), "")
            name = stems.get(pattern)
            if name is None:
                raise FormatError(f"{file.name}: is none of {', '.join(patterns)}")
            other = found[pattern].setdefault(name, file)
            if other is not file:
                raise FormatError(f"{file.name}: is called like {other.name}")
        names = sorted(set[str]().union(*found.values()))
        for pattern in patterns:
            if missing := [name for name in names if name not in found[pattern]]:
                raise FormatError(f"{pattern.replace('*', missing[0])} is missing")
        for name, text in found[patterns[0]].items():
            yield _Document(name, text, *(found[p][name] for p in patterns[1:]))

    def _tokens(self, file: RawFile) -> dict[int, list[_Token]]:
        """Return the tokens of each sentence that has any."""
        reader, tokens = TagReader("IOB2"), dict[int, list[_Token]]()
        for number, line in file.lines():
            cells = line.split("\t")
            if len(cells) <= max(4, self.options.tag):
                raise file.error(number, f"{len(cells)} cells are too few")
            sentence, token, start, end = _numbers(file, number, cells[:4])
            if token != len(tokens.get(sentence, ())) + 1:
                raise file.error(
                    number, f"token {token} of sentence {sentence} is out of order"
                )
            try:
                tag = reader.read(cells[self.options.tag])
            except ValueError as error:
                raise file.error(number, str(error)) from error
            tokens.setdefault(sentence, []).append(_Token(start, end, tag, number))
        return tokens

    def _passage(
        self, document: _Document, body: str, sentence: _Sentence, words: list[_Token]
    ) -> Passage:
        source = body[sentence.start : sentence.end]
        last = 0
        for word in words:
            if not last <= word.start < word.end <= len(source):
                raise document.entities.error(
                    word.line,
                    f"token {word.start}-{word.end} does not fit into sentence"
                    f" {sentence.number} of {len(source)} characters after {last}",
                )
            last = word.end
        name = f"{document.name}-{sentence.number}"
        spans = spans_of([word.tag for word in words])
        error = partial(document.sentences.error, sentence.line)
        if self.options.text == "tokens" and words:
            text = TokenText([source[w.start : w.end] for w in words], error)
            found = [(la, text.span(a, b - 1), None) for a, b, la in spans]
            return text.passage(name, found, self.repairs, document.name)
        places: list[tuple[str, Pieces]] = [
            (label, ((words[a].start, words[b - 1].end),)) for a, b, label in spans
        ]
        marks = [Annotation(label, pieces, None, error) for label, pieces in places]
        mentions = mentions_of(source, marks, "error", self.repairs)
        passage = Passage(name, source, mentions, document.name)
        own = tuple(Span(word.start, word.end) for word in words)
        if [source[span.start : span.end] for span in own] == source.split():
            return passage
        return msgspec.structs.replace(passage, tokens=own)


def _sentences(file: RawFile) -> Iterator[_Sentence]:
    for number, line in file.lines():
        cells = line.split("\t")
        if len(cells) != 4 or cells[1] not in ("0", "1"):
            raise file.error(number, f"{line!r} is no sentence: number, 0 or 1, places")
        sentence, annotated, start, end = _numbers(file, number, cells)
        yield _Sentence(sentence, annotated == 1, start, end, number)


def _numbers(file: RawFile, line: int, cells: Sequence[str]) -> list[int]:
    if not all(cell.isascii() and cell.isdigit() and len(cell) < 10 for cell in cells):
        raise file.error(line, f"{cells} are no whole numbers")
    return [int(cell) for cell in cells]
