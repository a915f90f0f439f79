"""unibench publish results: runs into a results dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unibench.cli import options, publish_options
from unibench.cli.publish_options import Sending, carry_out

if TYPE_CHECKING:
    from unibench.publish.results.gather import Gathered


@click.command(
    "results",
    epilog=options.example(
        "unibench publish results runs --repo me/unibench-results --create --yes",
        "unibench publish results runs --repo lab/results --pr --predictions --yes",
        "unibench publish results --rebuild --repo me/unibench-results --yes",
    ),
)
@publish_options.runs_argument
@publish_options.repo_option
@click.option("--pr", is_flag=True, help="Propose the runs as a pull request.")
@click.option(
    "--predictions",
    is_flag=True,
    help="Add the predictions, as places without the dataset's text.",
)
@click.option(
    "--predictions-repo",
    metavar="OWNER/NAME",
    help="Also put them, with text where allowed, into this gated dataset.",
)
@click.option("--gate", is_flag=True, help="Gate that dataset if it is not.")
@click.option(
    "--rebuild", is_flag=True, help="Make the aggregates again from all run files."
)
@publish_options.create_option
@publish_options.again_option
@publish_options.sending_options
def command(
    *,
    runs: tuple[Path, ...],
    pr: bool,
    predictions: bool,
    predictions_repo: str | None,
    gate: bool,
    rebuild: bool,
    **chosen: Any,
) -> None:
    """Add runs to a results dataset, with aggregates and card, in one commit.

    A run that is there already is not sent again. With --pr anyone may propose runs;
    the owner's next publication brings the aggregates up to date.
    """
    from unibench.publish.results.gather import gather
    from unibench.runner.store import find_runs

    _require_sense(runs, rebuild=rebuild, pr=pr, gated=predictions_repo)
    gathered = gather(
        find_runs(runs), predictions=predictions, gated=predictions_repo is not None
    )
    for note in gathered.notes:
        click.echo(note, err=True)
    sending = Sending(repo_type="dataset", **chosen)
    if predictions_repo is not None:
        _publish_gated(sending, predictions_repo, gathered, gate=gate)
    _publish(sending, gathered, rebuild=rebuild, pr=pr)


def _publish(sending: Sending, gathered: Gathered, *, rebuild: bool, pr: bool) -> None:
    from functools import partial

    import msgspec

    from unibench.publish.results.plan import plan_results, plan_runs, proposal_title

    if pr:
        title = proposal_title(gathered.runs)
        sending = msgspec.structs.replace(sending, propose=title)
        carry_out(sending, lambda snapshot: plan_runs(snapshot, gathered.runs))
        return
    planner = partial(
        plan_results, runs=gathered.runs, name=sending.repo, rebuild=rebuild
    )
    carry_out(sending, planner)


def _publish_gated(
    sending: Sending, name: str, gathered: Gathered, *, gate: bool
) -> None:
    """Send the predictions first: nothing is sent where the gate is open."""
    import msgspec

    from unibench.publish.files import Repo
    from unibench.publish.hub.client import Hub
    from unibench.publish.results.gather import plan_gated, require_gate

    repo = Repo(name, "dataset")
    if sending.yes and not sending.dry_run:
        require_gate(Hub(), repo, create=sending.create, gate=gate)
    carry_out(
        msgspec.structs.replace(sending, repo=name, aside=True),
        lambda snapshot: plan_gated(snapshot, gathered),
    )


def _require_sense(
    runs: tuple[Path, ...], *, rebuild: bool, pr: bool, gated: str | None
) -> None:
    if not runs and not rebuild:
        raise click.UsageError("name the runs, or say --rebuild to use those there")
    if pr and rebuild:
        raise click.UsageError("--pr proposes runs only; the owner says --rebuild")
    if pr and gated:
        raise click.UsageError("--predictions-repo is for its owner, without --pr")
