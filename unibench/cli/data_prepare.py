"""unibench data prepare: from raw files to prepared sets in the cache."""

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
    from unibench.data.listing import PreparedRow


@click.command(
    "prepare",
    epilog=options.example(
        "unibench data prepare conllpp --from ~/Downloads/CrossWeigh",
        "unibench data prepare --from ~/corpora",
    ),
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
    """Read raw files, check them, and keep the passages for later use.

    With --from the files are looked for below DIR, DIR/DATASET and DIR/SUBSET,
    packed or not; without names everything that is found there is prepared. Without
    --from, open datasets are fetched first where they are not here.
    """
    from unibench.data.catalogue import resolve
    from unibench.data.listing import found_below, prepare_row
    from unibench.data.raw.locate import RawFolder
    from unibench.errors import DataError

    raw = RawFolder(folder) if folder is not None else None
    if names:
        subsets = resolve(names)
    elif raw is not None:
        subsets = found_below(raw)
    else:
        raise click.UsageError("name what to prepare, or say --from DIR, or both")
    if not subsets:
        raise DataError(f"{folder}: no files of any dataset were found below it")
    rows: list[PreparedRow] = []
    errors = []
    for subset in subsets:
        try:
            for chosen in protocols_of(protocol):
                row = prepare_row(subset, chosen, raw, accept_changed=accept_changed)
                rows.append(row)
        except DataError as error:
            errors.append(str(error))
    _show(rows, as_json=as_json)
    if errors:
        raise DataError("\n".join(errors))


def _show(rows: Sequence[PreparedRow], *, as_json: bool) -> None:
    import msgspec

    from unibench.cli.render import show_rows

    if not rows:
        return
    columns = ("subset", "protocol", "passages", "missing", "notes", "fingerprint")
    plain = [msgspec.to_builtins(row) for row in rows]
    if not as_json:
        for values, row in zip(plain, rows, strict=True):
            values["passages"] = " ".join(f"{k} {v}" for k, v in row.passages.items())
            values["missing"] = ", ".join(row.missing)
            values["notes"] = row.notes
    show_rows(plain, as_json=as_json, columns=columns)
