"""unibench report table: a table of any choice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unibench.cli import options, report_options

if TYPE_CHECKING:
    from unibench.reporting.choose import Choice
    from unibench.reporting.tables import Table


@click.command(
    epilog=options.example(
        "unibench report table runs",
        "unibench report table runs --by model -d ood_7 --format latex",
        "unibench report table --by model -d ood_7 --profile gner",
        "unibench report table runs --by type -d crossner_ai --type person",
    )
)
@report_options.runs_argument
@report_options.models_option
@report_options.names_option
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="TYPE",
    help="Show this entity type only (with --by type); may be repeated.",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="NAME",
    help="A scoring profile; may be repeated. [default: uniner, partial]",
)
@click.option(
    "--by",
    type=click.Choice(["run", "model", "type"]),
    default="run",
    show_default=True,
    help="One row for each run, each model (subsets as columns), or each type.",
)
@report_options.printed_option
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "markdown", "csv", "latex", "json"]),
    default="text",
    show_default=True,
    help="How the table is written.",
)
@options.json_option
def command(
    *,
    runs: tuple[Path, ...],
    models: tuple[str, ...],
    names: tuple[str, ...],
    types: tuple[str, ...],
    profiles: tuple[str, ...],
    by: str,
    printed: bool,
    style: str,
    as_json: bool,
) -> None:
    """Print a table of the runs at and below the given folders.

    Without folders, 'runs' is read; with --by model it need not exist, and the
    printed figures alone are shown.
    """
    from unibench.reporting.choose import Choice
    from unibench.reporting.tables import WRITERS, to_json

    defaults = ("uniner",) if by == "model" else ("uniner", "partial")
    choice = Choice(
        models=models, names=names, types=types, profiles=profiles or defaults
    )
    table = _table(runs, choice, by=by, printed=printed)
    if as_json or style == "json":
        click.echo(json.dumps(to_json(table), indent=2, ensure_ascii=False))
    else:
        click.echo(WRITERS[style](table).rstrip("\n"))


def _table(runs: tuple[Path, ...], choice: Choice, *, by: str, printed: bool) -> Table:
    from unibench.reporting.catalogue import read_catalogue
    from unibench.reporting.choose import chosen_records
    from unibench.reporting.results import collect, newest
    from unibench.reporting.run_matrix import models_table, runs_table, types_table

    catalogue = read_catalogue()
    default = Path("runs")
    optional = by == "model" and printed and not default.exists()
    records = report_options.records_below(runs, default=None if optional else default)
    kept, left_out = newest(records)
    for record, reason in left_out:
        click.echo(f"left out {record.path}: {reason}", err=True)
    if by == "model":
        return models_table(collect(kept, printed=printed), choice, catalogue)
    chosen = chosen_records(kept, choice, catalogue)
    return (types_table if by == "type" else runs_table)(chosen, choice)
