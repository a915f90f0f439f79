"""unibench score: score a file of predictions made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from unibench.cli import options

if TYPE_CHECKING:
    from unibench.schema.score import Counts, Interval, Intervals
    from unibench.scoring.file_scores import FileScore, FileScores

_SHOWN_NOTES = {"invented": "invented", "unparsed": "unparsed"}
"""The notes that have a column of their own; the others follow the table."""


@click.command(
    epilog=options.example(
        "unibench score gold.jsonl predictions.jsonl --profile uniner --profile gliner",
        "unibench score gold.conll predictions.conll --profile all",
        "unibench score CrossNER_AI.json answers.json",
        "unibench score gner_predictions.jsonl --profile gner",
    )
)
@click.argument("gold", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument(
    "predictions",
    required=False,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    default=("uniner", "partial"),
    show_default=True,
    metavar="NAME",
    help="A scoring rule, such as gliner or strict_span:invented=drop; may be repeated,"
    " or 'all'.",
)
@click.option(
    "--parser",
    default="",
    metavar="NAME",
    help="How raw answers are read; by default each profile's own published parser.",
)
@click.option(
    "--missing",
    type=click.Choice(["error", "empty"]),
    default="error",
    show_default=True,
    help="Queries without a prediction: stop, or count them as answered empty.",
)
@click.option(
    "--unknown",
    type=click.Choice(["error", "drop"]),
    default="error",
    show_default=True,
    help="Predictions for queries that are not in the gold: stop, or drop and count.",
)
@click.option("--by-type", is_flag=True, help="Show every entity type too.")
@click.option("--no-intervals", is_flag=True, help="Leave out the 95 % intervals.")
@options.json_option
def command(
    *,
    gold: Path,
    predictions: Path | None,
    profiles: tuple[str, ...],
    parser: str,
    missing: Literal["error", "empty"],
    unknown: Literal["error", "drop"],
    by_type: bool,
    no_intervals: bool,
    as_json: bool,
) -> None:
    """Score predictions against gold under one or more published rules.

    Both files are JSON lines, CoNLL columns or UniversalNER's conversations (then the
    predictions may be a list of answers). Without PREDICTIONS the one file holds both:
    CoNLL with two tag columns, or what GNER and InstructUIE write.
    """
    from unibench.cli.render import show_json
    from unibench.scoring.file_scores import as_rows, score_files
    from unibench.scoring.files.pairing import Policy
    from unibench.scoring.stats.bootstrap import RESAMPLES

    scores = score_files(
        gold,
        predictions,
        profiles,
        parser=parser,
        policy=Policy(missing=missing, unknown=unknown),
        resamples=0 if no_intervals else RESAMPLES,
    )
    for name, reason in scores.skipped.items():
        click.echo(f"{name} is left out: {reason}", err=True)
    if as_json:
        show_json(list(as_rows(scores)))
    else:
        _show(scores, by_type=by_type)


def _show(scores: FileScores, *, by_type: bool) -> None:
    from unibench.cli.render import show_rows

    rows = []
    for one in scores.scores:
        rows.append(_row(one))
        if by_type:
            rows += _type_rows(one)
    for profile, mean in scores.means.items():
        value = _number(mean.value, mean.interval)
        rows.append({"dataset": mean.name, "profile": profile, "F1": value})
    shown = [name for name in _COLUMNS if any(row.get(name) for row in rows)]
    show_rows(rows, as_json=False, columns=shown)
    for one in scores.scores:
        if notes := _other_notes(one):
            click.echo(f"{one.score.profile}: {notes}")


_COLUMNS = (
    "dataset", "profile", "type", "precision", "recall", "F1", "correct", "predicted",
    "gold", "macro F1", "ceiling", "parser", *_SHOWN_NOTES.values(),
)  # fmt: skip


def _row(one: FileScore) -> dict[str, Any]:
    score = one.score
    notes = {name: score.notes.get(key, "") for key, name in _SHOWN_NOTES.items()}
    return {
        "dataset": one.dataset,
        "profile": score.profile,
        **_numbers(score.counts, score.intervals),
        "macro F1": _number(one.macro.value, one.macro.interval),
        "ceiling": _number(one.ceiling.f1, one.ceiling.interval) if one.ceiling else "",
        "parser": one.parser,
        **notes,
    }


def _type_rows(one: FileScore) -> list[dict[str, Any]]:
    score = one.score
    return [
        {
            "dataset": one.dataset,
            "profile": score.profile,
            "type": name,
            **_numbers(counts, score.type_intervals.get(name)),
        }
        for name, counts in score.by_type.items()
    ]


def _numbers(counts: Counts, intervals: Intervals | None) -> dict[str, str]:
    return {
        "precision": _number(
            counts.precision, intervals.precision if intervals else None
        ),
        "recall": _number(counts.recall, intervals.recall if intervals else None),
        "F1": _number(counts.f1, intervals.f1 if intervals else None),
        "correct": f"{counts.correct:g}",
        "predicted": str(counts.predicted),
        "gold": str(counts.gold),
    }


def _number(value: float, interval: Interval | None = None) -> str:
    """Write a fraction in percent, with its interval in brackets."""
    if interval is None:
        return f"{100 * value:.1f}"
    return f"{100 * value:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def _other_notes(one: FileScore) -> str:
    """Write what a rule had to decide besides what the columns tell."""
    return ", ".join(
        f"{name.replace('_', ' ')} {times}"
        for name, times in one.score.notes.items()
        if name not in _SHOWN_NOTES
    )
