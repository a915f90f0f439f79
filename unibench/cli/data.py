"""unibench data: the catalogue of datasets and what is made of it."""

from __future__ import annotations

import click

from unibench.cli import options
from unibench.cli.lazy import LazyGroup

COMMANDS = {
    "list": "List every subset: dataset, domain, access, licence, state.",
    "show": "Show what is known of one subset, and how to get it.",
    "fetch": "Download the raw files of open datasets.",
    "prepare": "Read raw files and keep the passages for later use.",
    "check": "Compare with the card and with the paper's Table 6.",
    "stats": "Print statistics beside those of Table 6; write them into cards.",
    "fingerprint": "Print or write salted hashes that prove equality.",
    "export": "Write a split as conversations, JSON lines or CoNLL.",
    "new": "Write the two files of a dataset of your own.",
}


@click.group(
    cls=LazyGroup,
    prefix="unibench.cli.data_",
    table=COMMANDS,
    epilog=options.example(
        "unibench data list", "unibench data prepare crossner --from DIR"
    ),
)
def command() -> None:
    """The catalogue of datasets, and what is made of it."""
