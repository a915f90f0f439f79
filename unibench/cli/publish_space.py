"""unibench publish space: the leaderboard as a static Space."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unibench.cli import options, publish_options
from unibench.cli.publish_options import Sending, carry_out

if TYPE_CHECKING:
    from unibench.publish.space import SpaceSource
    from unibench.schema.record import RunRecord


@click.command(
    "space",
    epilog=options.example(
        "unibench publish space --repo me/leaderboard --results me/unibench-results"
        " --create --yes",
        "unibench publish space runs --repo me/leaderboard --dry-run -o site",
    ),
)
@publish_options.runs_argument
@publish_options.repo_option
@click.option(
    "--results",
    metavar="OWNER/NAME",
    help="The results dataset to show; or name runs of this machine.",
)
@click.option(
    "--printed/--no-printed",
    default=True,
    show_default=True,
    help="Show the printed figures of papers beside the runs.",
)
@publish_options.create_option
@publish_options.sending_options
def command(
    *, runs: tuple[Path, ...], results: str | None, printed: bool, **chosen: Any
) -> None:
    """Rebuild the leaderboard Space: plain pages that need no server.

    Pages of an earlier rendering that have no place any more are deleted in the same
    commit; files that unibench did not write stay.
    """
    from unibench.publish.space import plan_space

    records, source = _records(runs, results)
    carry_out(
        Sending(repo_type="space", **chosen),
        lambda snapshot: plan_space(snapshot, records, source, printed=printed),
    )


def _records(
    runs: tuple[Path, ...], results: str | None
) -> tuple[list[RunRecord], SpaceSource]:
    from unibench.publish.files import Repo
    from unibench.publish.hub.client import Hub
    from unibench.publish.policy import publishable
    from unibench.publish.results.pull import read_runs
    from unibench.publish.space import SpaceSource
    from unibench.runner.store import find_runs

    if results is None:
        return [publishable(record) for record in find_runs(runs)], SpaceSource()
    if runs:
        raise click.UsageError("name runs or --results, not both")
    pulled = read_runs(Hub().snapshot(Repo(results, "dataset")))
    for reason in pulled.refused:
        click.echo(f"left out {reason}", err=True)
    return list(pulled.records), SpaceSource(results=results, commit=pulled.commit)
