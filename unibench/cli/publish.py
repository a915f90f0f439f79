"""unibench publish: from runs and data to the Hugging Face Hub."""

from __future__ import annotations

import importlib

import click

from unibench.cli import options

COMMANDS = {
    "results": "Add runs to a results dataset, or propose them to one.",
    "model": "Propose scores to a model's page, or publish trained weights.",
    "benchmark": "Publish the subsets that may be redistributed as a dataset.",
    "dataset": "Publish distilled training data.",
    "space": "Rebuild the leaderboard Space from a results dataset.",
    "export": "Write runs in the formats of others, without the Hub.",
    "check": "Check runs before publishing, or a proposal before merging.",
}


class PublishGroup(click.Group):
    """A group that imports `unibench.cli.publish_<name>` when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names without importing anything."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; its module calls it `command`."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"unibench.cli.publish_{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the list of commands from the table above, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=PublishGroup,
    epilog=options.example(
        "unibench publish results runs --repo me/unibench-results --dry-run",
        "unibench publish results runs --repo me/unibench-results --create --yes",
    ),
)
def command() -> None:
    """Publish results, data and weights on the Hugging Face Hub.

    Nothing is sent without --yes. The token comes from HF_TOKEN or 'hf auth login'.
    """
