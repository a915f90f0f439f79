"""unibench data check: compare with the card and with the paper's Table 6."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unibench.cli import options
from unibench.cli.data_options import (
    accept_option,
    both_protocols_option,
    names_argument,
    protocols_of,
)

if TYPE_CHECKING:
    from unibench.data.check import CheckRow


@click.command(
    "check", epilog=options.example("unibench data check crossner --from ~/CrossNER")
)
@names_argument
@options.from_option
@both_protocols_option
@accept_option
@options.json_option
def command(
    *,
    names: tuple[str, ...],
    folder: Path | None,
    protocol: str,
    accept_changed: bool,
    as_json: bool,
) -> None:
    """Compare prepared subsets with their cards and with the paper's Table 6.

    With --from they are prepared first. States: identical (the fingerprints agree
    too), ok, explained (the difference to Table 6 has a name, or a split is
    missing), unavailable, different. The exit code is 1 if anything is different.
    """
    import msgspec

    from unibench.cli.render import show_json
    from unibench.data.catalogue import resolve, subsets
    from unibench.data.check import check
    from unibench.data.raw.locate import RawFolder
    from unibench.errors import DataError

    raw = RawFolder(folder) if folder is not None else None
    rows = [
        check(subset, chosen, raw, accept_changed=accept_changed)
        for subset in (resolve(names) if names else subsets())
        for chosen in protocols_of(protocol)
    ]
    if as_json:
        show_json([msgspec.to_builtins(row) for row in rows])
    else:
        _show(rows)
    differing = sorted({row.subset for row in rows if row.state == "different"})
    if differing:
        raise DataError(f"different from what is expected: {', '.join(differing)}")


def _show(rows: Sequence[CheckRow]) -> None:
    from unibench.cli.render import show_rows

    lines = [
        {
            "subset": row.subset,
            "protocol": row.protocol,
            "state": row.state,
            "ours": _sizes(row.ours),
            "Table 6": _sizes(row.table6),
            "why they differ": "; ".join(row.explained),
        }
        for row in rows
    ]
    show_rows(lines, as_json=False)
    reasons = {
        f"{row.subset}: {name}: {why}": None
        for row in rows
        for name, why in row.explained.items()
    }
    problems = {
        f"{row.subset}: {problem.removeprefix(f'{row.subset}: ')}": None
        for row in rows
        for problem in row.problems
    }
    for title, notes in (("Why they differ", reasons), ("Problems", problems)):
        if notes:
            click.echo(f"\n{title}\n" + "\n".join(f"  {note}" for note in notes))


def _sizes(values: dict[str, int]) -> str:
    if not values:
        return ""
    splits = "/".join(str(values.get(s, "-")) for s in ("train", "dev", "test"))
    return f"{splits}, {values.get('types', '-')} types"
