"""unibench store: the answers that models gave, kept for all runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unibench.cli import options

if TYPE_CHECKING:
    from unibench.backends.store_care import Share

_DAY_S = 86_400.0
_COLUMNS = (
    "model", "answers", "prompt tokens", "answer tokens", "size", "oldest", "newest",
)  # fmt: skip

models_option = click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="Only answers of this model, as 'unibench store show' names it; may be"
    " repeated.",
)


@click.group(
    epilog=options.example(
        "unibench store show",
        "unibench store export answers.jsonl.zst",
        "unibench store import answers.jsonl.zst",
    )
)
def command() -> None:
    """The stored answers: what models said, kept for all runs of this user.

    They lie in responses.sqlite in the cache folder (UNIBENCH_CACHE).
    """


@command.command(
    "show",
    short_help="Show what is stored, by model.",
    epilog=options.example("unibench store show --json"),
)
@options.json_option
def show(*, as_json: bool) -> None:
    """Show how many answers of which models are stored, and what they took."""
    from unibench.backends.store import ResponseStore
    from unibench.backends.store_care import holdings
    from unibench.cli.render import show_json

    with ResponseStore() as store:
        found = holdings(store)
    if as_json:
        show_json(found)
        return
    _show_shares(found.models, found.all)
    click.echo(f"\n{found.path}: {_size(found.file_bytes)}, version {found.version}")


@command.command(
    "export",
    short_help="Write answers to a file.",
    epilog=options.example(
        "unibench store export answers.jsonl.zst",
        "unibench store export uniner.jsonl -m Universal-NER/UniNER-7B-type",
    ),
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@models_option
@options.json_option
def export(*, file: Path, models: tuple[str, ...], as_json: bool) -> None:
    """Write answers to FILE as JSON lines, packed if its name ends in .zst."""
    from unibench.backends.store import ResponseStore
    from unibench.backends.store_transfer import export_answers
    from unibench.cli.render import show_json

    with ResponseStore() as store, _progress("exported") as advance:
        count = export_answers(store, file, models, advance)
    size = file.stat().st_size
    if as_json:
        show_json({"file": str(file), "answers": count, "bytes": size})
    else:
        click.echo(f"{file}: {count:,} answers, {_size(size)}")


@command.command(
    "import",
    short_help="Take the answers of files.",
    epilog=options.example("unibench store import answers.jsonl.zst"),
)
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--replace",
    is_flag=True,
    help="Where the store has another answer to a request, take the file's.",
)
@options.json_option
def import_(*, files: tuple[Path, ...], replace: bool, as_json: bool) -> None:
    """Take the answers of files that 'unibench store export' wrote.

    A file may be imported again. A broken line stops it before anything is taken.
    """
    from unibench.backends.store import ResponseStore
    from unibench.backends.store_transfer import import_answers
    from unibench.cli.render import show_json

    with ResponseStore() as store, _progress("imported") as advance:
        counts = import_answers(store, files, replace=replace, progress=advance)
    if as_json:
        show_json(counts)
        return
    click.echo(
        f"{counts.lines:,} answers: {counts.added:,} new, {counts.same:,} already here"
    )
    if counts.conflicts_kept:
        click.echo(
            f"{counts.conflicts_kept:,} requests had another answer here, which was"
            " kept; --replace takes the file's"
        )
    if counts.conflicts_replaced:
        click.echo(f"{counts.conflicts_replaced:,} other answers were replaced")


@command.command(
    "prune",
    short_help="Delete answers of some models or before some day.",
    epilog=options.example(
        "unibench store prune --older-than 365 --dry-run",
        "unibench store prune -m my-model",
    ),
)
@models_option
@click.option(
    "--older-than",
    "days",
    type=click.FloatRange(min=0),
    default=None,
    metavar="DAYS",
    help="Only answers that were stored more than so many days ago.",
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and delete nothing.")
@options.json_option
def prune(
    *, models: tuple[str, ...], days: float | None, dry_run: bool, as_json: bool
) -> None:
    """Delete answers: of some models, older than some days, or both together."""
    if not models and days is None:
        raise click.UsageError(
            "say which answers: --model NAME, --older-than DAYS or both"
        )
    import time

    from unibench.backends import store_care
    from unibench.backends.store import ResponseStore
    from unibench.cli.render import show_json

    before = None if days is None else time.time() - days * _DAY_S
    with ResponseStore() as store:
        gone = store_care.prune(store, models=models, before=before, dry_run=dry_run)
        left = store_care.holdings(store)
    total = sum(share.answers for share in gone)
    if as_json:
        show_json(
            {
                "dry_run": dry_run,
                "answers": total,
                "models": gone,
                "left": left.all.answers,
                "file_bytes": left.file_bytes,
            }
        )
        return
    _show_shares(gone)
    said = "would be deleted" if dry_run else "were deleted"
    click.echo(
        f"\n{total:,} answers {said}; {left.all.answers:,} are in the store"
        f" ({_size(left.file_bytes)})"
    )


@command.command(
    "check",
    short_help="Tell whether everything is whole.",
    epilog=options.example("unibench store check"),
)
@options.json_option
def check(*, as_json: bool) -> None:
    """Read the whole store and tell whether every page and answer is whole."""
    import msgspec

    from unibench.backends import store_care
    from unibench.backends.store import ResponseStore
    from unibench.cli.render import show_rows
    from unibench.errors import RunError

    with ResponseStore() as store:
        found = store_care.check(store)
        path = store.path
    show_rows([msgspec.to_builtins(row) for row in found], as_json=as_json)
    if any(row.state != "ok" for row in found):
        raise RunError(
            f"{path} is damaged: save what can be read with 'unibench store export',"
            " move it away, and import what was saved"
        )


def _show_shares(shares: tuple[Share, ...], total: Share | None = None) -> None:
    from unibench.cli.render import show_rows

    rows = [
        {
            "model": "all" if share is total else share.model or "(unnamed)",
            "answers": f"{share.answers:,}",
            "prompt tokens": _count(share.prompt_tokens),
            "answer tokens": _count(share.completion_tokens),
            "size": _size(share.bytes),
            "oldest": _date(share.oldest),
            "newest": _date(share.newest),
        }
        for share in (*shares, *([total] if total else []))
    ]
    show_rows(rows, as_json=False, columns=_COLUMNS)


@contextmanager
def _progress(verb: str) -> Iterator[Callable[[int], Any]]:
    """Count on stderr what is done, where somebody looks."""
    from tqdm import tqdm

    with tqdm(desc=verb, unit=" answers", disable=None, leave=False) as bar:
        yield bar.update


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _date(seconds: float | None) -> str:
    from datetime import UTC, datetime

    if seconds is None:
        return "-"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
