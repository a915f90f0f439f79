"""unibench doctor: what is installed, reachable and cached."""

from __future__ import annotations

import click

from unibench.cli import options


@click.command(epilog=options.example("unibench doctor"))
@options.json_option
def command(*, as_json: bool) -> None:
    """Tell what is installed, reachable and cached, and what is missing."""
    from unibench.cli.render import show_rows
    from unibench.runner.doctor import findings

    rows = findings()
    show_rows(rows, as_json=as_json, columns=("what", "state", "detail", "advice"))
