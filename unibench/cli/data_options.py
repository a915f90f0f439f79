"""Options that several `data` commands share."""

from __future__ import annotations

import click

names_argument = click.argument("names", nargs=-1, metavar="[NAME]...")
accept_option = click.option(
    "--accept-changed",
    is_flag=True,
    help="Go on with files whose hashes are not those of the card.",
)
both_protocols_option = click.option(
    "--protocol",
    type=click.Choice(["corrected", "paper", "both"]),
    default="both",
    show_default=True,
    help="Read the files rightly, as the paper's code did, or in both ways.",
)


def protocols_of(protocol: str) -> tuple[str, ...]:
    """Return the protocols that the option stands for."""
    return ("corrected", "paper") if protocol == "both" else (protocol,)
