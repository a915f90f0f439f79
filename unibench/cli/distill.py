"""unibench distill: from a corpus and a teacher to instruction data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unibench.cli import options
from unibench.cli.batch_options import (
    batch_options,
    batch_settings,
    budget_option,
    show_status,
)

if TYPE_CHECKING:
    from unibench.distill.recipes import Job
    from unibench.distill.work import StageManifest, WorkFolder

recipe_argument = click.argument("recipe", metavar="RECIPE")
output_option = click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Working folder of the recipe.  [default: distilled/NAME]",
)
again_option = click.option(
    "--again", is_flag=True, help="Do the stage anew, also with a changed recipe."
)


@click.group(
    epilog=options.example(
        "unibench distill passages training/pile_ner_type.yaml",
        "unibench distill label training/pile_ner_type.yaml",
        "unibench distill filter training/pile_ner_type.yaml",
        "unibench distill stats training/pile_ner_type.yaml",
        "unibench distill conversations training/pile_ner_type.yaml",
    )
)
def command() -> None:
    """Make instruction data from a corpus and a teacher, stage by stage.

    RECIPE is a name from training/ or a path. Each stage goes on where it was
    interrupted, and does nothing when it is done.
    """


@command.command(
    "passages", epilog=options.example("unibench distill passages my_recipe.yaml")
)
@recipe_argument
@output_option
@again_option
@click.option(
    "--corpus",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    metavar="DIR",
    help="Where the recipe's relative file names are looked for.",
)
@options.json_option
def passages(*, as_json: bool, **chosen: Any) -> None:
    """Stream the corpus and sample passages uniformly, without repetitions."""
    _run("passages", as_json=as_json, **chosen)


@command.command(
    "label",
    epilog=options.example(
        "unibench distill label my_recipe.yaml --dry-run",
        "unibench distill label my_recipe.yaml --base-url http://localhost:8000/v1",
        "unibench distill label my_recipe.yaml --batch",
    ),
)
@recipe_argument
@output_option
@again_option
@click.option(
    "--base-url",
    "base_urls",
    multiple=True,
    metavar="URL",
    help="An OpenAI-compatible server that holds the teacher; may be repeated.",
)
@batch_options
@budget_option
@click.option("--dry-run", is_flag=True, help="Say what would be asked and cost.")
@options.json_option
def label(*, dry_run: bool, as_json: bool, **chosen: Any) -> None:
    """Let the teacher find the entities of every passage; answers are kept."""
    from unibench.distill.label import Asking, UnderWayError

    budget_usd = chosen.pop("budget_usd")
    chosen["asking"] = Asking(
        base_urls=chosen.pop("base_urls"),
        budget_usd=budget_usd,
        batching=batch_settings(chosen, budget_usd),
    )
    if dry_run:
        _expected_labels(as_json=as_json, **chosen)
        return
    try:
        _run("label", as_json=as_json, **chosen)
    except UnderWayError as pending:
        if as_json:
            from unibench.cli.render import show_json

            show_json({"batches": pending.status})
        else:
            show_status(pending.status, {})


def _expected_labels(*, as_json: bool, **chosen: Any) -> None:
    from unibench.cli.render import show_json
    from unibench.distill.recipes import estimate_labels

    expected = estimate_labels(_job(**chosen))
    if as_json:
        show_json(expected)
    else:
        click.echo(str(expected))


@command.command(
    "filter", epilog=options.example("unibench distill filter my_recipe.yaml")
)
@recipe_argument
@output_option
@again_option
@options.json_option
def filter_(*, as_json: bool, **chosen: Any) -> None:
    """Read the answers; reject bad ones and drop bad entities, all counted."""
    _run("filter", as_json=as_json, **chosen)


@command.command(
    "stats", epilog=options.example("unibench distill stats my_recipe.yaml")
)
@recipe_argument
@output_option
@again_option
@options.json_option
def stats(*, as_json: bool, **chosen: Any) -> None:
    """Count entities and types, overall, by frequency and by source; draw the tail."""
    from unibench.cli.render import show_json
    from unibench.distill.statistics import read_statistics

    job = _job(**chosen)
    manifest = _stage("stats", job)
    found = read_statistics(job.work)
    if as_json:
        show_json(found)
        return
    from tabulate import tabulate

    from unibench.distill.card import SOURCE_COLUMNS, range_rows, source_rows

    whole = found.all
    click.echo(
        f"{whole.pairs:,} passages, {whole.entities:,} entities, {whole.types:,} types"
        f" ({whole.once:,} of them once)\n"
    )
    headers = ("types by frequency", "share", "examples")
    click.echo(tabulate(range_rows(whole), headers, disable_numparse=True))
    click.echo()
    click.echo(tabulate(source_rows(found), SOURCE_COLUMNS, disable_numparse=True))
    _say_files(job.work, manifest)


@command.command(
    "conversations",
    epilog=options.example("unibench distill conversations my_recipe.yaml"),
)
@recipe_argument
@output_option
@again_option
@options.json_option
def conversations(*, as_json: bool, **chosen: Any) -> None:
    """Write the training conversations, with negative types and a dataset card."""
    _run("conversations", as_json=as_json, **chosen)


def _run(stage: str, *, as_json: bool, **chosen: Any) -> None:
    job = _job(**chosen)
    manifest = _stage(stage, job)
    if as_json:
        from unibench.cli.render import show_json

        show_json(manifest)
        return
    for name, value in _lines(manifest.counts):
        click.echo(f"{name:44} {value}")
    _say_files(job.work, manifest)


def _job(*, recipe: str, output: Path | None, **chosen: Any) -> Job:
    from unibench.distill.recipes import load_job

    return load_job(recipe, output, **chosen)


def _stage(stage: str, job: Job) -> StageManifest:
    from unibench.cli.stage_progress import StageProgress
    from unibench.distill.recipes import run_stage

    progress = StageProgress(stage)
    manifest = run_stage(stage, job, progress)
    if not progress.worked:
        click.echo(f"{stage}: done before, on {manifest.created}", err=True)
    return manifest


def _say_files(work: WorkFolder, manifest: StageManifest) -> None:
    click.echo("\nFiles: " + ", ".join(str(work.file(name)) for name in manifest.files))


def _lines(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return every number with its name, nested ones after the group's name."""
    found: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            found += _lines(value, f"{name}: ")
        elif isinstance(value, list | tuple):
            found.append((name, ", ".join(map(str, value)) or "none"))
        elif isinstance(value, int) and not isinstance(value, bool):
            found.append((name, f"{value:,}"))
        elif value is not None:
            found.append((name, str(value)))
    return found
