"""What we measured ourselves of a model: the committed records, by suite."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from unibench.reporting.catalogue import read_catalogue
from unibench.resources import data_root
from unibench.runner.store import find_runs
from unibench.schema.record import RunRecord

PROFILE = "uniner"


def measured(model: str) -> dict[str, float]:
    """Return suite -> mean strict F1 in percent, of the runs in `reports/runs`.

    The mean is over subsets, unweighted. A suite is there only when all its subsets
    were run the same way on their test split; one of which only the first passages
    were asked says so in its name.
    """
    folder = data_root() / "reports" / "runs" / model
    return by_suite(find_runs([folder])) if folder.is_dir() else {}


def by_suite(records: Iterable[RunRecord]) -> dict[str, float]:
    """Return the mean strict F1 of each suite that the records cover."""
    found: dict[int | None, dict[str, float]] = defaultdict(dict)
    for record in records:
        plain = record.data.protocol == "corrected" and record.labels == "natural"
        if plain and record.data.split == "test" and PROFILE in record.scores:
            score = record.scores[PROFILE]
            found[record.limit][record.data.subset] = 100 * score.f1
    suites = read_catalogue().suites
    means: dict[str, float] = {}
    for limit, scores in sorted(found.items(), key=lambda item: item[0] or 0):
        for suite, subsets in suites.items():
            if subsets and all(subset in scores for subset in subsets):
                name = suite if limit is None else f"{suite} (first {limit})"
                mean = sum(scores[subset] for subset in subsets) / len(subsets)
                means[name] = round(mean, 2)
    return means
