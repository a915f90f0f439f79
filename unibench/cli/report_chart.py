"""unibench report chart: runs as bars."""

from __future__ import annotations

from pathlib import Path

import click

from unibench.cli import options, report_options


@click.command(
    epilog=options.example(
        "unibench report chart runs -o chart",
        "unibench report chart runs --by subset -d ood_7 --profile partial -o chart",
    )
)
@report_options.runs_argument
@report_options.models_option
@report_options.names_option
@click.option(
    "--by",
    type=click.Choice(["domain", "subset"]),
    default="domain",
    show_default=True,
    help="One group of bars for each domain, or each subset.",
)
@click.option(
    "--profile", default="uniner", show_default=True, help="The scoring profile."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File name without suffix; a .png and a .svg are written.",
)
def command(
    *,
    runs: tuple[Path, ...],
    models: tuple[str, ...],
    names: tuple[str, ...],
    by: str,
    profile: str,
    output: Path,
) -> None:
    """Draw runs as bars with their 95 % intervals.

    A domain is drawn where all its chosen subsets were run.
    """
    from unibench.reporting.catalogue import read_catalogue
    from unibench.reporting.charts.runs import runs_chart
    from unibench.reporting.charts.style import save
    from unibench.reporting.choose import Choice
    from unibench.reporting.results import newest

    records = report_options.records_below(runs, default=Path("runs"))
    kept, left_out = newest(records)
    for record, reason in left_out:
        click.echo(f"left out {record.path}: {reason}", err=True)
    choice = Choice(models=models, names=names, profiles=(profile,))
    figure = runs_chart(kept, choice, read_catalogue(), by_domain=by == "domain")
    output.parent.mkdir(parents=True, exist_ok=True)
    for path in save(figure, output):
        click.echo(path)
