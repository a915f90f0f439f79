"""unibench rescore: read and score stored answers again."""

from __future__ import annotations

from pathlib import Path

import click

from unibench.cli import options


@click.command(epilog=options.example("unibench rescore runs --profile gner"))
@click.argument(
    "runs", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="NAME",
    help="A further scoring profile to add to the records; may be repeated.",
)
@options.json_option
def command(
    *, runs: tuple[Path, ...], profiles: tuple[str, ...], as_json: bool
) -> None:
    """Read and score the answers of finished runs again, without the model.

    The records are rewritten in place with today's scoring version.
    """
    from unibench.cli.render import show_rows
    from unibench.runner.rescore import rescore
    from unibench.runner.store import find_runs

    rows = []
    for record in find_runs(runs):
        result = rescore(record, profiles)
        again = result.record
        rows += [
            {
                "model": again.model.name,
                "subset": again.subset,
                "profile": profile,
                "before": _percent(record.scores[profile].f1)
                if profile in record.scores
                else "-",
                "now": _percent(score.f1),
                "scored from": result.source,
                "record": again.path,
            }
            for profile, score in again.scores.items()
        ]
    show_rows(rows, as_json=as_json)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"
