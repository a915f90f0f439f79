"""Measured and printed figures in one form: rows of a model, cells of a subset.

A row holds figures that may be compared with one another: one model, one scoring rule,
one kind of training data, one source of figures. Rows of different kinds never share a
rank; `Row.unranked` says why a row has none at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from unibench.errors import ScoreError
from unibench.reporting.published import (
    MACRO,
    UNKNOWN_SCORER,
    PublishedResult,
    distrust,
    published_models,
    published_results,
)
from unibench.resources import files
from unibench.schema.model_card import ModelCard
from unibench.schema.record import RunRecord
from unibench.schema.score import Interval
from unibench.schema.strict_yaml import read_card

Group = Literal[
    "no_human_labels", "other_human_labels", "target_text", "in_domain", "undisclosed"
]
GROUPS: Mapping[Group, str] = {
    "no_human_labels": "No human NER labels",
    "other_human_labels": "Other human-labelled sets",
    "target_text": "Unlabelled target text",
    "in_domain": "In-domain supervised",
    "undisclosed": "Training data not stated",
}
"""What a model learned from, as far as the figure's subset is concerned."""

UNSTATED = "unknown"
PROFILES: Mapping[str, str] = {
    "uniner": "UniNER strings (headline)",
    "partial": "Partial match, half credit",
    "strict_span": "Strict spans",
    "gliner": "GLiNER spans",
    "gner": "GNER strings",
    "gollie": "GoLLIE strings",
    "token": "Tokens (NuNER Zero)",
    "instructuie_none_bug": "InstructUIE with the None placeholder",
    "macro": "Macro F1 over types",
    UNSTATED: "Scorer not stated",
}
"""The rules that figures are made under, each with its short title, in order."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: F1 in percent, an interval if measured, and what stands behind it.

    `text` keeps the printed digits. `printed` starts with the figure shown; others
    that were printed for the same cell follow. `zero_shot` is None where the training
    data are not stated.
    """

    value: float
    text: str
    low: float | None = None
    high: float | None = None
    zero_shot: bool | None = None
    warnings: tuple[str, ...] = ()
    printed: tuple[PublishedResult, ...] = ()
    record: RunRecord | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one model under one rule and one kind of training data."""

    model: str
    title: str
    measured: bool
    profile: str
    group: Group
    variant: str = ""
    parameters: str = ""
    access: str = ""
    unranked: str = ""
    cells: Mapping[str, Cell] = {}
    card: ModelCard | None = None


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """All rows, and the records that were left out, each with the reason."""

    rows: tuple[Row, ...]
    left_out: tuple[tuple[RunRecord, str], ...] = ()


def collect(records: Sequence[RunRecord], *, printed: bool = True) -> Results:
    """Return the rows of `records` and, if wanted, of the printed figures."""
    kept, left_out = newest(records)
    rows = [*measured_rows(kept), *(printed_rows() if printed else ())]
    return Results(rows=tuple(rows), left_out=left_out)


def newest(
    records: Iterable[RunRecord],
) -> tuple[list[RunRecord], tuple[tuple[RunRecord, str], ...]]:
    """Keep the newest record of each cell under one scoring version; name the rest.

    Raises:
        ScoreError: a record holds a score that is not a number.
    """
    ordered = sorted(records, key=lambda r: r.created, reverse=True)
    version = max((r.scoring_version for r in ordered), default=0)
    kept: dict[tuple[object, ...], RunRecord] = {}
    left_out = []
    for record in ordered:
        _check_numbers(record)
        data = record.data
        key = (
            record.model.name, record.model.revision, data.subset, data.split,
            data.protocol, record.labels, record.limit,
        )  # fmt: skip
        if record.scoring_version != version:
            reason = (
                f"scoring version {record.scoring_version}, the others have {version};"
                " 'unibench rescore' brings it up"
            )
            left_out.append((record, reason))
        elif key in kept:
            left_out.append((record, f"a newer run of {kept[key].created} replaces it"))
        else:
            kept[key] = record
    return list(kept.values()), tuple(left_out)


def measured_rows(records: Iterable[RunRecord]) -> Iterator[Row]:
    """Yield the rows of runs: one for each model, settings, profile and group."""
    rows: dict[tuple[str, str, str, Group], dict[str, Cell]] = {}
    first: dict[tuple[str, str, str, Group], RunRecord] = {}
    records = list(records)
    cards = model_cards(record.model.name for record in records)
    revisions: dict[str, set[str]] = {}
    for record in records:
        revisions.setdefault(record.model.name, set()).add(record.model.revision)
    for record in records:
        several = len(revisions[record.model.name]) > 1
        variant = "; ".join(_variant(record, several=several))
        group = group_of(record, cards.get(record.model.name))
        for profile in record.scores:
            key = (record.model.name, variant, profile, group)
            cell = measured_cell(record, profile, group)
            rows.setdefault(key, {})[record.subset] = cell
            first.setdefault(key, record)
    for (model, variant, profile, group), cells in rows.items():
        card = cards.get(model)
        yield Row(
            model=model,
            title=first[model, variant, profile, group].model.title or model,
            measured=True,
            profile=profile,
            group=group,
            variant=variant,
            parameters=card.parameters if card else "",
            access=_access(card),
            unranked=variant,
            cells=cells,
            card=card,
        )


def measured_cell(record: RunRecord, profile: str, group: Group) -> Cell:
    """Return the figure of a run under one of its profiles."""
    score = record.scores[profile]
    low, high = _percents(score.interval)
    warnings = []
    if not record.model.revision_pinned:
        warnings.append("the model's revision is not pinned")
    if record.tally.unparsed:
        warnings.append(
            f"{record.tally.unparsed} of {record.tally.queries} answers not readable"
        )
    if record.tally.unknown_type:
        warnings.append(
            f"{record.tally.unknown_type} of {record.tally.queries} queries ask a type"
            " that the model's closed labels cannot express"
        )
    return Cell(
        value=100 * score.f1,
        text=f"{100 * score.f1:.1f}",
        low=low,
        high=high,
        zero_shot=None if group == "undisclosed" else group != "in_domain",
        warnings=tuple(warnings),
        record=record,
    )


def printed_rows() -> Iterator[Row]:
    """Yield the rows of `reports/published/`: cells of the 49 subsets only.

    Ablations and averages are left out; where a cell was printed several times, the
    most trusted figure is shown and the others stand behind it.
    """
    found: dict[tuple[str, str, Group, str], dict[str, list[PublishedResult]]] = {}
    for result in published_results():
        profile = profile_of(result)
        if result.subset and profile and not result.ablation:
            key = (result.model, profile, printed_group(result), _training(result))
            found.setdefault(key, {}).setdefault(result.subset, []).append(result)
    for (model, profile, group, variant), by_subset in found.items():
        about = published_models()[model]
        cells = {subset: _printed_cell(all_) for subset, all_ in by_subset.items()}
        yield Row(
            model=model,
            title=model,
            measured=False,
            profile=profile,
            group=group,
            variant=variant,
            parameters=about.parameters,
            access=about.access,
            unranked=_why_unranked(profile, cells.values()),
            cells=cells,
        )


def profile_of(result: PublishedResult) -> str:
    """Return the profile whose column a printed F1 stands in, empty for no F1."""
    named = {UNKNOWN_SCORER: UNSTATED, MACRO: "macro"}
    return result.profile or named.get(result.metric, "")


def printed_group(result: PublishedResult) -> Group:
    """Return the group of a printed figure: the setting decides what it states."""
    if result.setting.startswith("supervised in-domain"):
        return "in_domain"
    training = published_models()[result.model].training
    if training == "none":
        return "no_human_labels"
    return training


def group_of(record: RunRecord, card: ModelCard | None) -> Group:
    """Return the group of a run, from the training data that its model declares.

    The record's own declaration comes first: a stranger's card is not on this machine.
    """
    training = record.model.training_data or (card.training_data if card else None)
    if training is None:
        return "undisclosed"
    if {record.data.subset, record.data.dataset} & set(training.subsets):
        return "in_domain"
    if training.kind == "none":
        return "no_human_labels"
    return training.kind


def model_cards(names: Iterable[str]) -> dict[str, ModelCard]:
    """Return the cards of those models that have one in the data folders."""
    paths = files("models")
    wanted = dict.fromkeys(name for name in names if name in paths)
    return {name: read_card(paths[name], ModelCard) for name in wanted}


def _variant(record: RunRecord, *, several: bool) -> Iterator[str]:
    """Yield what sets a run apart from the benchmark's standard settings."""
    if several:
        yield f"revision {record.model.revision[:12] or 'not pinned'}"
    if record.data.split != "test":
        yield f"{record.data.split} split"
    if record.data.protocol != "corrected":
        yield f"protocol {record.data.protocol}"
    if record.labels != "natural":
        yield f"labels {record.labels}"
    if record.limit is not None:
        yield f"first {record.limit} passages"


