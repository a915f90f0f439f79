"""unibench leaderboard: the runs of a results dataset on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from unibench.cli import options


@click.group(
    epilog=options.example(
        "unibench leaderboard pull --repo me/unibench-results -o runs/pulled"
    )
)
def command() -> None:
    """Bring the runs of a leaderboard to this machine."""


@command.command(
    "pull",
    epilog=options.example(
        "unibench leaderboard pull --repo me/unibench-results -o runs/pulled",
        "unibench leaderboard pull --repo me/unibench-results --revision v1 -o old",
    ),
)
@click.option(
    "--repo", required=True, metavar="OWNER/NAME", help="A results dataset on the Hub."
)
@click.option(
    "--revision", default="main", show_default=True, help="A branch, tag or commit."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/pulled"),
    show_default=True,
    help="Folder to write the records to.",
)
@options.json_option
def pull_command(*, repo: str, revision: str, output: Path, as_json: bool) -> None:
    """Write every run of a results dataset below a folder, for 'unibench report'.

    Runs that are there already stay; a file that is no run is left out and named.
    """
    from unibench.cli.render import show_json
    from unibench.publish.files import Repo
    from unibench.publish.hub.client import Hub
    from unibench.publish.results.pull import pull

    pulled = pull(Hub().snapshot(Repo(repo, "dataset"), revision), output)
    for reason in pulled.refused:
        click.echo(f"left out {reason}", err=True)
    if as_json:
        show_json(
            {
                "repo": repo,
                "commit": pulled.commit,
                "runs": len(pulled.records),
                "written": pulled.written,
                "refused": pulled.refused,
            }
        )
        return
    click.echo(
        f"{len(pulled.records)} runs of {repo} at {pulled.commit[:12]},"
        f" {pulled.written} of them new or changed: {output}"
    )
