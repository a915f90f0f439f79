"""unibench data show: everything that is known of a subset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from unibench.cli import options


@click.command("show", epilog=options.example("unibench data show crossner_ai"))
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@options.json_option
def command(*, names: tuple[str, ...], as_json: bool) -> None:
    """Show what is known of subsets: licence, sources, types, differences."""
    from unibench.cli.render import show_json
    from unibench.data.catalogue import resolve
    from unibench.data.listing import subset_details

    details = [subset_details(subset) for subset in resolve(names)]
    if as_json:
        show_json(details)
        return
    for number, values in enumerate(details):
        if number:
            click.echo()
        for key, value in values.items():
            _show(key, value)


def _show(key: str, value: Any) -> None:
    if value in ("", None, [], {}):
        return
    if isinstance(value, Mapping):
        click.echo(f"{key}:")
        for name, what in value.items():
            click.echo(f"  {name}: {what}")
    elif isinstance(value, list):
        click.echo(f"{key}:")
        for item in value:
            click.echo(f"  {item}")
    else:
        click.echo(f"{key}: {value}")
