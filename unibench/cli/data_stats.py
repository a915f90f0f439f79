"""unibench data stats: Table 6, measured and printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unibench.cli import options
from unibench.cli.data_options import (
    both_protocols_option,
    names_argument,
    protocols_of,
)

if TYPE_CHECKING:
    from unibench.data.raw.locate import RawFolder
    from unibench.data.statistics import StatisticsRow


@click.command(
    "stats", epilog=options.example("unibench data stats crossner --from ~/CrossNER")
)
@names_argument
@options.from_option
@both_protocols_option
@click.option(
    "--tokenizer",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="A LLaMA tokenizer.json, for the paper's average of tokens.",
)
@click.option("--write", is_flag=True, help="Write what is measured into the cards.")
@options.json_option
def command(
    *,
    names: tuple[str, ...],
    folder: Path | None,
    protocol: str,
    tokenizer: Path | None,
    write: bool,
    as_json: bool,
) -> None:
    """Print sizes, types and averages of prepared subsets beside Table 6.

    The averages are over the first 500 train passages, as the paper's are: words,
    entities before labels are dropped, and LLaMA tokens with --tokenizer.
    """
    import msgspec

    from unibench.cli.render import show_rows
    from unibench.data.catalogue import resolve, subsets
    from unibench.data.raw.locate import RawFolder
    from unibench.data.statistics import llama_tokens

    raw = RawFolder(folder) if folder is not None else None
    count = llama_tokens(tokenizer) if tokenizer is not None else None
    protocols = ("corrected", "paper") if write else protocols_of(protocol)
    rows: list[StatisticsRow] = []
    for subset in resolve(names) if names else subsets():
        rows += _measured(
            subset, protocols, raw, count, write=write, strict=bool(names)
        )
    if as_json:
        show_rows([msgspec.to_builtins(row) for row in rows], as_json=True)
        return
    show_rows([_line(row) for row in rows], as_json=False)


def _measured(
    subset: str,
    protocols: tuple[str, ...],
    raw: RawFolder | None,
    count: Callable[[str], int] | None,
    *,
    write: bool,
    strict: bool,
) -> list[StatisticsRow]:
    from unibench.data.api import prepared_here
    from unibench.data.fetch import how_to_get
    from unibench.data.plan import plan_of
    from unibench.data.prepare import prepare_from
    from unibench.data.statistics import statistics_row, write_statistics
    from unibench.errors import UnavailableError

    plan = plan_of(subset)
    manifests = {}
    for protocol in protocols:
        try:
            if raw is None or plan.is_packaged:
                manifest = prepared_here(plan, protocol)
            else:
                manifest = prepare_from(subset, protocol, raw)
            if manifest is None:
                raise UnavailableError(how_to_get(plan))
            manifests[protocol] = manifest
        except UnavailableError:
            if strict:
                raise
    if write and manifests:
        path = write_statistics(plan, manifests)
        click.echo(f"{subset}: statistics written to {path}", err=True)
    return [statistics_row(plan, p, made, count) for p, made in manifests.items()]


def _line(row: StatisticsRow) -> dict[str, Any]:
    """Return a row of the table: ours, and Table 6's in brackets."""
    line: dict[str, Any] = {
        "subset": row.subset,
        "domain": row.domain,
        "protocol": row.protocol,
    }
    for name in ("train", "dev", "test", "types", "tokens", "entities"):
        ours, printed = getattr(row, name), getattr(row, f"table6_{name}")
        line[name] = f"{_number(ours)} ({_number(printed)})"
    line["words"] = _number(row.words)
    return line


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.2f}"
