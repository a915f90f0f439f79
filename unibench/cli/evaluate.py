"""unibench evaluate: the main command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unibench.cli import options

if TYPE_CHECKING:
    from unibench.backends.asking import Progress
    from unibench.runner.evaluate import Settings
    from unibench.runner.plan import Plan


@click.command(
    epilog=options.example(
        "unibench evaluate -m spacy-en-sm -d mini",
        "unibench evaluate -m uniner-7b-type -d crossner -d mit_movie --limit 100",
        "unibench evaluate -m my-model --base-url http://localhost:8000/v1 -d mini",
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
    dry_run: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Score a model on datasets and write one run record for each subset.

    Answers are kept as they come: an interrupted run, run again, goes on.
    """
    from unibench.runner.evaluate import Settings

    settings = Settings(base_urls=base_urls, **chosen)
    if dry_run:
        _dry_run(model, datasets, settings, as_json=as_json)
    else:
        _run(model, datasets, settings, output, as_json=as_json)


def _run(
    model: str,
    datasets: tuple[str, ...],
    settings: Settings,
    output: Path,
    *,
    as_json: bool,
) -> None:
    from unibench.cli.render import show_json
    from unibench.reporting.run_table import run_table
    from unibench.runner.evaluate import Skipped, evaluate_each

    records, skipped = [], []
    for result in evaluate_each(model, datasets, settings, output, progress_bar):
        if isinstance(result, Skipped):
            skipped.append(result)
            click.echo(f"skipped {result.subset}: {result.reason}", err=True)
        else:
            records.append(result)
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


def progress_bar(plan: Plan) -> Progress:
    """Show queries done, rate and time left on stderr, one bar for each subset.

    A log file gets a line now and then instead of a moving bar.
    """
    import sys

    from tqdm import tqdm

    moving = sys.stderr.isatty()
    bar = tqdm(
        total=len(plan.queries),
        desc=plan.prepared.identity.subset,
        unit=" queries",
        dynamic_ncols=moving,
        mininterval=0.1 if moving else 30,
    )

    def advance(count: int) -> None:
        bar.update(count)
        if bar.n >= len(plan.queries):
            bar.close()

    return advance
