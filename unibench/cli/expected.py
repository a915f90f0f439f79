"""How a dry run is shown: a row a subset, their sum, and where figures are from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from unibench.runner.dry_run import DryRun

_COUNTS = {
    "passages": "passages",
    "types": "types",
    "pairs": "pairs",
    "requests": "requests",
    "stored": "stored",
    "under_way": "in batches",
    "to_ask": "to ask",
    "prompt_tokens": "prompt tokens",
    "completion_tokens": "completion tokens",
}


def show_expected(found: DryRun) -> None:
    """Print a dry run on stdout."""
    from unibench.cli.render import show_rows

    rows = [*found.subsets, found.total] if len(found.subsets) > 1 else found.subsets
    columns = {
        key: name
        for key, name in _COUNTS.items()
        if key != "under_way" or found.total[key]
    }
    shown = [_row(row, columns) for row in rows]
    show_rows(shown, as_json=False)
    click.echo()
    for note in found.notes:
        click.echo(note)


def _row(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, str]:
    counts = {name: _count(row, key) for key, name in columns.items()}
    return {
        "subset": row["subset"],
        "state": row["state"],
        **counts,
        "dollars": _dollars(row.get("usd")),
        "batch dollars": _dollars(row.get("batch_usd")),
        "time": _time(row.get("minutes")),
    }


def _count(row: Mapping[str, Any], key: str) -> str:
    """A number, `-` where it is not known, nothing where it does not apply."""
    if key not in row:
        return ""
    return "-" if row[key] is None else f"{row[key]:,}"


def _dollars(value: float | None) -> str:
    from unibench.backends.prices import money

    return "-" if value is None else money(value).lstrip("$")


def _time(minutes: float | None) -> str:
    if minutes is None:
        return "-"
    hours, rest = divmod(round(minutes * 60), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"
