"""unibench data: the catalogue of datasets and what is made of it."""

from __future__ import annotations

import importlib

import click

from unibench.cli import options

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


class DataGroup(click.Group):
    """A group that imports `unibench.cli.data_<name>` when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names without importing anything."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; its module calls it `command`."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"unibench.cli.data_{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the list of commands from the table above, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=DataGroup,
    epilog=options.example(
        "unibench data list", "unibench data prepare crossner --from DIR"
    ),
)
def command() -> None:
    """The catalogue of datasets, and what is made of it."""
