"""CHEMDNER: a table of titles and abstracts, and a table of mentions in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.ids import UniqueIds
from unibench.data.formats.offsets import Annotation, OffsetOptions, mentions_of
from unibench.data.formats.pairs import pair_files
from unibench.schema.text import Passage

Mark = tuple[int, list[str]]


class AbstractTables(Format):
    r"""Read pairs of `.abstracts.txt` and `.annotations.txt`; a passage is a document.

    For example::

        7\tUptake of aspirin\tNaCl was added.

        7\tT\t10\t17\taspirin\tTRIVIAL
        7\tA\t0\t4\tNaCl\tFORMULA

    The passage is `title + " " + abstract`; `T` and `A` say in which of the two the
    half-open offsets count.
    """

    class Options(OffsetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Name patterns of the two tables."""

        texts: str = "*.abstracts.txt"
        annotations: str = "*.annotations.txt"

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield the documents in the order of the tables."""
        options, ids = self.options, UniqueIds()
        for pair in pair_files(files, options.texts, options.annotations, self.repairs):
            table = pair.annotations or pair.text
            marks = _by_document(table)
            for number, line in pair.text.lines():
                cells = line.split("\t")
                if len(cells) != 3:
                    raise pair.text.error(
                        number, f"{len(cells)} cells: ID, title and abstract are three"
                    )
                name, title, abstract = cells
                found = [
                    _annotation(table, mark, title, abstract)
                    for mark in marks.pop(name, [])
                ]
                text = f"{title} {abstract}"
                mentions = mentions_of(text, found, options.mismatch, self.repairs)
                yield Passage(ids.take(name), text, mentions, name)
            for name, left in marks.items():
                raise table.error(left[0][0], f"document {name} has no abstract")


def _by_document(table: RawFile) -> dict[str, list[Mark]]:
    marks: dict[str, list[Mark]] = {}
    for number, line in table.lines():
        cells = line.split("\t")
        if len(cells) != 6 or cells[1] not in ("T", "A"):
            raise table.error(
                number, f"{line!r} is no ID, T or A, start, end, text, type"
            )
        marks.setdefault(cells[0], []).append((number, cells))
    return marks


def _annotation(table: RawFile, mark: Mark, title: str, abstract: str) -> Annotation:
    number, (_, part, first, last, quoted, label) = mark
    if not all(n.isascii() and n.isdigit() and len(n) < 10 for n in (first, last)):
        raise table.error(number, f"{first!r} and {last!r} are no offsets")
    start, end = int(first), int(last)
    length = len(title) if part == "T" else len(abstract)
    if end > length:
        raise table.error(
            number, f"offsets {start}-{end} do not fit into {length} characters"
        )
    shift = 0 if part == "T" else len(title) + 1
    error = partial(table.error, number)
    return Annotation(label, ((start + shift, end + shift),), quoted, error)
