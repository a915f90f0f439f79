"""One file of tokens a document, and for each label a file with a number per token."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.offsets import Pieces
from unibench.data.formats.pairs import stem_of
from unibench.data.formats.token_places import TokenText
from unibench.errors import FormatError
from unibench.schema.text import Passage

ELSEWHERE = "documents without any annotation: left out"


class TokenFlags(Format):
    """Read EBM-NLP's release; a passage is a whole document.

    For example, `documents/7.tokens` holds `Mild`, `pain`, `.` on three lines, and
    `starting_spans/outcomes/train/7.AGGREGATED.ann` holds `1`, `1`, `0`.

    The label is the one of `labels` that is a folder of the file's path; all labels
    are needed for a document that has one, and documents without any are not of this
    split. Neighbouring tokens with one number that is not 0 are a mention; with
    `fine` the number belongs to the label (`outcomes-1`). Mentions of different
    labels may overlap. A mention ends after each of the tokens `break_after`.
    Numbers stand on lines of their own, or are parted by commas.
    """

    class Options(
        Format.Options, frozen=True, forbid_unknown_fields=True, kw_only=True
    ):
        """Name patterns, the labels, and what a mention is."""

        labels: tuple[str, ...]
        texts: str = "*.tokens"
        annotations: str = "*.ann"
        fine: bool = False
        break_after: tuple[str, ...] = ()

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield the annotated documents, in the order of their token files."""
        texts: dict[str, RawFile] = {}
        marks: dict[str, dict[str, RawFile]] = {}
        for file in files:
            if (stem := stem_of(file.name, self.options.annotations)) is not None:
                document = re.split(r"[._]", stem, maxsplit=1)[0]
                self._add(marks.setdefault(document, {}), file)
            elif (stem := stem_of(file.name, self.options.texts)) is not None:
                texts[stem] = file
            else:
                raise FormatError(f"{file.name}: is neither tokens nor annotations")
        for stem, file in texts.items():
            found = marks.pop(stem, None)
            if found is None:
                self.repairs[ELSEWHERE] += 1
                continue
            if missing := [la for la in self.options.labels if la not in found]:
                raise FormatError(f"{file.name}: its {missing[0]} are missing")
            yield self._passage(stem, file, found)
        for stem, group in marks.items():
            name = next(iter(group.values())).name
            raise FormatError(f"{name}: its tokens ({stem}.tokens) are missing")

    def _add(self, marks: dict[str, RawFile], file: RawFile) -> None:
        folders = file.name.split("/")[:-1]
        found = [label for label in self.options.labels if label in folders]
        if len(found) != 1 or found[0] in marks:
            other = f", like {marks[found[0]].name}" if len(found) == 1 else ""
            raise FormatError(f"{file.name}: stands for the labels {found}{other}")
        marks[found[0]] = file

    def _passage(self, name: str, file: RawFile, marks: dict[str, RawFile]) -> Passage:
        words = [line for _, line in file.lines()]
        text = TokenText(words, partial(file.error, 1))
        mentions: list[tuple[str, Pieces, None]] = []
        for label in self.options.labels:
            flags = _flags(marks[label], len(words))
            for first, last in self._runs(words, flags):
                fine = f"{label}-{flags[first]}" if self.options.fine else label
                mentions.append((fine, text.span(first, last), None))
        return text.passage(name, mentions, self.repairs, name)

    def _runs(self, words: list[str], flags: list[int]) -> Iterator[tuple[int, int]]:
        """Yield (first, last) token of each run."""
        first: int | None = None
        for place, flag in enumerate(flags):
            if flag and first is None:
                first = place
            after = flags[place + 1] if place + 1 < len(flags) else 0
            if first is not None and (
                flag != after or words[place] in self.options.break_after
            ):
                yield first, place
                first = None


def _flags(file: RawFile, count: int) -> list[int]:
    flags = []
    for number, line in file.lines():
        for cell in line.replace(",", " ").split():
            if not (cell.isascii() and cell.isdigit() and len(cell) < 10):
                raise file.error(number, f"{cell!r} is no whole number")
            flags.append(int(cell))
    if len(flags) != count:
        raise FormatError(f"{file.name}: {len(flags)} numbers for {count} tokens")
    return flags
