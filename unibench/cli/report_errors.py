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
    """Read a run and the data that it was asked about.

    Raises:
        RunError: the data here are not those of the run, or its predictions changed.
    """
    import hashlib

    from unibench.data.api import load_prepared
    from unibench.errors import RunError
    from unibench.reporting.errors.write import Run
    from unibench.runner.score_run import cases_of
    from unibench.runner.store import PREDICTIONS, read_predictions, read_record

    record = read_record(path)
    file = Path(record.path).parent / PREDICTIONS
    if hashlib.sha256(file.read_bytes()).hexdigest() != record.predictions_sha256:
        raise RunError(
            f"{file} has changed since its record was written; run"
            f" 'unibench rescore {path}' first"
        )
    data = record.data
    prepared = load_prepared(record.subset, data.split, data.protocol, record.labels)
    if prepared.identity.fingerprint != data.fingerprint:
        raise RunError(
            f"{record.path} was made on other data than are prepared here (fingerprint"
            f" {data.fingerprint[:12]}); run 'unibench evaluate' again"
        )
    predictions = read_predictions(record)
    asked = {prediction.id for prediction in predictions}
    passages = [passage for passage in prepared.passages if passage.id in asked]
    return Run(record=record, cases=tuple(cases_of(prepared, passages, predictions)))
