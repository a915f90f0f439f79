"""unibench publish check: runs and proposals, before they are published or merged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unibench.cli import options, publish_options

if TYPE_CHECKING:
    from unibench.publish.results.check import Finding, Recount


@click.command(
    "check",
    epilog=options.example(
        "unibench publish check runs",
        "unibench publish check --repo me/unibench-results --pr 7",
        "unibench publish check --repo me/unibench-results",
    ),
)
@publish_options.runs_argument
@click.option("--repo", metavar="OWNER/NAME", help="A results dataset on the Hub.")
@click.option("--pr", type=click.IntRange(min=1), help="Number of a pull request.")
@click.option(
    "--rescore/--no-rescore",
    default=True,
    show_default=True,
    help="Score the predictions again where the dataset is prepared here.",
)
@options.json_option
def command(
    *,
    runs: tuple[Path, ...],
    repo: str | None,
    pr: int | None,
    rescore: bool,
    as_json: bool,
) -> None:
    """Check schema, hashes and rules, and that predictions give the claimed numbers.

    Of a pull request also that it adds runs and changes nothing else; of a whole
    repository that its aggregates follow from its runs. Wrong files are an error.
    """
    from unibench.runner.recount import recount

    if bool(runs) == (repo is not None) or (pr and not repo):
        raise click.UsageError("name runs, or --repo with or without --pr")
    count = recount if rescore else None
    findings = _of_repo(repo, pr, count) if repo else _of_runs(runs, count)
    _show(findings, as_json=as_json)


def _of_runs(runs: tuple[Path, ...], recount: Recount | None) -> list[Finding]:
    from unibench.publish.results.check import check_local
    from unibench.runner.store import find_runs

    return [f for record in find_runs(runs) for f in check_local(record, recount)]


def _of_repo(name: str, pr: int | None, recount: Recount | None) -> list[Finding]:
    from unibench.publish.files import Repo
    from unibench.publish.hub.client import Hub
    from unibench.publish.results.check import check_proposal, check_repository

    hub, repo = Hub(), Repo(name, "dataset")
    if pr is None:
        return check_repository(hub.snapshot(repo), recount)
    revision = f"refs/pr/{pr}"
    before = hub.snapshot(repo, hub.base_of(repo, revision))
    return check_proposal(before, hub.snapshot(repo, revision), recount)


def _show(findings: Sequence[Finding], *, as_json: bool) -> None:
    import msgspec

    from unibench.cli.render import show_rows
    from unibench.errors import PublishError

    rows = [msgspec.structs.asdict(finding) for finding in findings]
    show_rows(rows, as_json=as_json, columns=("verdict", "path", "what"))
    counts = {
        verdict: sum(f.verdict == verdict for f in findings)
        for verdict in ("ok", "unverified", "wrong")
    }
    click.echo(", ".join(f"{n} {verdict}" for verdict, n in counts.items()), err=True)
    if counts["wrong"]:
        raise PublishError(
            f"{counts['wrong']} of {len(findings)} files are wrong; see 'what' above"
        )
