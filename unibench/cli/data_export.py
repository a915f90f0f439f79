"""unibench data export: a split in other formats."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unibench.cli import options

if TYPE_CHECKING:
    from unibench.schema.prepared import PreparedSet


@click.command(
    "export",
    epilog=options.example(
        "unibench data export crossner_ai --protocol paper --format conversations"
        " -o CrossNER_AI.json"
    ),
)
@click.argument("subset", metavar="SUBSET")
@options.split_option
@options.protocol_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["conversations", "jsonl", "conll"]),
    default="jsonl",
    show_default=True,
    help="The released UniversalNER test format, one JSON row a passage, or columns.",
)
@click.option(
    "--labels",
    default="natural",
    show_default=True,
    help="Entity types as natural, raw, definition or paraphrase:K.",
)
@click.option(
    "--seed", default=0, show_default=True, help="Order of types in conversations."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="The file to write; standard output by default.",
)
def command(
    *,
    subset: str,
    split: str,
    protocol: str,
    form: str,
    labels: str,
    seed: int,
    output: Path | None,
) -> None:
    """Write a split of a subset for use elsewhere.

    `jsonl` is what `unibench score` takes as gold, and what a card's format `jsonl`
    reads.
    """
    from unibench.data.api import load_prepared
    from unibench.data.export import conversations, conversations_json, json_lines
    from unibench.data.plan import plan_of

    prepared = load_prepared(subset, split, protocol, labels)
    if form == "conversations":
        rows = conversations(prepared, plan_of(subset).released, seed)
        pieces = conversations_json(rows)
    elif form == "jsonl":
        pieces = (
            json.dumps(row, ensure_ascii=False) + "\n" for row in json_lines(prepared)
        )
    else:
        pieces = _columns(prepared)
    _write(pieces, output)


def _columns(prepared: PreparedSet) -> Iterator[str]:
    from unibench.data.export import conll

    lost = 0
    for passage in prepared.passages:
        rows, left_out = conll(passage)
        lost += left_out
        yield "\n".join(rows) + "\n\n"
    if lost:
        click.echo(
            f"{lost} mentions overlap others or are discontinuous; columns cannot hold"
            " them and they are left out",
            err=True,
        )


def _write(pieces: Iterator[str], output: Path | None) -> None:
    if output is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    partial = output.with_name(f"{output.name}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(pieces)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
