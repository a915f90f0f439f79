"""Averages, each named by what it covers; a missing subset is never passed over.

Within a subset the average is micro. Over subsets it is the unweighted mean of their
F1 (the paper's rule, over 49 rows); over datasets and domains it is the mean of means
(scorers.md, section 11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from unibench.errors import ScoreError
from unibench.schema.score import Counts, Interval
from unibench.scoring.stats.bootstrap import (
    LEVEL,
    RESAMPLES,
    distinct,
    f1_of,
    generator,
    interval_of,
    resampled,
    unit_rows,
)
from unibench.scoring.table import COUNTED, Table

if TYPE_CHECKING:
    import numpy as np

    from unibench.scoring.stats.bootstrap import Floats


class Average(msgspec.Struct, frozen=True, kw_only=True):
    """One average: a fraction, its interval, and what it covers.

    `covered` and `total` count what is averaged (subsets, datasets, domains, types);
    `missing` names what is not there. Only complete averages may be ranked.
    """

    name: str
    value: float
    interval: Interval | None = None
    covered: int
    total: int
    missing: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.covered == self.total


def mean_over_subsets(
    tables: Mapping[str, Table],
    subsets: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Average:
    """Return the unweighted mean F1 of those of `subsets` that have a table.

    Raises:
        ScoreError: none of them has.
    """
    groups = {name: (name,) for name in subsets}
    return mean_over_groups(
        tables, groups, kind="subsets", resamples=resamples, seed=seed
    )


def mean_over_groups(
    tables: Mapping[str, Table],
    groups: Mapping[str, Sequence[str]],
    *,
    kind: str = "domains",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Average:
    """Return the mean over `groups` of the mean F1 of their subsets.

    A group (a dataset, a domain) that lacks a subset is missing as a whole, since its
    mean would be another number.

    Raises:
        ScoreError: no group is complete.
    """
    import numpy as np

    covered = [g for g, names in groups.items() if all(n in tables for n in names)]
    if not covered:
        raise ScoreError(f"none of the {len(groups)} {kind} has been scored completely")
    f1s = {n: tables[n].total().f1 for group in covered for n in groups[group]}
    drawn = {n: f1_samples(tables[n], n, resamples, seed) for n in f1s}
    means = [np.mean([f1s[n] for n in groups[group]]) for group in covered]
    samples = [np.mean([drawn[n] for n in groups[g]], axis=0) for g in covered]
    return Average(
        name=f"mean over {len(groups)} {kind}",
        value=float(np.mean(means)),
        interval=interval_of(np.mean(samples, axis=0), LEVEL) if resamples else None,
        covered=len(covered),
        total=len(groups),
        missing=tuple(name for name in groups if name not in covered),
    )


def f1_samples(table: Table, name: str, resamples: int, seed: int) -> Floats:
    """Return the F1 of each bootstrap resample of one subset."""
    source = generator(seed, name, "mean")
    return f1_of(resampled(distinct(unit_rows(table)), resamples, source))


def micro_over(tables: Iterable[Table]) -> Counts:
    """Return the counts of all subsets as one; large subsets weigh most."""
    return sum((table.total() for table in tables), Counts())


def macro_f1(by_type: Mapping[str, Counts]) -> float:
    """Return the unweighted mean F1 of types; those without any mention are left out.

    Types that occur only in predictions count as 0, as in seqeval.
    """
    f1s = [counts.f1 for counts in by_type.values() if counts.gold + counts.predicted]
    return sum(f1s) / len(f1s) if f1s else 0.0


def weighted_f1(by_type: Mapping[str, Counts]) -> float:
    """Return the mean F1 of types, weighted by their gold mentions."""
    gold = sum(counts.gold for counts in by_type.values())
    weighted = sum(counts.f1 * counts.gold for counts in by_type.values())
    return weighted / gold if gold else 0.0


def type_averages(
    table: Table, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Average, Average]:
    """Return the macro and the weighted F1 over types, each with its interval."""
    import numpy as np

    by_type = table.by_type()
    present = [name for name, c in by_type.items() if c.gold + c.predicted]
    values = macro_f1(by_type), weighted_f1(by_type)
    intervals: list[Interval | None] = [None, None]
    if resamples and present:
        sums = _by_type_samples(table, resamples, seed)
        f1s, seen = f1_of(sums), sums[..., 1:].sum(axis=-1) > 0
        gold = sums[..., 2]
        macro = (f1s * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        weighted = (f1s * gold).sum(axis=1) / np.maximum(gold.sum(axis=1), 1)
        intervals = [interval_of(macro, LEVEL), interval_of(weighted, LEVEL)]
    names = "macro F1 over types", "F1 weighted by gold over types"
    macro_average, weighted_average = (
        Average(
            name=name,
            value=value,
            interval=interval,
            covered=len(present),
            total=len(by_type),
            missing=tuple(n for n in by_type if n not in present),
        )
        for name, value, interval in zip(names, values, intervals, strict=True)
    )
    return macro_average, weighted_average


def _by_type_samples(table: Table, resamples: int, seed: int) -> np.ndarray:
    """Return resampled counts with the axes resample, type, count."""
    import numpy as np

    types = len(table.types)
    rows = {name: np.asarray(values) for name, values in table.columns().items()}
    units = np.asarray(table.unit_of)[rows["passage"]]
    dense = np.zeros((len(table.units), types, len(COUNTED)), dtype=np.int64)
    for column, name in enumerate(COUNTED):
        np.add.at(dense[:, :, column], (units, rows["type"]), rows[name])
    flat = distinct(dense.reshape(len(table.units), -1))
    sums = resampled(flat, resamples, generator(seed, "types"))
    return sums.reshape(resamples, types, len(COUNTED))
