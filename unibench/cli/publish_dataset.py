"""unibench publish dataset: distilled training data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from unibench.cli import options, publish_options
from unibench.cli.publish_options import Sending, carry_out


@click.command(
    "dataset",
    epilog=options.example(
        "unibench publish dataset work/pile_ner --repo me/pile-ner --create --yes"
    ),
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@publish_options.repo_option
@publish_options.create_option
@publish_options.sending_options
def command(*, folder: Path, **chosen: Any) -> None:
    """Publish the dataset that 'unibench distill conversations' left in FOLDER.

    Its card's licence must allow to redistribute the passages, and its mixture must
    hold no training set that may not be redistributed.
    """
    from unibench.publish.distilled import plan_distilled

    publication = plan_distilled(folder)
    carry_out(Sending(repo_type="dataset", **chosen), lambda snapshot: publication)
