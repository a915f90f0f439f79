"""PubTator: title, abstract, mention lines and relation lines of many documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.ids import UniqueIds
from unibench.data.formats.offsets import Annotation, OffsetOptions, mentions_of
from unibench.schema.text import Passage

_TITLE = re.compile(r"([^|\t]+)\|t\|(.*)")


class PubTator(Format):
    r"""Read PubTator files; a passage is a document, `title + " " + abstract`.

    For example::

        7|t|Hair and skin loss
        7|a|We saw abcdine.
        7\t0\t18\tHair and skin loss\tDisease\tD1|D2\tHair loss|skin loss
        7\t26\t33\tabcdine\tChemical\tD3
        7\tCID\tD3\tD1

    Offsets index the passage. A composite mention (its seventh column lists the
    single ones) stays whole. Relation lines, known by a second field that is no
    number, are passed over. A document that comes twice keeps both passages.
    """

    class Options(OffsetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Only what all offset formats have: `mismatch`."""

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage for each document."""
        ids = UniqueIds()
        for file in files:
            for block in _blocks(file):
                yield self._passage(file, block, ids)

    def _passage(
        self, file: RawFile, block: list[tuple[int, str]], ids: UniqueIds
    ) -> Passage:
        number, line = block[0]
        title = _TITLE.fullmatch(line)
        if title is None:
            raise file.error(number, f"{line!r} is no title line (ID|t|TITLE)")
        document = title[1]
        start = f"{document}|a|"
        if len(block) < 2 or not block[1][1].startswith(start):
            raise file.error(
                block[min(1, len(block) - 1)][0],
                f"document {document} has no abstract line after its title",
            )
        text = f"{title[2]} {block[1][1].removeprefix(start)}"
        annotations = [
            annotation
            for number, line in block[2:]
            for annotation in _annotations(file, number, line, document)
        ]
        mentions = mentions_of(text, annotations, self.options.mismatch, self.repairs)
        return Passage(ids.take(document), text, mentions, document)


def _blocks(file: RawFile) -> Iterator[list[tuple[int, str]]]:
    """Cut at title lines: the blank line between documents is sometimes missing."""
    block: list[tuple[int, str]] = []
    for number, line in file.lines():
        if block and _TITLE.fullmatch(line):
            yield block
            block = []
        if line.strip():
            block.append((number, line))
    if block:
        yield block


def _annotations(
    file: RawFile, number: int, line: str, document: str
) -> Iterator[Annotation]:
    fields = line.split("\t")
    if fields[0] != document:
        raise file.error(number, f"{line!r} does not belong to document {document}")
    if len(fields) > 2 and fields[1].isascii() and fields[1].isdigit():
        if not (5 <= len(fields) <= 7 and fields[2].isascii() and fields[2].isdigit()):
            raise file.error(
                number, f"{line!r} is no mention: ID, start, end, text, type, ids"
            )
        pieces = ((int(fields[1]), int(fields[2])),)
        yield Annotation(fields[4], pieces, fields[3], partial(file.error, number))
    elif not 4 <= len(fields) <= 5:
        raise file.error(number, f"{line!r} is neither a mention nor a relation")
