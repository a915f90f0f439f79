"""Rank models, and tell which of them cannot be told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import msgspec

from unibench.errors import ScoreError
from unibench.scoring.stats.bootstrap import LEVEL, RESAMPLES
from unibench.scoring.stats.compare import compare_tables, holm
from unibench.scoring.table import Table


class Rank(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model stands among those compared on the same passages.

    `best` is 1 plus the number of models that are better beyond chance, `worst` the
    last place that its own betters leave it. `groups` are letters: two models share
    one exactly when no test tells them apart.
    """

    model: str
    f1: float
    best: int
    worst: int
    groups: str


def rank_models(
    tables: Mapping[str, Mapping[str, Table]],
    *,
    alpha: float = 1 - LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Rank, ...]:
    """Rank models by the mean F1 over the subsets that all of them were given.

    `tables` maps a model to its tables by subset. All pairs are tested, with Holm's
    correction over the pairs.

    Raises:
        ScoreError: two models cover different subsets or passages.
    """
    models = sorted(tables)
    _same_coverage(tables)
    p_values: dict[tuple[str, str], float] = {}
    means: dict[str, float] = {}
    for a, b in combinations(models, 2):
        pairs = {name: (tables[a][name], tables[b][name]) for name in tables[a]}
        overall = compare_tables(pairs, resamples=resamples, seed=seed).overall
        p_values[a, b] = overall.p_value
        means[a], means[b] = overall.first, overall.second
    if len(models) == 1:
        (only,) = models
        f1s = [table.total().f1 for table in tables[only].values()]
        means[only] = sum(f1s) / len(f1s)
    apart = _told_apart(p_values, alpha)
    ordered = sorted(models, key=lambda model: (-means[model], model))
    letters = _letters(ordered, apart)
    return tuple(_rank(model, ordered, means, apart, letters) for model in ordered)


def _same_coverage(tables: Mapping[str, Mapping[str, Table]]) -> None:
    if not tables:
        raise ScoreError("there are no models to rank")
    first, *others = sorted(tables)
    for other in others:
        if odd := tables[first].keys() ^ tables[other].keys():
            raise ScoreError(
                f"{first!r} and {other!r} cover different subsets (one lacks"
                f" {min(odd)!r}); averages over different coverage share no rank"
            )


def _told_apart(
    p_values: Mapping[tuple[str, str], float], alpha: float
) -> set[frozenset[str]]:
    keys = {"\0".join(pair): pair for pair in p_values}
    adjusted = holm({key: p_values[pair] for key, pair in keys.items()})
    return {frozenset(keys[key]) for key, p in adjusted.items() if p < alpha}


def _rank(
    model: str,
    ordered: Sequence[str],
    means: Mapping[str, float],
    apart: set[frozenset[str]],
    letters: Sequence[frozenset[str]],
) -> Rank:
    others = [m for m in ordered if frozenset((m, model)) in apart]
    better = sum(means[other] > means[model] for other in others)
    worse = len(others) - better
    names = (_letter(i) for i, group in enumerate(letters) if model in group)
    return Rank(
        model=model, f1=means[model], best=1 + better, worst=len(ordered) - worse,
        groups=" ".join(names),
    )  # fmt: skip


def _letters(
    ordered: Sequence[str], apart: set[frozenset[str]]
) -> list[frozenset[str]]:
    """Return the largest sets of models without a pair that is told apart.

    The insert-and-absorb construction of Piepho (2004): split every set at each pair
    that is told apart, then drop sets within others.
    """
    groups = [frozenset(ordered)]
    for pair in sorted(apart, key=sorted):
        split = [group - {one} for group in groups if pair <= group for one in pair]
        kept = [group for group in groups if not pair <= group]
        candidates = sorted({*kept, *split}, key=len, reverse=True)
        groups = []
        for group in candidates:
            if not any(group <= other for other in groups):
                groups.append(group)
    place = {model: number for number, model in enumerate(ordered)}
    return sorted(groups, key=lambda group: sorted(place[model] for model in group))


def _letter(number: int) -> str:
    """Return a, b, ..., z, aa, ab and so on."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text
