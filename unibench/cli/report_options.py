"""Arguments and options that the report commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from unibench.schema.record import RunRecord

runs_argument = click.argument(
    "runs", nargs=-1, type=click.Path(exists=True, path_type=Path)
)
models_option = click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="Show this model only; may be repeated.",
)
names_option = click.option(
    "-d",
    "--dataset",
    "names",
    multiple=True,
    metavar="NAME",
    help="Show this subset, dataset, suite or domain only; may be repeated.",
)
folder_option = click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder to write to.",
)
printed_option = click.option(
    "--printed/--no-printed",
    default=True,
    show_default=True,
    help="Show the printed figures of papers beside the runs.",
)


def records_below(runs: tuple[Path, ...], *, default: Path | None) -> list[RunRecord]:
    """Read the records at and below `runs`; those of `default` where none is given."""
    from unibench.runner.store import find_runs

    paths = runs or ((default,) if default is not None else ())
    return list(find_runs(paths))
