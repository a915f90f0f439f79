"""Averages over subsets, named by what they cover, and groups that share a rank.

The average is the unweighted mean of subset F1 (the paper's rule, over 49 rows); the
means over 43 datasets and over 9 domains are other numbers and carry their names. An
average over part of a suite is shown with its coverage and never ranked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from unibench.reporting.results import Cell, Row


class Mean(msgspec.Struct, frozen=True, kw_only=True):
    """The mean of some cells, in percent, and how many of how many it covers."""

    value: float
    low: float | None
    high: float | None
    covered: int
    total: int

    @property
    def complete(self) -> bool:
        """Whether no subset is missing."""
        return self.covered == self.total


def mean_over(cells: Mapping[str, Cell], subsets: Sequence[str]) -> Mean | None:
    """Return the unweighted mean over those of `subsets` that have a cell."""
    found = [cells[subset] for subset in subsets if subset in cells]
    if not found:
        return None
    value = sum(cell.value for cell in found) / len(found)
    low, high = _mean_interval(found, value)
    return Mean(value=value, low=low, high=high, covered=len(found), total=len(subsets))


def mean_of_groups(
    cells: Mapping[str, Cell], groups: Iterable[Sequence[str]]
) -> Mean | None:
    """Return the mean of the means of groups (datasets, domains) that are complete."""
    groups = list(groups)
    means = [mean_over(cells, group) for group in groups]
    complete = [mean for mean in means if mean is not None and mean.complete]
    if not complete:
        return None
    value = sum(mean.value for mean in complete) / len(complete)
    low, high = _mean_interval(complete, value)
    return Mean(
        value=value, low=low, high=high, covered=len(complete), total=len(groups)
    )


def ranks(entries: Sequence[Cell | Mean]) -> list[int]:
    """Return a rank for each entry: 1 + how many are better beyond the intervals.

    Entries whose intervals overlap cannot be told apart and may share a rank; a
    figure without an interval counts as a point. The test is conservative: intervals
    of two models that saw the same passages overlap more than the interval of their
    difference tells.
    """
    return [
        1 + sum(_low(other) > _high(entry) for other in entries) for entry in entries
    ]


def best(entries: Sequence[Cell | Mean | None]) -> set[int]:
    """Return the positions of the best entry and of all that tie with it.

    Without intervals, a tie is an equal printed figure.
    """
    present = [(i, entry) for i, entry in enumerate(entries) if entry is not None]
    if not present:
        return set()
    top = max((entry for _, entry in present), key=lambda entry: entry.value)
    return {i for i, entry in present if _high(entry) >= _low(top)}


def board_ranks(rows: Sequence[Row], subsets: Sequence[str]) -> dict[int, int]:
    """Return position -> rank of the rows of one board that can be ranked at all.

    Only complete averages of rows without a reason against it are ranked. The rows
    must share profile and group.
    """
    means = {i: mean_over(row.cells, subsets) for i, row in enumerate(rows)}
    able = {
        i: mean
        for i, mean in means.items()
        if mean is not None and mean.complete and not rows[i].unranked
    }
    return dict(zip(able, ranks(list(able.values())), strict=True))


def _mean_interval(
    parts: Sequence[Cell | Mean], value: float
) -> tuple[float | None, float | None]:
    """Combine independent intervals (MOVER; Zou and Donner 2008); all must have one."""
    if any(part.low is None or part.high is None for part in parts):
        return None, None
    below = math.sqrt(sum((part.value - _low(part)) ** 2 for part in parts))
    above = math.sqrt(sum((_high(part) - part.value) ** 2 for part in parts))
    return value - below / len(parts), value + above / len(parts)


def _low(entry: Cell | Mean) -> float:
    return entry.value if entry.low is None else entry.low


def _high(entry: Cell | Mean) -> float:
    return entry.value if entry.high is None else entry.high
