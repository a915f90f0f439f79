"""i2b2 2010: a sentence a line, and concepts by line and token numbers beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.offsets import (
    Annotation,
    OffsetOptions,
    mentions_of,
    same_words,
)
from unibench.data.formats.pairs import Pair, pair_files
from unibench.schema.text import Passage

_CONCEPT = re.compile(
    r'(\w+)="(.*)" (\d{1,9}):(\d{1,9}) (\d{1,9}):(\d{1,9})\|\|(.*)', re.ASCII
)
_FACT = re.compile(r'(\w+)="([^"]*)"')
_BLANKS = re.compile(" +")

Line = tuple[int, list[tuple[int, int]]]
"""Where a line begins in the text, and where its tokens stand."""


class LineConcepts(Format):
    r"""Read pairs of `.txt` and `.con` (or `.extent`); a passage is a whole note.

    For example, `note.txt` holds `He was given Aspirin 81 mg .` and `note.con`::

        c="aspirin" 1:3 1:3||t="treatment"

    Lines count from 1, tokens from 0, and the last token is included. Tokens are
    what blanks part: a run of blanks parts two tokens, and a blank at the beginning
    of a line makes an empty token 0. The quoted text is compared without regard to
    case (`.con` files are in lower case); the mention is what stands in the note. It
    may run over line ends. `.extent` files are read with `key: EVENT`, `label: type`
    and `other: [TIMEX3, TLINK]`.
    """

    class Options(OffsetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Name patterns, and the keys of lines: those read, and those passed over."""

        texts: str = "*.txt"
        annotations: str = "*.con"
        key: str = "c"
        label: str = "t"
        other: tuple[str, ...] = ()

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage for each pair of files."""
        options = self.options
        pairs = pair_files(files, options.texts, options.annotations, self.repairs)
        for pair in pairs:
            yield self._passage(pair)

    def _passage(self, pair: Pair) -> Passage:
        text = pair.text.text().replace("\r\n", "\n")  # no offset counts line ends
        lines = _lines(text)
        marks: list[Annotation] = []
        if pair.annotations is not None:
            marks += self._marks(pair.annotations, text, lines)
        mentions = mentions_of(text, marks, self.options.mismatch, self.repairs)
        return Passage(pair.id, text, mentions, pair.document)

    def _marks(
        self, file: RawFile, text: str, lines: Sequence[Line]
    ) -> Iterator[Annotation]:
        for number, line in file.lines():
            match = _CONCEPT.fullmatch(line)
            if not line.strip() or line.split("=", 1)[0] in self.options.other:
                continue
            if match is None or match[1] != self.options.key:
                raise file.error(
                    number, f'{line!r} is no concept ({self.options.key}="..." L:T L:T)'
                )
            facts = [_FACT.fullmatch(fact) for fact in match[7].split("||")]
            known = {fact[1]: fact[2] for fact in facts if fact is not None}
            if None in facts or self.options.label not in known:
                raise file.error(number, f"{line!r} has no {self.options.label!r}")
            places = [int(group) for group in match.groups()[2:6]]
            start = _place(file, number, lines, places[0], places[1])[0]
            end = _place(file, number, lines, places[2], places[3])[1]
            same = same_words(text[start:end].casefold(), match[2].casefold())
            quoted = None if same else match[2]
            error = partial(file.error, number)
            yield Annotation(known[self.options.label], ((start, end),), quoted, error)


def _lines(text: str) -> list[Line]:
    lines, begin = [], 0
    for line in text.split("\n"):
        places, start = [], 0
        for blank in [*_BLANKS.finditer(line), None]:
            end = blank.start() if blank else len(line)
            places.append((begin + start, begin + end))
            start = blank.end() if blank else 0
        lines.append((begin, places))
        begin += len(line) + 1
    return lines


def _place(
    file: RawFile, number: int, lines: Sequence[Line], line: int, token: int
) -> tuple[int, int]:
    if not 1 <= line <= len(lines):
        raise file.error(number, f"the note has {len(lines)} lines, none is {line}")
    places = lines[line - 1][1]
    if token >= len(places):
        raise file.error(
            number, f"line {line} of the note has {len(places)} tokens, none is {token}"
        )
    return places[token]
