"""unibench report: tables, charts, pages and the leaderboard of finished runs."""

from __future__ import annotations

import importlib

import click

from unibench.cli import options

COMMANDS = {
    "table": "Print a table of any choice of models, subsets, types and profiles.",
    "chart": "Draw runs as bars by domain or subset, with intervals.",
    "paper": "Write the figures and tables of the UniversalNER paper.",
    "leaderboard": "Write the leaderboard as a static site.",
    "errors": "Write pages that show the predictions and errors of one or two runs.",
}


class ReportGroup(click.Group):
    """A group that imports `unibench.cli.report_<name>` when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names without importing anything."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; its module calls it `command`."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"unibench.cli.report_{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the list of commands from the table above, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=ReportGroup,
    epilog=options.example(
        "unibench report table runs --format markdown",
        "unibench report leaderboard runs -o site",
    ),
)
def command() -> None:
    """Turn finished runs and printed figures into tables, charts and pages."""
