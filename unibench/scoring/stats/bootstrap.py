"""Bootstrap over passages or documents, vectorised.

Units with equal counts are interchangeable, so a resample is one multinomial draw over
the distinct rows of counts. This is the ordinary bootstrap, not an approximation; it
costs as much as there are distinct rows, and cannot depend on the order of passages.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

from unibench.schema.score import Interval, Intervals
from unibench.scoring.table import COUNTED, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

RESAMPLES = 1000
LEVEL = 0.95
CHUNK = 1 << 22
"""How many draws are held in memory at a time."""


class Distinct(NamedTuple):
    """The distinct rows of counts of some units, and how often each occurs."""

    values: Ints
    times: Ints


def distinct(rows: Ints, empty_units: int = 0) -> Distinct:
    """Return the distinct `rows`; `empty_units` more have zeros only."""
    import numpy as np

    values, times = np.unique(rows, axis=0, return_counts=True)
    if empty_units:
        zeros = np.zeros((1, rows.shape[1]), dtype=np.int64)
        values = np.concatenate([values, zeros])
        times = np.append(times, empty_units)
    return Distinct(values, times)


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return a source of random numbers for `names`, whatever else is drawn."""
    import numpy as np

    return np.random.default_rng([seed, *(zlib.crc32(n.encode()) for n in names)])


def resampled(units: Distinct, resamples: int, source: np.random.Generator) -> Ints:
    """Return the summed counts of each resample, one row each."""
    import numpy as np

    size = int(units.times.sum())
    if not size:
        return np.zeros((resamples, units.values.shape[1]), dtype=np.int64)
    shares = units.times / size
    at_once = max(1, CHUNK // len(shares))
    values = units.values.astype(np.float64)  # exact for counts, and much faster
    sums = [
        source.multinomial(size, shares, min(at_once, resamples - start)) @ values
        for start in range(0, resamples, at_once)
    ]
    return np.concatenate(sums).astype(np.int64)


def ratio(top: Ints, bottom: Ints) -> Floats:
    """Divide, with 0 where there is nothing to divide by."""
    import numpy as np

    out = np.zeros(top.shape, dtype=np.float64)
    np.divide(top, bottom, out=out, where=bottom != 0)
    return out


def f1_of(counts: Ints) -> Floats:
    """Return F1 of (twice correct, predicted, gold) in the last axis."""
    return ratio(counts[..., 0], counts[..., 1] + counts[..., 2])


def unit_rows(table: Table, entity_type: str | None = None) -> Ints:
    """Return (twice correct, predicted, gold) of every unit, of one type or of all."""
    import numpy as np

    rows = {name: np.asarray(values) for name, values in table.columns().items()}
    units = np.asarray(table.unit_of)[rows["passage"]]
    counts = [rows[name] for name in COUNTED]
    if entity_type is not None:
        chosen = rows["type"] == table.types[entity_type]
        units, counts = units[chosen], [column[chosen] for column in counts]
    columns = [np.bincount(units, column, len(table.units)) for column in counts]
    return np.stack(columns, axis=1).astype(np.int64)


def table_intervals(
    table: Table, *, resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL
) -> Intervals:
    """Return the intervals of precision, recall and F1 of the whole."""
    units = distinct(unit_rows(table))
    return _intervals(units, resamples, generator(seed, "all"), level)


def type_intervals(
    table: Table, *, resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL
) -> dict[str, Intervals]:
    """Return the intervals of every entity type that has a mention."""
    import numpy as np

    rows = {name: np.asarray(values) for name, values in table.columns().items()}
    units = np.asarray(table.unit_of)[rows["passage"]]
    counts = np.stack([rows[name] for name in COUNTED], axis=1).astype(np.int64)
    order = np.argsort(rows["type"], kind="stable")
    bounds = np.searchsorted(rows["type"][order], np.arange(len(table.types) + 1))
    found = {}
    for name, number in table.types.items():
        chosen = order[bounds[number] : bounds[number + 1]]
        if len(chosen):
            sums = _sum_by_unit(units[chosen], counts[chosen])
            group = distinct(sums, len(table.units) - len(sums))
            source = generator(seed, "type", name)
            found[name] = _intervals(group, resamples, source, level)
    return found


def _sum_by_unit(units: Ints, counts: Ints) -> Ints:
    """Add the rows of the same unit; documents have several passages."""
    import numpy as np

    present, place = np.unique(units, return_inverse=True)
    sums = np.zeros((len(present), counts.shape[1]), dtype=np.int64)
    np.add.at(sums, place, counts)
    return sums


def _intervals(
    units: Distinct, resamples: int, source: np.random.Generator, level: float
) -> Intervals:
    sums = resampled(units, resamples, source)
    return Intervals(
        precision=interval_of(ratio(sums[:, 0], 2 * sums[:, 1]), level),
        recall=interval_of(ratio(sums[:, 0], 2 * sums[:, 2]), level),
        f1=interval_of(f1_of(sums), level),
    )


def interval_of(values: Floats, level: float = LEVEL) -> Interval:
    """Return the percentile interval of resampled `values`."""
    import numpy as np

    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)
