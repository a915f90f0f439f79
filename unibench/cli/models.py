"""unibench models: the catalogue of models."""

from __future__ import annotations

from typing import Any

import click

from unibench.cli import options


@click.group(epilog=options.example("unibench models list"))
def command() -> None:
    """The catalogue of models: list, show, fetch, check."""


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
@click.option(
    "-d",
    "--dataset",
    "subset",
    default="mini_general",
    show_default=True,
    metavar="SUBSET",
    help="Whose first passage the prompt is shown for.",
)
@options.json_option
def show_command(*, name: str, subset: str, as_json: bool) -> None:
    """Show a model's card and the prompt that it is sent."""
    from unibench.adapters.catalogue import model_details
    from unibench.cli.render import show_json
    from unibench.data.api import load_prepared
    from unibench.reporting.measured import measured
    from unibench.schema.query import Query

    data = load_prepared(subset, "test")
    query = Query(data.passages[0], data.entity_types, data.definitions, subset)
    details = model_details(name, query)
    details["measured"] = measured(details["model"])
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


@command.command(
    "fetch", epilog=options.example("unibench models fetch smollm2-135m-instruct")
)
@click.argument("names", metavar="MODEL...", nargs=-1, required=True)
@click.option("--weights", is_flag=True, help="Bring the weights too.")
@options.json_option
def fetch_command(*, names: tuple[str, ...], weights: bool, as_json: bool) -> None:
    """Bring a model's published wordings, and with --weights its weights."""
    from unibench.adapters.catalogue import fetch_model
    from unibench.cli.render import show_rows

    rows = [row for name in names for row in fetch_model(name, weights=weights)]
    if rows or as_json:
        show_rows(rows, as_json=as_json, columns=("model", "what", "path"))
    else:
        click.echo("nothing to fetch: the cards name no wordings", err=True)


@command.command(
    "check", epilog=options.example("unibench models check uniner-7b-type -d mini_law")
)
@click.argument("names", metavar="MODEL...", nargs=-1, required=True)
@click.option(
    "-d",
    "--dataset",
    "datasets",
    multiple=True,
    default=("mini",),
    show_default=True,
    metavar="NAME",
    help="A subset, dataset or suite that is prepared; may be given several times.",
)
@options.split_option
@options.protocol_option
@options.limit_option
@click.option(
    "--cases",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Show the first N lost mentions of each subset.",
)
@options.json_option
def check_command(
    *,
    names: tuple[str, ...],
    datasets: tuple[str, ...],
    split: str,
    protocol: str,
    limit: int | None,
    cases: int,
    as_json: bool,
) -> None:
    """Send gold through each model's own answer form and back; show what is lost."""
    from unibench.adapters.load import load_model
    from unibench.adapters.oracle import ceiling
    from unibench.cli.render import show_rows
    from unibench.data.api import load_prepared
    from unibench.data.catalogue import resolve

    rows: list[dict[str, Any]] = []
    for name in names:
        model, adapter = load_model(name)
        for subset in resolve(datasets):
            gold = load_prepared(subset, split, protocol)
            found = ceiling(
                adapter,
                gold.passages[:limit],
                gold.entity_types,
                gold.definitions,
                subset,
            )
            row: dict[str, Any] = {"model": model, "subset": subset}
            row |= {"gold": found.gold, "ceiling": round(found.f1, 6)}
            row |= {"lost": len(found.losses), "reasons": found.reasons}
            row |= {"refused": dict(found.refused)}
            row |= {"invented": found.invented, "cases": found.losses[:cases]}
            rows.append(row)
    columns = ("model", "subset", "gold", "ceiling", "lost", "reasons")
    show_rows(rows, as_json=as_json, columns=columns)
    if not as_json:
        for row in rows:
            for loss in row["cases"]:
                line = f"{row['subset']} {loss.passage}: {loss.entity_type}"
                click.echo(f"{line} {loss.text!r} ({loss.reason})")
