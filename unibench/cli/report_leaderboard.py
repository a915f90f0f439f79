"""unibench report leaderboard: the static site."""

from __future__ import annotations

from pathlib import Path

import click

from unibench.cli import options, report_options


@click.command(
    epilog=options.example(
        "unibench report leaderboard -o site",
        "unibench report leaderboard runs -o site",
    )
)
@report_options.runs_argument
@report_options.folder_option
@report_options.printed_option
def command(*, runs: tuple[Path, ...], output: Path, printed: bool) -> None:
    """Write the leaderboard of runs and printed figures as a static site.

    It opens from disk, from any web server, and as a static Space on the Hub.
    """
    from unibench.reporting.catalogue import read_catalogue
    from unibench.reporting.results import collect
    from unibench.reporting.site.write import write_site

    records = report_options.records_below(runs, default=None)
    results = collect(records, printed=printed)
    for record, reason in results.left_out:
        click.echo(f"left out {record.path}: {reason}", err=True)
    if not results.rows:
        raise click.UsageError(
            "there is nothing to show: name runs, or drop --no-printed"
        )
    files = write_site(results, read_catalogue(), output)
    click.echo(f"{len(files)} files, {len(results.rows)} rows: {output / 'index.html'}")
