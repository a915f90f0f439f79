"""Compare two or more models on the same passages, fairly to chance.

Intervals of differences are those of a paired bootstrap. P-values are those of a paired
permutation test (approximate randomisation: Noreen 1989; Yeh 2000): under the null
hypothesis the two models' counts may change places in any unit. Many comparisons are
corrected after Holm (1979).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import msgspec

from unibench.errors import ScoreError
from unibench.schema.score import Case, Counts, Interval
from unibench.scoring.profiles import find_profile
from unibench.scoring.stats.bootstrap import (
    CHUNK,
    LEVEL,
    RESAMPLES,
    Distinct,
    distinct,
    f1_of,
    generator,
    interval_of,
    resampled,
    unit_rows,
)
from unibench.scoring.table import Table

if TYPE_CHECKING:
    import numpy as np

    from unibench.scoring.stats.bootstrap import Floats

_TOLERANCE = 1e-12


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """F1 of a second model minus F1 of a first, as fractions, and what chance says.

    `p_value` is two-sided; `adjusted_p_value` is Holm's over the family that was
    compared together. `detectable` is the smallest difference that a test at 5 % finds
    with 80 % power on data like these. `subsets` is 1, or how many F1s were averaged.
    """

    name: str
    profile: str
    first: float
    second: float
    interval: Interval
    p_value: float
    adjusted_p_value: float
    detectable: float
    units: int
    subsets: int = 1

    @property
    def difference(self) -> float:
        """How much better the second model is."""
        return self.second - self.first


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A query (one passage, one entity type) that two models did not do equally."""

    passage: str
    entity_type: str
    first: Counts
    second: Counts


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Differences by subset and overall; `overall` is of the unweighted means."""

    subsets: tuple[Difference, ...]
    overall: Difference


def tabulate_pair(
    first: Iterable[Case], second: Iterable[Case], profile: str
) -> tuple[Table, Table]:
    """Count the cases of two models on the same passages, in whatever order.

    Raises:
        ScoreError: a passage is missing from one side, or differs in gold or types.
    """
    ours = {case.passage.id: case for case in first}
    theirs = {case.passage.id: case for case in second}
    if odd := ours.keys() ^ theirs.keys():
        raise ScoreError(
            f"passage {min(odd)!r} was given to one model only ({len(odd)} such);"
            " compare runs on the same passages"
        )
    rule = find_profile(profile)
    tables = Table(rule), Table(rule)
    for key in sorted(ours):
        a, b = ours[key], theirs[key]
        if a.passage != b.passage or set(a.entity_types) != set(b.entity_types):
            raise ScoreError(
                f"passage {key!r} has other gold or other entity types in the two runs;"
                " were they made from two versions of the data?"
            )
        tables[0].add(a)
        tables[1].add(b)
    return tables


def compare_cases(
    first: Iterable[Case],
    second: Iterable[Case],
    profile: str = "uniner",
    *,
    name: str = "",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """Compare two models on one subset.

    Raises:
        ScoreError: the two did not see the same passages.
    """
    pair = tabulate_pair(first, second, profile)
    return compare_tables({name: pair}, resamples=resamples, seed=seed).subsets[0]


def compare_tables(
    pairs: Mapping[str, tuple[Table, Table]],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two models on several subsets; Holm corrects over the subsets."""
    import numpy as np

    if not pairs:
        raise ScoreError("there are no subsets to compare")
    parts = {
        name: _Pair(name, *tables, resamples=resamples, seed=seed)
        for name, tables in pairs.items()
    }
    adjusted = holm({name: part.p_value() for name, part in parts.items()})
    found = tuple(part.difference(adjusted[name]) for name, part in parts.items())
    drawn = np.mean([part.drawn for part in parts.values()], axis=0)
    permuted = np.mean([part.permuted for part in parts.values()], axis=0)
    first = float(np.mean([one.first for one in found]))
    second = float(np.mean([one.second for one in found]))
    p_value = p_value_of(permuted, second - first)
    overall = Difference(
        name=f"mean over {len(found)} subsets", profile=found[0].profile,
        first=first, second=second, interval=interval_of(drawn, LEVEL),
        p_value=p_value, adjusted_p_value=p_value,
        detectable=detectable_difference(float(drawn.std(ddof=1))),
        units=sum(one.units for one in found), subsets=len(found),
    )  # fmt: skip
    return Comparison(subsets=found, overall=overall)


