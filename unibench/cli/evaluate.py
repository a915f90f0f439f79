"""unibench evaluate: the main command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from unibench.cli import options
from unibench.cli.batch_options import (
    batch_options,
    batch_settings,
    budget_option,
    rate_option,
)
from unibench.cli.engine_options import (
    engine_options,
    engine_settings,
    progress_options,
)

if TYPE_CHECKING:
    from unibench.backends.batch.send import BatchOptions
    from unibench.cli.progress import Kind
    from unibench.runner.dry_run import DryRun
    from unibench.runner.evaluate import Settings


@click.command(
    epilog=options.example(
        "unibench evaluate -m spacy-en-sm -d mini",
        "unibench evaluate -m uniner-7b-type -d crossner -d mit_movie --limit 100",
        "unibench evaluate -m my-model --base-url http://localhost:8000/v1 -d mini",
        "unibench evaluate -m uniner-7b-type -d ood_7 --engine ray --log-json",
        "unibench evaluate -m gpt-4o -d ood_7 --dry-run",
        "unibench evaluate -m gpt-4o -d ood_7 --batch --budget 20",
    )
)
@options.model_option
@options.dataset_option
@options.split_option
@options.protocol_option
@options.limit_option
@click.option(
    "--base-url",
    "base_urls",
    multiple=True,
    metavar="URL",
    help="An OpenAI-compatible server that holds the model; may be repeated.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    metavar="N",
    help="The most requests under way at once on each server; by default the card's.",
)
@click.option(
    "--labels",
    default="natural",
    show_default=True,
    metavar="KIND",
    help="How types are worded: natural, raw, definition or paraphrase:K.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Draws the sample where a subset has more than 200,000 pairs.",
)
@engine_options
@progress_options
@batch_options
@budget_option
@options.output_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say what would be asked, what it costs and how long it takes; ask nothing.",
)
@rate_option
@options.json_option
def command(
    *,
    model: str,
    datasets: tuple[str, ...],
    base_urls: tuple[str, ...],
    output: Path,
    engine: Literal["local", "ray"],
    progress: Kind,
    dry_run: bool,
    rate: float | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Score a model on datasets and write one run record for each subset.

    Answers are kept as they come: an interrupted run, run again, goes on.
    """
    from unibench.runner.evaluate import Settings

    workers = engine_settings(engine, chosen)
    batching = batch_settings(chosen, chosen["budget_usd"])
    settings = Settings(base_urls=base_urls, engine=workers, **chosen)
    job = (model, datasets, settings)
    if dry_run:
        from unibench.runner.dry_run import dry_run as expect

        found = expect(*job, output=output, rate=rate)
        _show_expected(found, as_json=as_json)
    elif batching is not None:
        _batch(job, (output, progress), batching, as_json=as_json)
    else:
        _run(job, (output, progress), as_json=as_json)


def _run(
    job: tuple[str, tuple[str, ...], Settings],
    shown: tuple[Path, Kind],
    *,
    as_json: bool,
) -> None:
    from unibench.backends.budget import BudgetReached
    from unibench.cli.progress import watched
    from unibench.runner.evaluate import evaluate_each

    output, kind = shown
    results: list[Any] = []
    try:
        with watched(kind) as watcher:
            for result in evaluate_each(*job, output, watcher):
                results.append(result)
    except BudgetReached:
        if results:
            _show(results, as_json=as_json)
        raise
    _show(results, as_json=as_json)


def _batch(
    job: tuple[str, tuple[str, ...], Settings],
    shown: tuple[Path, Kind],
    batching: BatchOptions,
    *,
    as_json: bool,
) -> None:
    from unibench.cli.batch_options import teller
    from unibench.cli.progress import watched
    from unibench.runner.batch_run import evaluate_in_batches

    output, kind = shown
    with watched(kind) as watcher:
        places = (output, watcher)
        results = list(evaluate_in_batches(*job, places, (batching, teller(kind))))
    _show(results, as_json=as_json)


def _show(results: Sequence[Any], *, as_json: bool) -> None:
    """Print what was scored, left out, or is still under way."""
    from unibench.backends.batch.run import BatchStatus
    from unibench.cli.batch_options import show_status
    from unibench.cli.render import show_json
    from unibench.reporting.run_table import run_table
    from unibench.runner.batch_run import Pending
    from unibench.runner.evaluate import Skipped
    from unibench.schema.record import RunRecord

    records = [result for result in results if isinstance(result, RunRecord)]
    skipped = [result for result in results if isinstance(result, Skipped)]
    pending = [result for result in results if isinstance(result, Pending)]
    status = next((x for x in results if isinstance(x, BatchStatus)), None)
    if as_json:
        shown: dict[str, Any] = {"records": records, "skipped": skipped}
        if status is not None:
            shown |= {"pending": pending, "batches": status}
        show_json(shown)
        return
    if records:
        click.echo(run_table(records, skipped=[s.subset for s in skipped]))
        places = sorted({str(Path(record.path).parent.parent) for record in records})
        click.echo(f"\nRecords: {', '.join(places)}/*/record.json")
    if status is not None:
        show_status(status, {found.subset: found.missing for found in pending})


def _show_expected(found: DryRun, *, as_json: bool) -> None:
    from unibench.cli.expected import show_expected
    from unibench.cli.render import show_json

    if as_json:
        show_json(found)
    else:
        show_expected(found)
