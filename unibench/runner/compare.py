"""Compare two models' runs on the same passages."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from unibench.errors import RunError
from unibench.runner.reload import reload
from unibench.schema.record import RunRecord
from unibench.scoring.stats.compare import (
    Change,
    Comparison,
    changed_queries,
    compare_tables,
    tabulate_pair,
)
from unibench.scoring.table import Table


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Differences by subset and overall, and the queries that changed, by subset."""

    first: str
    second: str
    comparison: Comparison
    changes: dict[str, list[Change]]
    left_out: tuple[str, ...] = ()


def compare_runs(
    first: Sequence[RunRecord],
    second: Sequence[RunRecord],
    profile: str = "uniner",
    *,
    seed: int = 0,
) -> Compared:
    """Compare what two models predicted on the subsets that both were asked.

    Subsets that only one of them was asked are named in `left_out`.

    Raises:
        RunError: one side holds two models, or the two share no subset.
        ScoreError: on a subset the two did not see the same passages.
    """
    ours, theirs = _by_subset(first), _by_subset(second)
    shared = [name for name in ours if name in theirs]
    if not shared:
        raise RunError(
            f"the runs share no subset: {', '.join(ours)} on one side,"
            f" {', '.join(theirs)} on the other"
        )
    pairs: dict[str, tuple[Table, Table]] = {}
    for name in shared:
        cases = (reload(ours[name]).cases(), reload(theirs[name]).cases())
        pairs[name] = tabulate_pair(*cases, profile)
    return Compared(
        first=next(iter(ours.values())).model.name,
        second=next(iter(theirs.values())).model.name,
        comparison=compare_tables(pairs, seed=seed),
        changes={name: changed_queries(*pair) for name, pair in pairs.items()},
        left_out=tuple(sorted(ours.keys() ^ theirs.keys())),
    )


def _by_subset(records: Sequence[RunRecord]) -> dict[str, RunRecord]:
    """Key the runs of one model by subset, split, protocol, limit and labels."""
    models = sorted({record.model.name for record in records})
    if len(models) > 1:
        raise RunError(
            f"one side of the comparison holds the models {', '.join(models)};"
            " name the folder of one model, such as runs/spacy-en-sm"
        )
    found: dict[str, RunRecord] = {}
    for record in records:
        name = record.subset
        if record.data.split != "test":
            name += f" {record.data.split}"
        if record.data.protocol != "corrected":
            name += f" {record.data.protocol}"
        if record.labels != "natural":
            name += f" {record.labels}"
        if record.limit is not None:
            name += f" first {record.limit}"
        if name in found:
            raise RunError(f"{found[name].path} and {record.path} are both of {name}")
        found[name] = record
    return found
