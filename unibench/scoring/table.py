"""Counts of every passage and entity type: what scores and intervals are made of."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from unibench.errors import ScoreError
from unibench.schema.score import Case, Counts
from unibench.scoring.profile import Cells, Notes, Profile

COUNTED = ("twice_correct", "predicted", "gold")
_COLUMNS = ("passage", "type", *COUNTED)


class Table:
    """The counts of one profile on many passages; tables of shards can be added.

    A row is a (passage, entity type) pair that has any mention. Passages of one
    document form one unit, which the bootstrap draws as a whole.
    """

    def __init__(self, profile: Profile) -> None:
        """Start an empty table for `profile`."""
        self.profile = profile
        self.notes = Notes()
        self.types: dict[str, int] = {}
        self.units: dict[tuple[str, str], int] = {}
        self.passages: dict[str, int] = {}
        self.unit_of: array[int] = array("i")
        self._cells: array[int] = array("i")

    def add(self, case: Case) -> None:
        """Count one passage.

        Raises:
            ScoreError: a passage of that id has been counted already.
        """
        passage = case.passage
        number = len(self.passages)
        if self.passages.setdefault(passage.id, number) != number:
            raise ScoreError(
                f"passage {passage.id!r} is given twice; ids must be unique within"
                " a subset"
            )
        key = ("document", passage.document) if passage.document else ("", passage.id)
        self.unit_of.append(self.units.setdefault(key, len(self.units)))
        for name in case.entity_types:
            if name not in self.types:
                self.types[name] = len(self.types)
        self._append(number, self.profile.count(case, self.notes))

    def _append(self, passage: int, cells: Cells) -> None:
        types = self.types
        for name, cell in cells.items():
            number = types.get(name)
            if number is None:
                number = types[name] = len(types)
            counts = cell.twice_correct, cell.predicted, cell.gold
            self._cells.extend((passage, number, *counts))

    def columns(self) -> dict[str, array[int]]:
        """Return the rows as columns: `passage`, `type` and those of `COUNTED`."""
        width = len(_COLUMNS)
        return {name: self._cells[n::width] for n, name in enumerate(_COLUMNS)}

    def merge(self, other: Table) -> None:
        """Add the passages of another shard of the same data.

        Raises:
            ScoreError: the tables are of two profiles, or a passage is in both.
        """
        if other.profile.name != self.profile.name:
            raise ScoreError(
                f"counts under {other.profile.name!r} cannot be added to counts under"
                f" {self.profile.name!r}"
            )
        if twice := self.passages.keys() & other.passages.keys():
            raise ScoreError(f"passage {min(twice)!r} is in both shards")
        first = len(self.passages)
        self.passages.update({k: first + n for k, n in other.passages.items()})
        units = list(other.units)
        for number in other.unit_of:
            self.unit_of.append(self.units.setdefault(units[number], len(self.units)))
        types = [self.types.setdefault(n, len(self.types)) for n in other.types]
        for passage, number, *counts in zip(*other.columns().values(), strict=True):
            self._cells.extend((first + passage, types[number], *counts))
        self.notes.update(other.notes)

    def total(self) -> Counts:
        """Return the counts of the whole."""
        columns = self.columns()
        return _counts(*(sum(columns[name]) for name in COUNTED))

    def by_type(self) -> dict[str, Counts]:
        """Return the counts of every asked type, in the order they were asked."""
        sums = [[0, 0, 0] for _ in self.types]
        for _, number, correct, predicted, gold in zip(
            *self.columns().values(), strict=True
        ):
            row = sums[number]
            row[0] += correct
            row[1] += predicted
            row[2] += gold
        return {name: _counts(*row) for name, row in zip(self.types, sums, strict=True)}


def tabulate_cases(cases: Iterable[Case], profile: Profile) -> Table:
    """Count `cases` under `profile`."""
    table = Table(profile)
    for case in cases:
        table.add(case)
    return table


def _counts(twice_correct: int, predicted: int, gold: int) -> Counts:
    return Counts(twice_correct / 2, predicted, gold)
