"""unibench compare: two models on the same passages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from unibench.cli import options

if TYPE_CHECKING:
    from unibench.scoring.stats.compare import Difference

_COLUMNS = (
    "subset", "first", "second", "difference", "95% interval", "p", "p (Holm)",
    "detectable", "changed queries",
)  # fmt: skip


@click.command(
    epilog=options.example(
        "unibench compare runs/spacy-en-sm runs/smollm2-135m-instruct"
    )
)
@click.argument("first", type=click.Path(exists=True, path_type=Path))
@click.argument("second", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--profile",
    default="uniner",
    show_default=True,
    metavar="NAME",
    help="The scoring profile to compare under.",
)
@click.option(
    "--changes",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    metavar="N",
    help="Show the N queries of each subset that changed most.",
)
@options.json_option
def command(
    *, first: Path, second: Path, profile: str, changes: int, as_json: bool
) -> None:
    """Compare two models' runs: differences with intervals and p-values.

    The intervals are paired bootstraps, the p-values paired permutation tests,
    corrected after Holm over the subsets. `detectable` is the smallest difference
    that such a test finds with 80 % power on as much data.
    """
    from unibench.cli.render import show_json, show_rows
    from unibench.runner.compare import compare_runs
    from unibench.runner.store import find_runs

    found = compare_runs(list(find_runs([first])), list(find_runs([second])), profile)
    if as_json:
        show_json(found)
        return
    click.echo(f"first: {found.first}, second: {found.second}, profile {profile}\n")
    rows = [
        _row(one, str(len(found.changes[one.name]))) for one in found.comparison.subsets
    ]
    if len(rows) > 1:
        rows.append(_row(found.comparison.overall, ""))
    show_rows(rows, as_json=False, columns=_COLUMNS)
    for name, changed in found.changes.items():
        for change in changed[:changes]:
            click.echo(
                f"{name}  {change.passage}  {change.entity_type}:"
                f" {change.first.correct:g} of {change.first.gold} right became"
                f" {change.second.correct:g} of {change.second.gold}"
            )
    if found.left_out:
        click.echo(f"asked of one model only: {', '.join(found.left_out)}", err=True)


def _row(one: Difference, changed: str) -> dict[str, str]:
    low, high = 100 * one.interval.low, 100 * one.interval.high
    return {
        "subset": one.name,
        "first": f"{100 * one.first:.1f}",
        "second": f"{100 * one.second:.1f}",
        "difference": f"{100 * one.difference:+.1f}",
        "95% interval": f"{low:+.1f} to {high:+.1f}",
        "p": f"{one.p_value:.4f}",
        "p (Holm)": f"{one.adjusted_p_value:.4f}",
        "detectable": f"{100 * one.detectable:.1f}",
        "changed queries": changed,
    }
