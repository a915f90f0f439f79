"""BRAT standoff: a text file and an `.ann` file of the same name for each document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.offsets import (
    Annotation,
    OffsetOptions,
    fitting_text,
    mentions_of,
)
from unibench.data.formats.pairs import Pair, pair_files
from unibench.schema.text import Passage

SKIPPED_LINES = "mentions in the skipped first lines: left out"
UNKNOWN_LINES = "annotation lines of no known kind: left out"

_MENTION = re.compile(r"(\S+) (\d+ \d+(?:;\d+ \d+)*)")
# Events, relations, attributes (A or M), normalisations, notes, equivalences.
_OTHER = re.compile(r"(?:[ERAMN]\d+|#\S*|\*)\t")


class Brat(Format):
    r"""Read text-bound annotations (`T` lines); a passage is a whole document.

    For example, `note.txt` holds `Took demo salts.` and `note.ann`::

        T1\tAction 0 4\tTook
        T2\tDrug 5 9;10 15\tdemo salts
        R1\tTakes Arg1:T1 Arg2:T2

    Discontinuous mentions keep their pieces, unless only white space parts them (a
    line break, as brat writes it). The first `skip_lines` lines of a text (a title)
    are no part of the passage. Lines of other known kinds are passed over; others
    are errors, or left out and counted with `unknown_lines: skip`.
    """

    class Options(OffsetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Name patterns of the two files, and what is read otherwise than usual."""

        texts: str = "*.txt"
        annotations: str = "*.ann"
        skip_lines: int = 0
        unknown_lines: Literal["error", "skip"] = "error"

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage for each pair of files, in the order of the texts."""
        options = self.options
        for pair in pair_files(files, options.texts, options.annotations, self.repairs):
            yield self._passage(pair)

    def _passage(self, pair: Pair) -> Passage:
        marks = pair.annotations
        annotations = [] if marks is None else list(self._annotations(marks))
        text = fitting_text(pair.text.text(), annotations, self.repairs)
        start = 0
        for _ in range(self.options.skip_lines):
            start = text.find("\n", start) + 1 or len(text)
        kept = []
        for annotation in annotations:
            if annotation.pieces[0][0] < start:
                self.repairs[SKIPPED_LINES] += 1
            else:
                pieces = tuple((s - start, e - start) for s, e in annotation.pieces)
                kept.append(annotation._replace(pieces=pieces))
        body = text[start:]
        mentions = mentions_of(body, kept, self.options.mismatch, self.repairs)
        return Passage(pair.id, body, mentions, pair.document)

    def _annotations(self, file: RawFile) -> Iterator[Annotation]:
        for number, line in file.lines():
            fields = line.split("\t", 2)
            if fields[0].startswith("T") and fields[0][1:].isdecimal():
                match = _MENTION.fullmatch(fields[1]) if len(fields) == 3 else None
                if match is None:
                    raise file.error(number, f"{line!r} is no text-bound annotation")
                pieces = (piece.split(" ") for piece in match[2].split(";"))
                yield Annotation(
                    match[1],
                    tuple((int(start), int(end)) for start, end in pieces),
                    fields[2],
                    partial(file.error, number),
                )
            elif line and not _OTHER.match(line):
                self._unknown(file, number, line)

    def _unknown(self, file: RawFile, number: int, line: str) -> None:
        if self.options.unknown_lines == "error":
            raise file.error(
                number,
                f"{line!r} is no annotation; if the dataset is known for such lines,"
                " its card says so by the option `unknown_lines: skip`",
            )
        self.repairs[UNKNOWN_LINES] += 1
