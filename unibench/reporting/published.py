"""Figures as printed in papers, cards and repositories; never mixed with measured ones.

`reports/published/` holds data only: `results.csv` one printed number a row, with the
rule it was made under (`metric`), its setting and its source; `datasets.csv` the subset
ids of printed names; `averages.csv` which names are averages, and over what;
`models.csv` what each model was trained on, its size and who can get it;
`type_frequency.csv` the paper's Table 1.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

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

PROFILE_OF_METRIC = {metric: name for name, metric in METRIC_OF_PROFILE.items()}
UNKNOWN_SCORER = "f1_strict_scorer_unknown"
MACRO = "macro_f1"

Training = Literal[
    "none", "no_human_labels", "other_human_labels", "target_text", "undisclosed"
]
_CITED = ("as cited", "copied by", "re-evaluated", "re-run")
_UNTRUSTED = ("subsample", "secondary source", "read from bar labels")
_KNOWN_ERRORS = (
    "AS PRINTED",
    "later replaced",
    "the figure is the one UniNER printed for conllpp",
)
_PRINTING_ERROR = "printing error"
_TRUST = ("corrected version", "camera-ready", "arXiv:2308.03279v1")


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

    @property
    def ablation(self) -> bool:
        """Whether it is a step of a study, not a model one could use."""
        return "ablation" in self.setting

    @property
    def faulty(self) -> bool:
        """Whether the printed figure is known to be wrong or was replaced.

        A printing error is said of a whole table; it is that of the dataset which
        the remark begins with, and of the average that uses it.
        """
        for part in self.setting.split("; "):
            if _PRINTING_ERROR in part:
                named = part.partition(" ")[0].lower()
                return named in self.dataset.lower() or self.dataset.startswith("AVG")
        return any(mark in self.setting for mark in _KNOWN_ERRORS)

    @property
    def second_hand(self) -> bool:
        """Whether others than the model's makers printed it."""
        return any(mark in self.setting for mark in _CITED)

    @property
    def untrusted(self) -> bool:
        """Whether it is of a sample, read off a chart, or from a secondary source."""
        return any(mark in self.setting for mark in _UNTRUSTED)

    @property
    def profile(self) -> str:
        """The scoring profile that agrees with the figure's rule; empty if unknown."""
        return PROFILE_OF_METRIC.get(self.metric, "")


class PublishedModel(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model of `results.csv`.

    `parameters` is the printed size (`7B`, `300M`); `access` is `open` (weights can
    be downloaded), `api`, `unpublished`, or empty where it is not known.
    """

    model: str
    training: Training
    parameters: str = ""
    access: Literal["open", "api", "unpublished", ""] = ""


class PublishedAverage(msgspec.Struct, frozen=True, kw_only=True):
    """A printed average: its name, our suite if any, and the datasets it is over."""

    name: str
    suite: str = ""
    datasets: tuple[str, ...] = ()


class TypeFrequency(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the paper's Table 1: how often types of a frequency range occur."""

    range: str
    share_percent: str
    types: tuple[str, ...]
    source: str


T = TypeVar("T")


@lru_cache(maxsize=1)
def published_results() -> tuple[PublishedResult, ...]:
    """Return every printed figure; raise CardError where the file is damaged."""
    subsets = subset_of_name()
    return tuple(
        msgspec.structs.replace(row, subset=subsets.get(row.dataset, ""))
        for row in _rows("results.csv", PublishedResult)
    )


@lru_cache(maxsize=1)
def subset_of_name() -> dict[str, str]:
    """Return printed name -> subset id of the 49 rows of Table 6, in its order."""
    return {row["name"]: row["subset"] for row in _read(_path("datasets.csv"))}


@lru_cache(maxsize=1)
def published_models() -> dict[str, PublishedModel]:
    """Return what is known of each model of `results.csv`, by its printed name."""
    return {row.model: row for row in _rows("models.csv", PublishedModel)}


@lru_cache(maxsize=1)
def published_averages() -> dict[str, PublishedAverage]:
    """Return the printed averages by name: rows of that name are no datasets."""
    return {row.name: row for row in _rows("averages.csv", PublishedAverage)}


def type_frequencies() -> tuple[TypeFrequency, ...]:
    """Return the paper's Table 1."""
    return _rows("type_frequency.csv", TypeFrequency)


def figure_for(
    models: Collection[str], subset: str, profile: str = "uniner"
) -> PublishedResult | None:
    """Return the most trusted printed figure of a model under a profile, or None.

    Where several rows give the same cell, the order is that of `distrust`; ablations,
    subsamples, secondary sources, citations and figures known to be wrong are left out.
    """
    return min(_candidates(models, subset, profile), key=distrust, default=None)


def distrust(row: PublishedResult) -> int:
    """Return how far a figure is from the source: 0 is the most trusted.

    The corrected Figure 9 of the UniNER paper comes before its other tables, a
    model's own paper before a re-run or citation by others, a secondary note last.
    """
    if row.untrusted:
        return 9
    if row.second_hand:
        return 7 if "as cited" in row.setting or "copied" in row.setting else 5
    for rank, mark in enumerate(_TRUST):
        if mark in row.source:
            return rank
    return len(_TRUST)


def _candidates(
    models: Collection[str], subset: str, profile: str
) -> Iterator[PublishedResult]:
    metric = METRIC_OF_PROFILE.get(profile)
    for row in published_results():
        if (
            row.model in models
            and row.subset == subset
            and row.metric == metric
            and not (row.ablation or row.faulty or row.untrusted)
            and "as cited" not in row.setting
        ):
            yield row


def _path(name: str) -> Path:
    return data_root() / "reports" / "published" / name


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CardError(f"{path} cannot be read: {error}") from error


def _rows(name: str, row_type: type[T]) -> tuple[T, ...]:
    """Read a table; columns of the type that hold several values part them by `|`."""
    path = _path(name)
    hints = {f.name: f.type for f in msgspec.structs.fields(row_type)}  # type: ignore[arg-type]
    several = {field for field, kind in hints.items() if kind == tuple[str, ...]}
    rows = []
    for number, raw in enumerate(_read(path), start=2):
        values = {
            key: (value or "").split("|") if key in several and value else value
            for key, value in raw.items()
            if not (key in several and not value)
        }
        try:
            if extra := values.keys() - hints.keys():
                raise msgspec.ValidationError(
                    f"unknown column {sorted(map(str, extra))}"
                )
            rows.append(msgspec.convert(values, row_type))
        except msgspec.ValidationError as error:
            raise CardError(f"{path}: line {number}: {error}") from error
    return tuple(rows)
