"""unibench publish benchmark: the redistributable subsets as a dataset."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from unibench.cli import options, publish_options
from unibench.cli.publish_options import Sending, carry_out

if TYPE_CHECKING:
    from unibench.publish.benchmark.manifest import Built


@click.command(
    "benchmark",
    epilog=options.example(
        "unibench publish benchmark --repo me/unibench-ner --dry-run",
        "unibench publish benchmark -d crossner --repo me/unibench-ner --create --yes",
    ),
)
@publish_options.repo_option
@click.option(
    "-d",
    "--dataset",
    "datasets",
    multiple=True,
    metavar="NAME",
    help="A subset, dataset or suite; by default all that are prepared here.",
)
@options.protocol_option
@publish_options.create_option
@publish_options.sending_options
def command(*, datasets: tuple[str, ...], protocol: str, **chosen: Any) -> None:
    """Publish the subsets whose licences allow it as parquet, with card and hashes.

    What a licence does not allow cannot be published: a subset named with -d is then
    an error, others are listed as left out. eval.yaml is a commit of its own.
    """
    import msgspec

    from unibench.publish.benchmark.plan import plan_benchmark, plan_eval
    from unibench.publish.benchmark.tasks import benchmark_subsets, suites
    from unibench.publish.hub.errors import InvalidError

    built, left_out = _built(datasets, protocol)
    sending = Sending(repo_type="dataset", **chosen)
    planner = partial(plan_benchmark, built=built, left_out=left_out, name=sending.repo)
    carry_out(sending, planner)
    tasks = partial(
        plan_eval, suites=suites(), subsets=benchmark_subsets(), built=built
    )
    try:
        carry_out(msgspec.structs.replace(sending, create=False, aside=True), tasks)
    except InvalidError as error:
        # Until the framework is registered the Hub may refuse it; the data are there.
        click.echo(f"eval.yaml was not taken, the rest is published: {error}", err=True)


def _built(
    datasets: tuple[str, ...], protocol: str
) -> tuple[list[Built], dict[str, str]]:
    """Read what may be published; what was named must be, other subsets may lack."""
    from unibench.data.catalogue import resolve, subsets
    from unibench.errors import PublishError, UnibenchError
    from unibench.publish.benchmark.manifest import build

    built, left_out = [], {}
    for subset in resolve(datasets) if datasets else subsets():
        try:
            built.append(build(subset, protocol))
        except UnibenchError as error:
            if subset in datasets:
                raise
            reason = str(error).partition("; its card is")[0]
            left_out[subset] = reason.removeprefix(f"{subset} ")
    if not built:
        raise PublishError(
            "none of the subsets can be published: "
            + "; ".join(list(left_out.values())[:3])
        )
    return built, left_out
