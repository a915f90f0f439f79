"""unibench wording: how much the words for the entity types change a score."""

from __future__ import annotations

from pathlib import Path

import click

from unibench.cli import options


@click.command(
    epilog=options.example(
        "unibench wording -m smollm2-135m-instruct -d mini_law --limit 5"
    )
)
@options.model_option
@options.dataset_option
@options.split_option
@options.limit_option
@click.option(
    "--labels",
    "wordings",
    multiple=True,
    default=("natural", "paraphrase:1", "paraphrase:2", "definition"),
    show_default=True,
    metavar="KIND",
    help="A wording: natural, raw, definition or paraphrase:K; may be repeated.",
)
@click.option(
    "--base-url",
    "base_urls",
    multiple=True,
    metavar="URL",
    help="An OpenAI-compatible server that holds the model; may be repeated.",
)
@options.output_option
@options.json_option
def command(
    *,
    model: str,
    datasets: tuple[str, ...],
    split: str,
    limit: int | None,
    wordings: tuple[str, ...],
    base_urls: tuple[str, ...],
    output: Path,
    as_json: bool,
) -> None:
    """Ask the same passages in other words, and show the spread and the worst case."""
    from unibench.cli.progress import watched
    from unibench.cli.render import show_json, show_rows
    from unibench.runner.evaluate import Settings
    from unibench.runner.wording import wording_test

    settings = Settings(split=split, limit=limit, base_urls=base_urls)
    with watched("auto") as watcher:
        tests = wording_test(model, datasets, wordings, settings, output, watcher)
    if as_json:
        show_json(tests)
        return
    rows = [
        {"subset": test.subset}
        | {name: f"{100 * value:.1f}" for name, value in test.f1.items()}
        | {
            "spread": f"{100 * test.spread.range:.1f}",
            "worst": test.spread.worst_wording,
        }
        for test in tests
    ]
    show_rows(rows, as_json=False)
    for labels, reason in tests[0].missing.items():
        click.echo(f"{labels} was left out: {reason}", err=True)
