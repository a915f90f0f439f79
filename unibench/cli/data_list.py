"""unibench data list: every subset and its state."""

from __future__ import annotations

from typing import Any

import click

from unibench.cli import options


@click.command("list", epilog=options.example("unibench data list open --json"))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@options.json_option
def command(*, names: tuple[str, ...], as_json: bool) -> None:
    """List every subset, or those of the subsets, datasets and suites named."""
    import msgspec

    from unibench.cli.render import show_rows
    from unibench.data.catalogue import resolve, suites
    from unibench.data.listing import subset_rows

    rows = [msgspec.to_builtins(row) for row in subset_rows(names)]
    columns = ("subset", "dataset", "domain", "types", "access", "license", "state")
    show_rows(rows, as_json=as_json, columns=columns)
    if not as_json:
        benchmark = frozenset(resolve(["uniner_43"])) if "uniner_43" in suites() else ()
        click.echo()
        for name, part in (
            ("the benchmark", [row for row in rows if row["subset"] in benchmark]),
            ("beside it", [row for row in rows if row["subset"] not in benchmark]),
        ):
            if part:
                click.echo(f"{name}: {_counted(part)}")


def _counted(rows: list[dict[str, Any]]) -> str:
    datasets = {row["dataset"] for row in rows}
    domains = {row["domain"] for row in rows}
    counts = {"dataset": datasets, "subset": rows, "domain": domains}
    return ", ".join(
        f"{len(n)} {word}{'s' * (len(n) != 1)}" for word, n in counts.items()
    )
