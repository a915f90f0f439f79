"""unibench evaluate: the main command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from unibench.cli import options
from unibench.cli.engine_options import (
    engine_options,
    engine_settings,
    progress_options,
)

if TYPE_CHECKING:
    from unibench.cli.progress import Kind
    from unibench.runner.evaluate import Settings


@click.command(
    epilog=options.example(
        "unibench evaluate -m spacy-en-sm -d mini",
        "unibench evaluate -m uniner-7b-type -d crossner -d mit_movie --limit 100",
        "unibench evaluate -m my-model --base-url http://localhost:8000/v1 -d mini",
        "unibench evaluate -m uniner-7b-type -d ood_7 --engine ray --log-json",
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
@options.output_option
@click.option(
    "--dry-run", is_flag=True, help="Say what would be asked, and ask nothing."
)
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
    as_json: bool,
    **chosen: Any,
) -> None:
    """Score a model on datasets and write one run record for each subset.

    Answers are kept as they come: an interrupted run, run again, goes on.
    """
    from unibench.runner.evaluate import Settings

    workers = engine_settings(engine, chosen)
    settings = Settings(base_urls=base_urls, engine=workers, **chosen)
    if dry_run:
        _dry_run(model, datasets, settings, as_json=as_json)
    else:
        _run(model, datasets, settings, (output, progress), as_json=as_json)


def _run(
    model: str,
    datasets: tuple[str, ...],
    settings: Settings,
    shown: tuple[Path, Kind],
    *,
    as_json: bool,
) -> None:
    from unibench.cli.progress import watched
    from unibench.cli.render import show_json
    from unibench.reporting.run_table import run_table
    from unibench.runner.evaluate import Skipped, evaluate_each
    from unibench.schema.record import RunRecord

    output, kind = shown
    with watched(kind) as watcher:
        results = list(evaluate_each(model, datasets, settings, output, watcher))
    records = [result for result in results if isinstance(result, RunRecord)]
    skipped = [result for result in results if isinstance(result, Skipped)]
    if as_json:
        show_json({"records": records, "skipped": skipped})
        return
    click.echo(run_table(records, skipped=[s.subset for s in skipped]))
    places = sorted({str(Path(record.path).parent.parent) for record in records})
    click.echo(f"\nRecords: {', '.join(places)}/*/record.json")


def _dry_run(
    model: str, datasets: tuple[str, ...], settings: Settings, *, as_json: bool
) -> None:
    from unibench.cli.render import show_rows
    from unibench.runner.dry_run import dry_run

    show_rows(dry_run(model, datasets, settings), as_json=as_json)
