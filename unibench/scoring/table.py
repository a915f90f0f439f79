"""Counts of every passage and entity type: what scores and intervals are made of."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from unibench.errors import ScoreError
from unibench.schema.score import Case, Counts
from unibench.scoring.profile import Cells, Notes, Profile

COUNTED = ("twice_correct", "predicted", "gold")


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
        self.rows: dict[str, array[int]] = {
            name: array("i") for name in ("passage", "type", *COUNTED)
        }

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
        rows = self.rows
        for name, cell in cells.items():
            rows["passage"].append(passage)
            rows["type"].append(self.types.setdefault(name, len(self.types)))
            rows["twice_correct"].append(cell.twice_correct)
            rows["predicted"].append(cell.predicted)
            rows["gold"].append(cell.gold)

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
        self.rows["passage"].extend(first + n for n in other.rows["passage"])
        self.rows["type"].extend(types[n] for n in other.rows["type"])
        for name in COUNTED:
            self.rows[name].extend(other.rows[name])
        self.notes.update(other.notes)

    def total(self) -> Counts:
        """Return the counts of the whole."""
        rows = self.rows
        return _counts(
            sum(rows["twice_correct"]), sum(rows["predicted"]), sum(rows["gold"])
        )

    def by_type(self) -> dict[str, Counts]:
        """Return the counts of every asked type, in the order they were asked."""
        sums = [[0, 0, 0] for _ in self.types]
        rows = self.rows
        for number, correct, predicted, gold in zip(
            rows["type"], rows["twice_correct"], rows["predicted"], rows["gold"],
            strict=True,
        ):  # fmt: skip
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
