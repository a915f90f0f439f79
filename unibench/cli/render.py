"""Print rows as a table or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
import msgspec


def show_rows(
    rows: Sequence[Mapping[str, Any]], *, as_json: bool, columns: Sequence[str] = ()
) -> None:
    """Print `rows` on stdout: a plain table of `columns`, or a JSON list of all."""
    if as_json:
        show_json(rows)
        return
    from tabulate import tabulate

    names = list(columns) or (list(rows[0]) if rows else [])
    body = [[row.get(name, "") for name in names] for row in rows]
    click.echo(tabulate(body, headers=names, tablefmt="simple", disable_numparse=True))


def show_json(value: Any) -> None:
    """Print `value` on stdout as indented JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