class _Pair:
    """Two models on one subset: what resampling and permuting make of them."""

    def __init__(
        self, name: str, first: Table, second: Table, *, resamples: int, seed: int
    ) -> None:
        import numpy as np

        self.name, self.profile = name, first.profile.name
        rows = np.concatenate([unit_rows(first), _in_order_of(first, second)], axis=1)
        units = distinct(rows)
        self.units = len(rows)
        totals = rows.sum(axis=0)
        self.first, self.second = float(f1_of(totals[:3])), float(f1_of(totals[3:]))
        sums = resampled(units, resamples, generator(seed, name, "difference"))
        self.drawn: Floats = f1_of(sums[:, 3:]) - f1_of(sums[:, :3])
        self.permuted = permuted_differences(
            units, resamples, generator(seed, name, "null")
        )

    def p_value(self) -> float:
        return p_value_of(self.permuted, self.second - self.first)

    def difference(self, adjusted: float) -> Difference:
        return Difference(
            name=self.name, profile=self.profile, first=self.first,
            second=self.second, interval=interval_of(self.drawn, LEVEL),
            p_value=self.p_value(), adjusted_p_value=adjusted,
            detectable=detectable_difference(float(self.drawn.std(ddof=1))),
            units=self.units,
        )  # fmt: skip


def _in_order_of(first: Table, second: Table) -> np.ndarray:
    """Return the rows of `second` for the units of `first`, in that order."""
    if first.profile.name != second.profile.name:
        raise ScoreError(
            f"{first.profile.name!r} and {second.profile.name!r} are two rules;"
            " compare models under one"
        )
    if first.units.keys() != second.units.keys():
        raise ScoreError("the two models were not given the same passages")
    return unit_rows(second)[[second.units[key] for key in first.units]]


def permuted_differences(
    units: Distinct, times: int, source: np.random.Generator
) -> Floats:
    """Return differences of F1 with the two models' counts changed places at random."""
    import numpy as np

    totals = units.times @ units.values
    gain = units.values[:, 3:] - units.values[:, :3]
    unequal = gain.any(axis=1)
    moving = gain[unequal].astype(np.float64)  # exact for counts, and much faster
    rows = len(moving)
    at_once = max(1, CHUNK // max(1, rows))
    sizes = [min(at_once, times - start) for start in range(0, times, at_once)]
    moved = np.concatenate(
        [
            source.binomial(units.times[unequal], 0.5, (size, rows)) @ moving
            for size in sizes
        ]
    ).astype(np.int64)
    return f1_of(totals[3:] - moved) - f1_of(totals[:3] + moved)


def p_value_of(null: Floats, observed: float) -> float:
    """Return the two-sided p-value; the observed difference is one of the draws."""
    extreme = int((abs(null) >= abs(observed) - _TOLERANCE).sum())
    return (1 + extreme) / (1 + len(null))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return Holm's adjusted p-values; they reject whenever his procedure does."""
    adjusted, highest = {}, 0.0
    ordered = sorted(p_values, key=lambda name: (p_values[name], name))
    for rank, name in enumerate(ordered):
        highest = max(highest, min(1.0, p_values[name] * (len(ordered) - rank)))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}


def detectable_difference(
    standard_error: float, *, alpha: float = 1 - LEVEL, power: float = 0.8
) -> float:
    """Return the smallest true difference that a two-sided test finds with `power`.

    It rests on the normal approximation and on the standard error of the difference.
    """
    normal = NormalDist()
    return (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)) * standard_error


def changed_queries(first: Table, second: Table) -> list[Change]:
    """Return the queries whose counts differ, those with the largest change first.

    Raises:
        ScoreError: the two tables are not of the same passages.
    """
    _in_order_of(first, second)
    ours, theirs = _by_query(first), _by_query(second)
    nothing = Counts()
    changes = [
        Change(
            passage=key[0], entity_type=key[1], first=ours.get(key, nothing),
            second=theirs.get(key, nothing),
        )
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key, nothing) != theirs.get(key, nothing)
    ]  # fmt: skip
    return sorted(changes, key=lambda c: -abs(errors(c.first) - errors(c.second)))


def errors(counts: Counts) -> float:
    """Return how many wrong and missed mentions there are."""
    return counts.predicted + counts.gold - 2 * counts.correct


def _by_query(table: Table) -> dict[tuple[str, str], Counts]:
    passages: Sequence[str] = list(table.passages)
    types: Sequence[str] = list(table.types)
    return {
        (passages[p], types[t]): Counts(correct / 2, predicted, gold)
        for p, t, correct, predicted, gold in zip(
            *table.columns().values(), strict=True
        )
    }
