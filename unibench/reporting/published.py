"""Figures as printed in papers, cards and repositories; never mixed with measured ones.

`reports/published/results.csv` holds one printed number a row, with the rule it was
made under (`metric`), its setting and its source; `datasets.csv` maps the printed
names of datasets to subset ids.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from functools import lru_cache

import msgspec

from unibench.errors import CardError
from unibench.resources import data_root

METRIC_OF_PROFILE = {
    "uniner": "f1_uniner_string",
    "partial": "f1_partial_half",
    "strict_span": "f1_exact_span",
    "gliner": "f1_gliner_span",
    "gner": "f1_gner_string",
    "gollie": "f1_gollie_string",
    "token": "f1_numind_token",
    "instructuie_none_bug": "f1_instructuie_none_bug",
}
"""A printed number may stand beside a measured one only under the same rule."""

_NOT_A_RESULT = ("ablation", "AS PRINTED", "subsample", "as cited")
_TRUST = ("Fig. 9", "camera-ready", "arXiv:2308.03279v1")


class PublishedResult(msgspec.Struct, frozen=True, kw_only=True):
    """One printed number: `value` keeps the printed digits, F1 in percent.

    `subset` is empty where the row is an average or a dataset outside the 49.
    """

    model: str
    dataset: str
    metric: str
    value: str
    setting: str
    source: str
    subset: str = ""


@lru_cache(maxsize=1)
def published_results() -> tuple[PublishedResult, ...]:
    """Return every printed figure; raise CardError where the file is damaged."""
    folder = data_root() / "reports" / "published"
    with (folder / "datasets.csv").open(newline="", encoding="utf-8") as file:
        subsets = {row["name"]: row["subset"] for row in csv.DictReader(file)}
    path = folder / "results.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        return tuple(
            PublishedResult(**row, subset=subsets.get(row["dataset"], ""))
            for row in rows
        )
    except TypeError as error:
        raise CardError(f"{path}: {error}") from error


def figure_for(
    models: Collection[str], subset: str, profile: str = "uniner"
) -> PublishedResult | None:
    """Return the most trusted printed figure of a model under a profile, or None.

    Where several rows give the same cell, the corrected Figure 9 of the UniNER paper
    comes before its other tables, and a paper's own table before a re-run; ablations,
    subsamples, citations and the figures known to be 1.0 too high are left out.
    """
    return min(_candidates(models, subset, profile), key=_distrust, default=None)


def _candidates(
    models: Collection[str], subset: str, profile: str
) -> Iterator[PublishedResult]:
    metric = METRIC_OF_PROFILE.get(profile)
    for row in published_results():
        if (
            row.model in models
            and row.subset == subset
            and row.metric == metric
            and not any(mark in row.setting for mark in _NOT_A_RESULT)
        ):
            yield row


def _distrust(row: PublishedResult) -> int:
    for rank, mark in enumerate(_TRUST):
        if mark in row.source:
            return rank
    return len(_TRUST)
