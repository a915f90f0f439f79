"""Options that several commands share, defined once so that they read the same."""

from __future__ import annotations

from pathlib import Path

import click


def example(*lines: str) -> str:
    """Return the epilog of a help text: commands that can be pasted."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


model_option = click.option(
    "-m",
    "--model",
    required=True,
    metavar="MODEL",
    help="A name from 'unibench models list', or a path to a model's YAML file.",
)
dataset_option = click.option(
    "-d",
    "--dataset",
    "datasets",
    multiple=True,
    required=True,
    metavar="NAME",
    help="A subset, dataset or suite; may be given several times.",
)
split_option = click.option(
    "--split",
    type=click.Choice(["train", "dev", "test"]),
    default="test",
    show_default=True,
    help="Which split.",
)
protocol_option = click.option(
    "--protocol",
    type=click.Choice(["corrected", "paper"]),
    default="corrected",
    show_default=True,
    help="Read the files rightly, or as the paper's code did.",
)
limit_option = click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="Use the first N passages of each subset only.",
)
output_option = click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder for run records.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON instead of a table."
)
from_option = click.option(
    "--from",
    "folder",
    type=click.Path(exists=True, file_okay=True, path_type=Path),
    default=None,
    help="A folder or archive that holds the raw files.",
)
