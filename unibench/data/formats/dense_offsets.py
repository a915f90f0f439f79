"""Sentences with mentions whose offsets leave blanks out (BioCreative II)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.offsets import Annotation, OffsetOptions, mentions_of
from unibench.data.formats.pairs import stem_of
from unibench.errors import FormatError
from unibench.schema.text import Passage

_MARK = re.compile(r"([^|]+)\|(\d{1,9}) (\d{1,9})\|(.*)", re.ASCII)

Mark = tuple[RawFile, int, str]
Marks = dict[str, list[Mark]]


class DenseOffsets(Format):
    """Read files of `ID text` and files of `ID|start end|mention`.

    For example, `train.in` and `GENE.eval`::

        P1 The human abc kinase binds.

        P1|8 16|abc kinase

    Offsets count the characters that are no blank, from 0; the end is included.
    """

    class Options(OffsetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Name patterns of the two kinds of files, and the one label of mentions."""

        texts: str = "*.in"
        annotations: str = "GENE*.eval"
        label: str = "GENE"

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage for each sentence, in file order."""
        texts, marks = self._sorted(files)
        seen: set[str] = set()
        for file in texts:
            for number, line in file.lines():
                name, blank, text = line.partition(" ")
                if not name or not blank or name in seen:
                    problem = "comes twice" if name in seen else "is no `ID text`"
                    raise file.error(number, f"{line[:40]!r} {problem}")
                seen.add(name)
                yield self._passage(name, text, marks.pop(name, []))
        for (file, number, line), *_ in marks.values():
            raise file.error(number, f"{line!r} belongs to no sentence")

    def _sorted(self, files: Sequence[RawFile]) -> tuple[list[RawFile], Marks]:
        """Return the files of sentences, and the other files' lines by sentence."""
        texts, marks = [], Marks()
        for file in files:
            if stem_of(file.name, self.options.texts) is not None:
                texts.append(file)
            elif stem_of(file.name, self.options.annotations) is not None:
                for number, line in file.lines():
                    name = line.partition("|")[0]
                    marks.setdefault(name, []).append((file, number, line))
            else:
                raise FormatError(
                    f"{file.name}: is neither {self.options.texts} nor"
                    f" {self.options.annotations}"
                )
        if texts and not any(f not in texts for f in files):
            raise FormatError(
                f"{texts[0].name}: its partner {self.options.annotations} is missing"
            )
        return texts, marks

    def _passage(self, name: str, text: str, marks: Sequence[Mark]) -> Passage:
        places = [place for place, character in enumerate(text) if character != " "]
        annotations = []
        for file, number, line in marks:
            match = _MARK.fullmatch(line)
            if match is None:
                raise file.error(number, f"{line!r} is no `ID|start end|mention`")
            start, end = int(match[2]), int(match[3])
            if not start <= end < len(places):
                raise file.error(
                    number,
                    f"offsets {start}-{end} do not fit into {len(places)} characters"
                    " that are no blanks",
                )
            pieces = ((places[start], places[end] + 1),)
            error = partial(file.error, number)
            annotations.append(Annotation(self.options.label, pieces, match[4], error))
        mentions = mentions_of(text, annotations, self.options.mismatch, self.repairs)
        return Passage(name, text, mentions)
