"""The table at the end of a run: measured figures, the printed one beside each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unibench.reporting.published import PublishedResult, figure_for
from unibench.resources import files
from unibench.schema.model_card import ModelCard
from unibench.schema.record import RunRecord
from unibench.schema.strict_yaml import read_card

REFERENCE = "UniNER-7B-type"
"""Whose printed figure is shown where a model has none of its own."""

_COLUMNS = (
    "subset", "strict F1", "95% interval", "partial F1", "precision", "recall",
    "unparsed", "queries", "time", "published F1",
)  # fmt: skip
_RIGHT = ("left", *["right"] * 8, "left")


def run_table(
    records: Sequence[RunRecord], *, skipped: Sequence[str] = (), style: str = "simple"
) -> str:
    """Return a text table of runs in percent, their mean, and notes below it.

    The mean is over subsets, unweighted, and names how many it covers.
    """
    from tabulate import tabulate

    rows = [_row(record) for record in records]
    if len(records) > 1:
        rows.append(_mean(records, len(skipped)))
    table = tabulate(
        rows,
        headers=_COLUMNS,
        tablefmt=style,
        disable_numparse=True,
        colalign=_RIGHT if rows else None,
    )
    return "\n".join([*_heads(records), "", table, *_notes(records, skipped)])


def run_rows(records: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """Return one plain row a run: fractions and counts in full, for CSV and JSON."""
    rows = []
    for record in records:
        interval = record.scores["uniner"].interval
        figure = figure_for(_published_names(record.model.name), record.subset)
        rows.append(
            {
                "model": record.model.name,
                "revision": record.model.revision,
                "subset": record.subset,
                "split": record.data.split,
                "protocol": record.data.protocol,
                "limit": record.limit,
                "strict_f1": record.strict.f1,
                "strict_low": interval.low if interval else None,
                "strict_high": interval.high if interval else None,
                "partial_f1": record.partial.f1,
                "precision": record.strict.precision,
                "recall": record.strict.recall,
                "correct": record.strict.correct,
                "predicted": record.strict.predicted,
                "gold": record.strict.gold,
                "queries": record.tally.queries,
                "unparsed": record.tally.unparsed,
                "invented": record.tally.invented,
                "unknown_type": record.tally.unknown_type,
                "seconds": record.usage.seconds,
                "scoring_version": record.scoring_version,
                "published_f1_percent": figure.value if figure else None,
                "published_source": figure.source if figure else None,
                "record": record.path,
            }
        )
    return rows


def _row(record: RunRecord) -> list[str]:
    strict, partial, tally = record.strict, record.partial, record.tally
    return [
        record.subset + (f" (first {record.limit})" if record.limit else ""),
        percent(strict.f1),
        _interval(record),
        percent(partial.f1),
        percent(strict.precision),
        percent(strict.recall),
        f"{tally.unparsed}",
        f"{tally.queries}",
        duration(record.usage.seconds),
        _published(record),
    ]


def _mean(records: Sequence[RunRecord], skipped: int) -> list[str]:
    def mean(values: Sequence[float]) -> str:
        return percent(sum(values) / len(values))

    covered = len(records)
    of = f" of {covered + skipped}" if skipped else ""
    return [
        f"mean of {covered}{of} subsets",
        mean([r.strict.f1 for r in records]),
        "",
        mean([r.partial.f1 for r in records]),
        mean([r.strict.precision for r in records]),
        mean([r.strict.recall for r in records]),
        f"{sum(r.tally.unparsed for r in records)}",
        f"{sum(r.tally.queries for r in records)}",
        duration(sum(r.usage.seconds for r in records)),
        "",
    ]


def _heads(records: Sequence[RunRecord]) -> list[str]:
    heads = []
    for record in records:
        revision = record.model.revision or "revision not pinned"
        head = (
            f"{record.model.title or record.model.name}  ({record.model.checkpoint}"
            f" @ {revision[:12]})  split {record.data.split}, protocol"
            f" {record.data.protocol}, scoring version {record.scoring_version}"
        )
        if head not in heads:
            heads.append(head)
    return heads


def _notes(records: Sequence[RunRecord], skipped: Sequence[str]) -> list[str]:
    notes = []
    unknown = sum(r.tally.unknown_type for r in records)
    queries = sum(r.tally.queries for r in records)
    if unknown:
        share = unknown / queries
        notes.append(
            f"{unknown} of {queries} queries ({share:.0%}) ask a type that the model's"
            " closed labels cannot express; they count as answered empty."
        )
    reused = sum(r.usage.reused for r in records)
    if reused:
        fresh = sum(r.usage.requests for r in records)
        notes.append(f"{reused} answers were stored already, {fresh} were asked now.")
    if skipped:
        notes.append(f"Not on this machine, so not scored: {', '.join(skipped)}.")
    if any(_published(record) != "-" for record in records):
        notes.append(
            "Published figures are as printed, under the same scoring rule; they were"
            " not measured here."
        )
    return ["", *notes] if notes else []


def _published(record: RunRecord) -> str:
    own = figure_for(_published_names(record.model.name), record.subset)
    row: PublishedResult | None = own or figure_for([REFERENCE], record.subset)
    return f"{row.value} {row.model}" if row else "-"


def _published_names(model: str) -> tuple[str, ...]:
    path = files("models").get(model)
    return read_card(path, ModelCard).published if path else ()


def _interval(record: RunRecord) -> str:
    """The interval; none where nothing is correct, for resampling cannot see it."""
    interval = record.scores["uniner"].interval
    if interval is None or not record.strict.correct:
        return "-"
    return f"{100 * interval.low:.1f}-{100 * interval.high:.1f}"


def percent(fraction: float) -> str:
    """Return a fraction as percent with one decimal."""
    return f"{100 * fraction:.1f}"


def duration(seconds: float) -> str:
    """Return seconds as a person would write them: 0.4 s, 12 s, 3:05, 1:02:03."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