def _training(result: PublishedResult) -> str:
    """Two trainings of one model are two models, though they share a name."""
    parts = result.setting.split("; ")
    return "; ".join(part for part in parts if part.startswith("fine-tuned"))


def _printed_cell(results: Sequence[PublishedResult]) -> Cell:
    ordered = sorted(results, key=lambda row: (row.faulty, distrust(row)))
    shown = ordered[0]
    group = printed_group(shown)
    warnings = []
    if shown.faulty:
        warnings.append(shown.setting.split("; ")[-1])
    if shown.untrusted or shown.second_hand:
        warnings.append("; ".join(shown.setting.split("; ")[1:]))
    if len({float(row.value) for row in ordered}) > 1:
        warnings.append("printed with different values")
    return Cell(
        value=float(shown.value),
        text=shown.value,
        zero_shot=None if group == "undisclosed" else group != "in_domain",
        warnings=tuple(warnings),
        printed=tuple(ordered),
    )


def _why_unranked(profile: str, cells: Iterable[Cell]) -> str:
    if profile == UNSTATED:
        return "the scorer is not stated"
    if profile == "macro":
        return "macro F1, of a scorer that is not stated"
    shown = [cell.printed[0] for cell in cells]
    if all(row.untrusted for row in shown):
        return "of a sample or a secondary source"
    if all(row.faulty for row in shown):
        return "replaced later, or known to be wrong"
    if all(row.second_hand and "as cited" in row.setting for row in shown):
        return "as cited by others only"
    return ""


def _access(card: ModelCard | None) -> str:
    words = {"open": "open", "key": "api", "unpublished": "unpublished"}
    return words[card.access] if card else ""


def _percents(interval: Interval | None) -> tuple[float | None, float | None]:
    if interval is None:
        return None, None
    return 100 * interval.low, 100 * interval.high


def _check_numbers(record: RunRecord) -> None:
    for profile, score in record.scores.items():
        if not math.isfinite(score.f1):
            raise ScoreError(
                f"{record.path or record.model.name}: the F1 of {record.subset} under"
                f" {profile!r} is not a number; score the run again with"
                " 'unibench rescore'"
            )
