"""Options that the publish commands share, and how a plan is shown and sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

if TYPE_CHECKING:
    from unibench.publish.files import Publication, RepoType
    from unibench.publish.hub.client import Hub, Snapshot
    from unibench.publish.hub.send import Planner, Sent

F = TypeVar("F", bound=Callable[..., Any])

runs_argument = click.argument(
    "runs", nargs=-1, type=click.Path(exists=True, path_type=Path)
)
repo_option = click.option(
    "--repo", required=True, metavar="OWNER/NAME", help="The repository on the Hub."
)
create_option = click.option(
    "--create", is_flag=True, help="Make the repository if there is none."
)
again_option = click.option(
    "--again",
    is_flag=True,
    help="Open a pull request although the owner closed an earlier one.",
)
_SHARED = (
    click.option("--dry-run", is_flag=True, help="Show every file, and send nothing."),
    click.option("--yes", is_flag=True, help="Send it; nothing is sent without this."),
    click.option(
        "-o",
        "--output",
        type=click.Path(file_okay=False, path_type=Path),
        default=None,
        help="Also write the planned files below this folder.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print JSON instead."),
)


def sending_options(function: F) -> F:
    """Add --dry-run, --yes, --output and --json."""
    for option in reversed(_SHARED):
        function = option(function)
    return function


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for: look, or send, and where to.

    `aside` is a second publication of one command: with --json it is told on stderr,
    so that stdout holds one JSON value.
    """

    repo: str
    repo_type: RepoType
    dry_run: bool = False
    yes: bool = False
    output: Path | None = None
    as_json: bool = False
    create: bool = False
    propose: str = ""
    again: bool = False
    aside: bool = False


def carry_out(sending: Sending, planner: Planner) -> None:
    """Show what `planner` plans, or with --yes send it.

    Raises:
        UsageError: there is something to send and neither --dry-run nor --yes is given.
    """
    from unibench.publish.files import Repo
    from unibench.publish.hub.client import Hub

    hub, repo = Hub(), Repo(sending.repo, sending.repo_type)
    if sending.yes and not sending.dry_run:
        _send(hub, repo, sending, planner)
        return
    publication = _shown(hub, repo, sending, planner)
    if not publication.empty and not sending.dry_run:
        raise click.UsageError(
            "nothing was sent: add --yes to send this, or --dry-run only to look"
        )


def _send(hub: Hub, repo: Any, sending: Sending, planner: Planner) -> None:
    from unibench.publish.hub.send import propose, publish

    if sending.propose:
        sent = propose(hub, repo, planner, title=sending.propose, again=sending.again)
    else:
        sent = publish(hub, repo, planner, create=sending.create)
    _write_files(sent.publication, sending.output)
    say_notes(sent.publication)
    if sending.aside and sending.as_json:
        click.echo(str(sent), err=True)
    else:
        _say_sent(sent, as_json=sending.as_json)


def _say_sent(sent: Sent, *, as_json: bool) -> None:
    from unibench.cli.render import show_json

    if not as_json:
        click.echo(str(sent))
        return
    show_json(
        {
            "repo": sent.repo.id,
            "sent": sent.commit is not None,
            "commit": sent.commit.sha if sent.commit else None,
            "url": sent.page or (sent.commit.url if sent.commit else None),
            "attempts": sent.attempts,
            "files": [
                {"path": file.path, "bytes": file.size}
                for file in sent.publication.files
            ],
            "deletions": sent.publication.deletions,
        }
    )


def _shown(hub: Hub, repo: Any, sending: Sending, planner: Planner) -> Publication:
    """Print every file of the plan beside what the repository holds now."""
    from unibench.cli.render import show_rows
    from unibench.publish.files import changes, guard, only_changes, total

    snapshot = look(hub, repo)
    publication = planner(snapshot)
    guard(publication.files, hub.token)
    rows = [
        {"state": state, "bytes": size, "sha256": sha256[:16], "path": path}
        for state, path, size, sha256 in changes(publication, snapshot.files)
    ]
    if sending.aside and sending.as_json:
        for row in rows:
            click.echo(f"{row['state']} {row['bytes']} {row['path']}", err=True)
    else:
        show_rows(rows, as_json=sending.as_json)
    _write_files(publication, sending.output)
    say_notes(publication)
    left = only_changes(publication, snapshot.files)
    what = total(left) if not left.empty else "nothing"
    click.echo(f"Would send {what} to {repo}: {publication.title}", err=True)
    return left


def look(hub: Hub, repo: Any) -> Snapshot:
    """Return the repository as it is; an empty one where it cannot be read, said so."""
    from unibench.publish.hub.client import Snapshot
    from unibench.publish.hub.errors import RepoMissingError, UncertainError

    try:
        return hub.snapshot(repo)
    except RepoMissingError:
        click.echo(f"{repo} does not exist yet, or cannot be seen.", err=True)
    except UncertainError as error:
        click.echo(f"{error}\nEvery file is shown as new.", err=True)
    return Snapshot(repo=repo, hub=hub)


def say_notes(publication: Publication) -> None:
    """Say what was left out, and why."""
    for note in publication.notes:
        click.echo(note, err=True)


def _write_files(publication: Publication, output: Path | None) -> None:
    if output is None:
        return
    for file in publication.files:
        path = output / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.read())
    click.echo(f"{len(publication.files)} files written below {output}", err=True)
