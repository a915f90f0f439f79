"""unibench publish export: runs in the formats of others."""

from __future__ import annotations

from pathlib import Path

import click

from unibench.cli import options, publish_options

_FORMATS = (
    "every-eval-ever", "csv", "jsonl", "parquet", "model-index", "eval-results",
)  # fmt: skip


@click.command(
    "export",
    epilog=options.example(
        "unibench publish export runs -o export",
        "unibench publish export runs -o export --format csv --format model-index",
    ),
)
@publish_options.runs_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder to write to.",
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(_FORMATS),
    multiple=True,
    help="Write this format only; may be repeated.",
)
@click.option(
    "--benchmark",
    default="unibench/unibench-ner",
    show_default=True,
    metavar="OWNER/NAME",
    help="The name under which eval-results call the benchmark dataset.",
)
@options.json_option
def command(
    *,
    runs: tuple[Path, ...],
    output: Path,
    formats: tuple[str, ...],
    benchmark: str,
    as_json: bool,
) -> None:
    """Write runs as Every Eval Ever JSON, CSV, JSON lines, parquet and model cards.

    No Hub is asked. What may not be published is not exported either.
    """
    from unibench.cli.render import show_rows
    from unibench.publish.export import export
    from unibench.publish.files import guard
    from unibench.runner.store import find_runs

    if not runs:
        raise click.UsageError("name the runs to export")
    files = export(list(find_runs(runs)), formats or _FORMATS, benchmark)
    guard(files)
    for file in files:
        path = output / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.read())
    rows = [{"bytes": f.size, "path": str(output / f.path)} for f in files]
    show_rows(rows, as_json=as_json)
