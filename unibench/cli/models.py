"""unibench models: the catalogue of models."""

from __future__ import annotations

import click

from unibench.cli import options


@click.group(epilog=options.example("unibench models list"))
def command() -> None:
    """The catalogue of models: list, show, check."""


@command.command("list", epilog=options.example("unibench models list --json"))
@options.json_option
def list_command(*, as_json: bool) -> None:
    """List every model with its adapter, backend, licence and state."""
    from unibench.adapters.catalogue import model_rows
    from unibench.cli.render import show_rows

    columns = ("model", "adapter", "backend", "parameters", "license", "state")
    show_rows(model_rows(), as_json=as_json, columns=columns)


@command.command("show", epilog=options.example("unibench models show uniner-7b-type"))
@click.argument("name", metavar="MODEL")
@options.json_option
def show_command(*, name: str, as_json: bool) -> None:
    """Show a model's card and the prompt that it is sent."""
    from unibench.adapters.catalogue import model_details
    from unibench.cli.render import show_json

    details = model_details(name)
    if as_json:
        show_json(details)
        return
    for key, value in details.items():
        if value in ("", None, [], {}):
            continue
        text = str(value)
        if "\n" in text:
            click.echo(f"{key}:")
            click.echo("\n".join(f"  {line}" for line in text.splitlines()))
        else:
            click.echo(f"{key}: {text}")
