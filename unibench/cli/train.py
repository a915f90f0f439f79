"""unibench train: from a recipe to a model that can be evaluated."""

from __future__ import annotations

from pathlib import Path

import click

from unibench.cli import options


@click.command(
    epilog=options.example(
        "unibench train training/uniner-smol-135m.yaml",
        "unibench train uniner-smol-135m --max-tokens 20000 -o /tmp/try",
        "unibench train uniner-7b-type --base llama-7b --max-tokens 100000",
    )
)
@click.argument("recipe", metavar="RECIPE")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("trained"),
    show_default=True,
    help="Folder for models/ and the working folder of the recipe.",
)
@click.option(
    "--base",
    default="",
    metavar="MODEL",
    help="Tune this model instead of the recipe's: a name or a card's path.",
)
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="End the data after so many tokens: the same recipe at a smaller budget.",
)
@click.option("--again", is_flag=True, help="Begin anew, also with a changed recipe.")
@options.json_option
def command(
    *,
    recipe: str,
    output: Path,
    base: str,
    max_tokens: int | None,
    again: bool,
    as_json: bool,
) -> None:
    """Train the model of a recipe and write its card.

    RECIPE is a name from training/ or a path. An interrupted training, run again,
    goes on from its last checkpoint; one that is done does nothing. Under torchrun
    ('torchrun --nproc-per-node 8 -m unibench train RECIPE') it uses every process.
    """
    from unibench.cli.render import show_json
    from unibench.train.job import load_job
    from unibench.train.run import train
    from unibench.train.session import is_first_process

    job = load_job(recipe, output, base=base, max_tokens=max_tokens)
    record = train(job, lambda text: click.echo(text, err=True), again=again)
    if not is_first_process():
        return
    if as_json:
        show_json(record)
        return
    click.echo(
        f"{job.name}: {record.steps} steps, {record.data.tokens:,} tokens,"
        f" {record.seconds / 60:.1f} minutes, {record.tokens_per_second:,.0f} tokens a"
        f" second, loss {record.final_loss:.4f}"
    )
    click.echo(f"\nCard: {job.card}\nTry:  unibench evaluate -m {job.card} -d mini")
