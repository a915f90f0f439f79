"""unibench report: tables of finished runs."""

from __future__ import annotations

from pathlib import Path

import click

from unibench.cli import options

runs_argument = click.argument(
    "runs", nargs=-1, type=click.Path(exists=True, path_type=Path)
)


@click.group(
    epilog=options.example("unibench report table runs --format markdown"),
)
def command() -> None:
    """Make tables of finished runs, with the published figures beside them."""


@command.command(
    "table", epilog=options.example("unibench report table runs --format latex")
)
@runs_argument
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "markdown", "csv", "latex"]),
    default="text",
    show_default=True,
    help="How the table is written.",
)
@options.json_option
def table(*, runs: tuple[Path, ...], style: str, as_json: bool) -> None:
    """Print a table of the runs at and below the given folders (default: runs)."""
    from unibench.cli.render import show_json
    from unibench.reporting.run_table import run_rows, run_table
    from unibench.runner.store import find_runs

    records = list(find_runs(runs or (Path("runs"),)))
    if as_json:
        show_json(run_rows(records))
    elif style == "csv":
        import csv
        import sys

        rows = run_rows(records)
        writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        names = {"text": "simple", "markdown": "github", "latex": "latex_booktabs"}
        click.echo(run_table(records, style=names[style]))
