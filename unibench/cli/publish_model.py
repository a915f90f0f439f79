"""unibench publish model: scores for a model's page, or weights of our own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unibench.cli import options, publish_options
from unibench.cli.publish_options import Sending, carry_out

if TYPE_CHECKING:
    from unibench.publish.hub.client import Snapshot


@click.command(
    "model",
    epilog=options.example(
        "unibench publish model runs --repo org/model --benchmark me/unibench-ner"
        " --results me/unibench-results --dry-run",
        "unibench publish model --weights out/adapter --repo me/ner-adapter --create"
        " --license apache-2.0 --yes",
    ),
)
@publish_options.runs_argument
@publish_options.repo_option
@click.option(
    "--benchmark",
    metavar="OWNER/NAME",
    help="The benchmark dataset that the scores are of.",
)
@click.option(
    "--results",
    metavar="OWNER/NAME",
    help="The results dataset that holds the runs; scores link to it.",
)
@click.option(
    "--model-index", is_flag=True, help="Also write the card's older model-index."
)
@click.option(
    "--weights",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Publish this folder of trained weights instead, with a card.",
)
@click.option("--license", "license_", default="", help="The licence of the weights.")
@publish_options.create_option
@publish_options.again_option
@publish_options.sending_options
def command(
    *,
    runs: tuple[Path, ...],
    benchmark: str | None,
    results: str | None,
    model_index: bool,
    weights: Path | None,
    license_: str,
    **chosen: Any,
) -> None:
    """Propose scores to a model's page as a pull request, or publish trained weights.

    An open pull request of yours is amended, never repeated; one that the owner closed
    is not opened again. Each score links to its run and names the exact command.
    """
    sending = Sending(repo_type="model", **chosen)
    if weights is not None:
        _weights(sending, weights, runs, license_)
    elif not runs or benchmark is None or results is None:
        raise click.UsageError(
            "name the runs, --benchmark and --results (every score links to its run),"
            " or say --weights DIR"
        )
    else:
        _scores(sending, runs, (benchmark, results), model_index=model_index)


def _scores(
    sending: Sending,
    runs: tuple[Path, ...],
    repos: tuple[str, str],
    *,
    model_index: bool,
) -> None:
    import msgspec

    from unibench.publish.benchmark.tasks import suites
    from unibench.publish.model.propose import TITLE, plan_scores, scores_for
    from unibench.runner.store import find_runs

    benchmark, results = repos
    scores = scores_for(
        sending.repo,
        find_runs(runs),
        benchmark=benchmark,
        results=_snapshot(results),
        suites=suites(),
        model_index=model_index,
    )
    carry_out(
        msgspec.structs.replace(sending, propose=TITLE),
        lambda snapshot: plan_scores(snapshot, scores),
    )


def _snapshot(results: str) -> Snapshot:
    from unibench.publish.files import Repo
    from unibench.publish.hub.client import Hub

    return Hub().snapshot(Repo(results, "dataset"))


def _weights(
    sending: Sending, folder: Path, runs: tuple[Path, ...], license_: str
) -> None:
    from unibench.publish.model.weights import plan_weights, read_weights
    from unibench.runner.store import find_runs

    weights, records = read_weights(folder), list(find_runs(runs))
    carry_out(
        sending,
        lambda snapshot: plan_weights(
            snapshot, weights, license_=license_, records=records
        ),
    )
