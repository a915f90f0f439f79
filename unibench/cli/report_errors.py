"""unibench report errors: predictions and errors of one or two runs, as pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from unibench.cli import options, report_options

if TYPE_CHECKING:
    from unibench.reporting.errors.write import Run


@click.command(
    epilog=options.example(
        "unibench report errors runs/spacy-en-sm/mini_general-test -o errors",
        "unibench report errors runs/a/mit_movie-test runs/b/mit_movie-test -o diff",
    )
)
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.argument("other", required=False, type=click.Path(exists=True, path_type=Path))
@report_options.folder_option
def command(*, run: Path, other: Path | None, output: Path) -> None:
    """Write pages that show what a run got wrong, beside another run if given.

    Where the dataset's card does not let its text be passed on, the pages hold
    offsets and hashes only.
    """
    from unibench.reporting.catalogue import read_catalogue
    from unibench.reporting.errors.write import write_errors

    runs = [_read(path) for path in (run, other) if path is not None]
    page = write_errors(runs, read_catalogue(), output)
    click.echo(page)


def _read(path: Path) -> Run:
    """Read a run and the data that it was asked about."""
    from unibench.reporting.errors.write import Run
    from unibench.runner.reload import reload
    from unibench.runner.store import read_record

    run = reload(read_record(path))
    return Run(record=run.record, cases=tuple(run.cases()))
