"""What labels and their wording do to scores.

Per-type differences between two label maps or templates (the paper's analysis of
FACILITY and TIME), datasets whose labels a model was trained on against the others (its
Figure 7), and the spread over paraphrased type names (its Figure 8).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from statistics import fmean, pstdev

import msgspec

from unibench.errors import ScoreError
from unibench.schema.score import Counts, Interval
from unibench.scoring.stats.bootstrap import (
    RESAMPLES,
    distinct,
    f1_of,
    generator,
    interval_of,
    resampled,
    unit_rows,
)
from unibench.scoring.stats.compare import holm, p_value_of, permuted_differences
from unibench.scoring.table import Table


class TypeDifference(msgspec.Struct, frozen=True, kw_only=True):
    """F1 of one type under a second wording minus under a first.

    `entity_type` is the first wording's name. Interval and p-values rest on the
    passages that both were asked about; Holm corrects over the types.
    """

    entity_type: str
    first: Counts
    second: Counts
    interval: Interval
    p_value: float
    adjusted_p_value: float

    @property
    def difference(self) -> float:
        """How much better the second wording is."""
        return self.second.f1 - self.first.f1


class OverlapSplit(msgspec.Struct, frozen=True, kw_only=True):
    """Mean F1 over subsets whose labels a model knows from training, and the others."""

    known: float | None
    unknown: float | None
    known_subsets: tuple[str, ...]
    unknown_subsets: tuple[str, ...]


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """F1 over several wordings of the same question."""

    mean: float
    best: float
    worst: float
    worst_wording: str
    standard_deviation: float

    @property
    def range(self) -> float:
        """How much the choice of words can change."""
        return self.best - self.worst


def type_differences(
    first: Table,
    second: Table,
    *,
    names: Mapping[str, str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[TypeDifference, ...]:
    """Compare the types of two wordings on the same passages, largest change first.

    `names` maps the first wording's types to the second's where they differ.

    Raises:
        ScoreError: the two have no passage or no type in common.
    """
    names = names or {}
    pairs = {t: names.get(t, t) for t in first.types if names.get(t, t) in second.types}
    common = sorted(first.units.keys() & second.units.keys())
    if not pairs or not common:
        what = "type" if common else "passage"
        raise ScoreError(f"the two wordings have no {what} in common")
    found = [
        _difference(first, second, t, u, resamples, seed) for t, u in pairs.items()
    ]
    adjusted = holm({one.entity_type: one.p_value for one in found})
    return tuple(
        msgspec.structs.replace(one, adjusted_p_value=adjusted[one.entity_type])
        for one in sorted(found, key=lambda d: (-abs(d.difference), d.entity_type))
    )


def _difference(
    first: Table, second: Table, ours: str, theirs: str, resamples: int, seed: int
) -> TypeDifference:
    import numpy as np

    common = sorted(first.units.keys() & second.units.keys())
    left = unit_rows(first, ours)[[first.units[key] for key in common]]
    right = unit_rows(second, theirs)[[second.units[key] for key in common]]
    units = distinct(np.concatenate([left, right], axis=1))
    sums = resampled(units, resamples, generator(seed, ours, "wording"))
    null = permuted_differences(units, resamples, generator(seed, ours, "null"))
    counts = [Counts(int(c) / 2, int(p), int(g)) for c, p, g in
              (left.sum(axis=0), right.sum(axis=0))]  # fmt: skip
    p_value = p_value_of(null, counts[1].f1 - counts[0].f1)
    return TypeDifference(
        entity_type=ours,
        first=counts[0],
        second=counts[1],
        interval=interval_of(f1_of(sums[:, 3:]) - f1_of(sums[:, :3])),
        p_value=p_value,
        adjusted_p_value=p_value,
    )


def label_overlap(asked: Collection[str], known: Collection[str]) -> float:
    """Return the share of asked type names that are known, whatever their case."""
    names = {name.casefold().strip() for name in known}
    same = sum(name.casefold().strip() in names for name in asked)
    return same / len(asked) if asked else 0.0


def overlap_split(
    f1s: Mapping[str, float], overlap: Mapping[str, float], *, at_least: float = 0.5
) -> OverlapSplit:
    """Split subsets by the share of their labels that a model was trained on.

    Raises:
        ScoreError: the overlap of a subset is not given.
    """
    if lacking := f1s.keys() - overlap.keys():
        raise ScoreError(f"the label overlap of {min(lacking)!r} is not given")
    known = tuple(sorted(name for name in f1s if overlap[name] >= at_least))
    unknown = tuple(sorted(name for name in f1s if overlap[name] < at_least))
    return OverlapSplit(
        known=_mean([f1s[name] for name in known]),
        unknown=_mean([f1s[name] for name in unknown]),
        known_subsets=known,
        unknown_subsets=unknown,
    )


def paraphrase_spread(f1s: Mapping[str, float]) -> Spread:
    """Return the spread and the worst case over wordings; `f1s` maps each to its F1.

    Raises:
        ScoreError: there is no wording.
    """
    if not f1s:
        raise ScoreError("there are no wordings to compare")
    values = list(f1s.values())
    worst = min(f1s, key=lambda name: (f1s[name], name))
    return Spread(
        mean=fmean(values),
        best=max(values),
        worst=f1s[worst],
        worst_wording=worst,
        standard_deviation=pstdev(values),
    )


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None
