"""Choose what a table is about: models, subsets, entity types and profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from unibench.errors import UnknownNameError
from unibench.reporting.catalogue import Catalogue
from unibench.reporting.published import figure_for
from unibench.reporting.results import Row, group_of, model_cards
from unibench.schema.model_card import ModelCard
from unibench.schema.record import RunRecord
from unibench.schema.score import Counts, Interval, Score


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What to show; an empty tuple means all.

    `names` are subsets, datasets, suites or domains; `types` entity types.
    """

    models: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ("uniner", "partial")


def chosen_subsets(
    choice: Choice, catalogue: Catalogue, present: Iterable[str]
) -> tuple[str, ...]:
    """Return the subsets to show: those named, or those `present`, in card order."""
    if choice.names:
        expanded = (
            subset
            for name in choice.names
            for subset in _expand(name, catalogue, present)
        )
        return tuple(dict.fromkeys(expanded))
    found = set(present)
    known = [subset for subset in catalogue.subsets if subset in found]
    return (*known, *sorted(found - set(known)))


def chosen_records(
    records: Sequence[RunRecord], choice: Choice, catalogue: Catalogue
) -> list[RunRecord]:
    """Return the records to show, ordered by model and then subset.

    Raises:
        UnknownNameError: a model has no run here, or a profile no score.
    """
    models = dict.fromkeys(record.model.name for record in records)
    for name in choice.models:
        if name not in models:
            raise UnknownNameError("model among these runs", name, models)
    scored = {profile for record in records for profile in record.scores}
    for name in choice.profiles:
        if scored and name not in scored:
            raise UnknownNameError("profile in these runs", name, scored)
    wanted = choice.models or tuple(models)
    present = {record.subset for record in records}
    order = {s: i for i, s in enumerate(chosen_subsets(choice, catalogue, present))}
    kept = [r for r in records if r.model.name in wanted and r.subset in order]
    return sorted(kept, key=lambda r: (wanted.index(r.model.name), order[r.subset]))


def chosen_rows(rows: Sequence[Row], choice: Choice) -> list[Row]:
    """Return the rows of the chosen models and profiles, profiles in that order.

    Raises:
        UnknownNameError: no row has that model.
    """
    for name in choice.models:
        if not any(row.model == name for row in rows):
            raise UnknownNameError("model", name, {row.model for row in rows})
    return [
        row
        for profile in choice.profiles
        for row in rows
        if row.profile == profile and (not choice.models or row.model in choice.models)
    ]


def result_rows(
    records: Iterable[RunRecord],
    profiles: Sequence[str] = (),
    types: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Return one plain row for each run and profile: fractions and counts in full.

    With `types` there is one row for each of these entity types as well; an empty
    sequence means every type.
    """
    records = list(records)
    cards = model_cards(record.model.name for record in records)
    return [
        row
        for record in records
        for profile in profiles or record.scores
        if profile in record.scores
        for row in _score_rows(record, record.scores[profile], types, cards)
    ]


def rate(record: RunRecord) -> float | None:
    """Return newly asked queries a second; None where every answer was stored."""
    usage = record.usage
    asked = usage.requests + usage.reused
    fresh = usage.requests / asked if asked else 1.0
    if not usage.seconds or not fresh:
        return None
    return record.tally.queries * fresh / usage.seconds


def _score_rows(
    record: RunRecord,
    score: Score,
    types: Sequence[str] | None,
    cards: Mapping[str, ModelCard],
) -> Iterable[dict[str, Any]]:
    card = cards.get(record.model.name)
    shared = _identity(record) | {"training": group_of(record, card)}
    shared["profile"] = score.profile
    if types is None:
        intervals = score.intervals
        whole = _numbers(score.counts, intervals.f1 if intervals else score.interval)
        yield shared | whole | _costs(record) | _reported(record, score.profile, card)
        return
    for name, counts in score.by_type.items():
        if not types or name in types:
            own = score.type_intervals.get(name)
            yield shared | {"type": name} | _numbers(counts, own.f1 if own else None)


def _identity(record: RunRecord) -> dict[str, Any]:
    return {
        "model": record.model.name,
        "revision": record.model.revision,
        "subset": record.subset,
        "dataset": record.data.dataset,
        "domain": record.data.domain,
        "split": record.data.split,
        "protocol": record.data.protocol,
        "labels": record.labels,
        "limit": record.limit,
        "scoring_version": record.scoring_version,
        "record": record.path,
    }


def _numbers(counts: Counts, interval: Interval | None) -> dict[str, Any]:
    return {
        "f1": counts.f1,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "precision": counts.precision,
        "recall": counts.recall,
        "correct": counts.correct,
        "predicted": counts.predicted,
        "gold": counts.gold,
    }


def _costs(record: RunRecord) -> dict[str, Any]:
    tally, usage = record.tally, record.usage
    return {
        "passages": tally.passages,
        "queries": tally.queries,
        "unparsed": tally.unparsed,
        "invented": tally.invented,
        "unknown_type": tally.unknown_type,
        "truncated": tally.truncated,
        "seconds": usage.seconds,
        "queries_per_second": rate(record),
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cost_usd": usage.cost_usd,
    }


def _reported(
    record: RunRecord, profile: str, card: ModelCard | None
) -> dict[str, Any]:
    figure = figure_for(card.published, record.subset, profile) if card else None
    return {
        "reported_percent": figure.value if figure else None,
        "reported_source": figure.source if figure else None,
    }


def _expand(name: str, catalogue: Catalogue, present: Iterable[str]) -> tuple[str, ...]:
    """A subset that has no card here may still have runs."""
    return (name,) if name in set(present) else catalogue.expand(name)
