"""unibench report: tables, charts, pages and the leaderboard of finished runs."""

from __future__ import annotations

import click

from unibench.cli import options
from unibench.cli.lazy import LazyGroup

COMMANDS = {
    "table": "Print a table of any choice of models, subsets, types and profiles.",
    "chart": "Draw runs as bars by domain or subset, with intervals.",
    "paper": "Write the figures and tables of the UniversalNER paper.",
    "leaderboard": "Write the leaderboard as a static site.",
    "errors": "Write pages that show the predictions and errors of one or two runs.",
}


@click.group(
    cls=LazyGroup,
    prefix="unibench.cli.report_",
    table=COMMANDS,
    epilog=options.example(
        "unibench report table runs --format markdown",
        "unibench report leaderboard runs -o site",
    ),
)
def command() -> None:
    """Turn finished runs and printed figures into tables, charts and pages."""
