"""ShARe/CLEF: texts with lines of fields that pipes part beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.offsets import (
    Annotation,
    OffsetOptions,
    Pieces,
    mentions_of,
)
from unibench.data.formats.pairs import Pair, pair_files
from unibench.errors import FormatError
from unibench.schema.text import Passage

FIELDS_2014 = 22
LONE_TEXTS = "texts without an annotation file: read as without mentions"
_SPANS = re.compile(r"\d{1,9}-\d{1,9}(?:,\d{1,9}-\d{1,9})*", re.ASCII)


class PipeSpans(Format):
    """Read ShARe/CLEF's gold files; a passage is a whole note.

    For example, a line of `a.pipe` in the release of 2014 (22 fields), and a line of
    `a.txt` in the gold folder of 2013::

        a.txt|33-44,59-66|C034|no|null|patient|null|no|null|...
        a.txt||Disease_Disorder||C034||33||44||59||66

    Offsets are half-open; several pieces are a discontinuous mention, and pieces
    that nothing but white space parts are one. The release of 2014 has disorders
    only: its mentions get `label`. A text without its annotation file is an error, or
    with `lone_texts: keep` a note without mentions, which is counted.
    """

    class Options(OffsetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """The release, name patterns, and the label that 2014's files do not write."""

        release: Literal["2014", "2013"] = "2014"
        texts: str = "*.txt"
        annotations: str = "*.pipe"
        label: str = "Disorder"
        lone_texts: Literal["error", "keep"] = "error"

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage for each text, in the order of the texts."""
        options = self.options
        keep = options.lone_texts == "keep"
        for pair in pair_files(
            files, options.texts, options.annotations, self.repairs, lone_texts=keep
        ):
            yield self._passage(pair)

    def _passage(self, pair: Pair) -> Passage:
        text = pair.text.text()
        marks: list[Annotation] = []
        if pair.annotations is None:
            self.repairs[LONE_TEXTS] += 1
        else:
            read = self._of_2014 if self.options.release == "2014" else self._of_2013
            for number, line in pair.annotations.lines():
                if line.strip():
                    error = partial(pair.annotations.error, number)
                    name, label, pieces = read(line, error)
                    if name.rpartition("/")[2].removesuffix(".txt") != pair.document:
                        raise error(f"belongs to {name}, not to {pair.document}")
                    marks.append(Annotation(label, pieces, None, error))
        mentions = mentions_of(text, marks, self.options.mismatch, self.repairs)
        return Passage(pair.id, text, mentions, pair.document)

    def _of_2014(
        self, line: str, error: partial[FormatError]
    ) -> tuple[str, str, Pieces]:
        fields = line.split("|")
        if len(fields) != FIELDS_2014:
            raise error(f"{len(fields)} fields, a line of 2014 has {FIELDS_2014}")
        if not _SPANS.fullmatch(fields[1]):
            raise error(f"{fields[1]!r} are no offsets like 3-9,12-15")
        pieces = (piece.split("-") for piece in fields[1].split(","))
        return fields[0], self.options.label, tuple((int(s), int(e)) for s, e in pieces)

    def _of_2013(
        self, line: str, error: partial[FormatError]
    ) -> tuple[str, str, Pieces]:
        name, *fields = line.split("||")
        numbers = fields[2:]
        if (
            len(numbers) < 2
            or len(numbers) % 2
            or not all(re.fullmatch(r"\d{1,9}", number, re.ASCII) for number in numbers)
        ):
            raise error(f"{line!r} is no FILE||label||CUI||start||end...")
        places = [int(number) for number in numbers]
        return name, fields[0], tuple(zip(places[::2], places[1::2], strict=True))
