"""unibench publish: from runs and data to the Hugging Face Hub."""

from __future__ import annotations

import click

from unibench.cli import options
from unibench.cli.lazy import LazyGroup

COMMANDS = {
    "results": "Add runs to a results dataset, or propose them to one.",
    "model": "Propose scores to a model's page, or publish trained weights.",
    "benchmark": "Publish the subsets that may be redistributed as a dataset.",
    "dataset": "Publish distilled training data.",
    "space": "Rebuild the leaderboard Space from a results dataset.",
    "export": "Write runs in the formats of others, without the Hub.",
    "check": "Check runs before publishing, or a proposal before merging.",
}


@click.group(
    cls=LazyGroup,
    prefix="unibench.cli.publish_",
    table=COMMANDS,
    epilog=options.example(
        "unibench publish results runs --repo me/unibench-results --dry-run",
        "unibench publish results runs --repo me/unibench-results --create --yes",
    ),
)
def command() -> None:
    """Publish results, data and weights on the Hugging Face Hub.

    Nothing is sent without --yes. The token comes from HF_TOKEN or 'hf auth login'.
    """
