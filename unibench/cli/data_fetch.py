"""unibench data fetch: download the raw files of open datasets."""

from __future__ import annotations

import sys
from typing import Any

import click

from unibench.cli import options
from unibench.cli.data_options import names_argument


@click.command(
    "fetch",
    epilog=options.example(
        "unibench data fetch crossner", "unibench data fetch --all-open"
    ),
)
@names_argument
@click.option("--all-open", is_flag=True, help="Fetch every dataset that is open.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="How many files at once.",
)
@click.option(
    "--mirror",
    default="",
    envvar="UNIBENCH_MIRROR",
    metavar="URL",
    help="Ask URL/host/path in place of https://host/path.",
)
@click.option(
    "--attempts",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="How often a file is tried.",
)
@options.json_option
def command(
    *,
    names: tuple[str, ...],
    all_open: bool,
    jobs: int,
    mirror: str,
    attempts: int,
    as_json: bool,
) -> None:
    """Download raw files from where the cards say, and check their hashes.

    Sources are tried in order; what a cut connection left is continued. The licence
    is shown before the first download of a dataset.
    """
    from unibench.cli.render import show_rows
    from unibench.data.catalogue import resolve, subsets
    from unibench.data.fetch import fetch_subset
    from unibench.data.plan import plan_of
    from unibench.data.raw.download import Patience
    from unibench.data.raw.jobs import FetchOptions
    from unibench.errors import DataError

    if bool(names) == all_open:
        raise click.UsageError("name what to fetch, or say --all-open")
    plans = [plan_of(subset) for subset in (resolve(names) if names else subsets())]
    if all_open:
        plans = [plan for plan in plans if plan.card.access == "open"]
    rows: list[dict[str, Any]] = []
    with _bar() as bar:
        fetching = FetchOptions(
            jobs=jobs,
            mirror=mirror,
            patience=Patience(attempts=attempts),
            say=lambda line: bar.write(line, file=sys.stderr),
            progress=bar.update,
        )
        for plan in plans:
            row: dict[str, Any] = {"subset": plan.subset, "license": plan.card.license}
            if plan.is_packaged:
                rows.append({**row, "state": "packaged", "source": "", "problem": ""})
                continue
            try:
                fetched = fetch_subset(plan, fetching)
                found = {"state": "fetched", "source": fetched.source, "problem": ""}
            except DataError as error:
                found = {"state": "failed", "source": "", "problem": str(error)}
            rows.append({**row, **found})
    show_rows(rows, as_json=as_json, columns=("subset", "state", "license", "source"))
    if failed := [row for row in rows if row["state"] == "failed"]:
        raise DataError("\n".join(row["problem"] for row in failed))


def _bar() -> Any:
    from tqdm import tqdm

    return tqdm(unit="B", unit_scale=True, desc="fetched", leave=False, disable=None)
