"""unibench data fingerprint: salted hashes that prove equality."""

from __future__ import annotations

from typing import Any

import click

from unibench.cli import options
from unibench.cli.data_options import names_argument


@click.command(
    "fingerprint", epilog=options.example("unibench data fingerprint crossner_ai")
)
@names_argument
@click.option("--write", is_flag=True, help="Write them beside the cards.")
@options.json_option
def command(*, names: tuple[str, ...], write: bool, as_json: bool) -> None:
    """Print fingerprints of prepared subsets: equal ones mean equal passages and gold.

    They hold no text. Those beside the cards are what `data check` compares with.
    """
    from unibench.cli.render import show_rows
    from unibench.data import fingerprint
    from unibench.data.api import prepared_here
    from unibench.data.catalogue import resolve, subsets
    from unibench.data.fetch import how_to_get
    from unibench.data.plan import plan_of
    from unibench.errors import UnavailableError

    rows: list[dict[str, Any]] = []
    for subset in resolve(names) if names else subsets():
        plan = plan_of(subset)
        manifests = {p: prepared_here(plan, p) for p in ("corrected", "paper")}
        here = {p: made for p, made in manifests.items() if made is not None}
        if not here:
            if names:
                raise UnavailableError(how_to_get(plan))
            continue
        made = fingerprint.made(plan, here)
        if write:
            path = fingerprint.write(plan, made)
            click.echo(f"{subset}: written to {path}", err=True)
        for protocol, splits in made.protocols.items():
            for split, values in splits.items():
                rows.append(
                    {
                        "subset": subset,
                        "protocol": protocol,
                        "split": split,
                        "passages": values.passages,
                        "texts": values.texts,
                        "gold": values.gold,
                    }
                )
    show_rows(rows, as_json=as_json)
