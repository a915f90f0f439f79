"""The command line; each command is imported only when it is run."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

import click

from unibench.cli.lazy import LazyGroup
from unibench.errors import UnibenchError

COMMANDS = {
    "evaluate": "Score a model on datasets and write one run record for each.",
    "score": "Score a file of predictions made elsewhere.",
    "rescore": "Read and score the stored answers of runs again.",
    "compare": "Compare two models' runs, with intervals and p-values.",
    "wording": "Ask in other words, and show how much that changes a score.",
    "report": "Make tables of runs beside the published figures.",
    "batches": "Show, cancel or forget batches at a server's Batch API.",
    "data": "The catalogue of datasets: list, show, prepare, check, stats, export.",
    "models": "The catalogue of models: list, show, fetch, check.",
    "distill": "Make instruction data from a corpus and a teacher, stage by stage.",
    "train": "Train a model of a recipe: instruction tuning, LoRA or full.",
    "store": "The stored answers: show, export, import, prune, check.",
    "publish": "Publish results, data and weights on the Hugging Face Hub.",
    "leaderboard": "Bring the runs of a leaderboard to this machine.",
    "doctor": "Tell what is installed, reachable and cached, and what is missing.",
}


@click.group(
    cls=LazyGroup,
    prefix="unibench.cli.",
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExample:\n  unibench evaluate -m spacy-en-sm -d mini",
)
@click.version_option(package_name="unibench", message="unibench %(version)s")
def cli() -> None:
    """Evaluate open named entity recognition: 43 datasets, any model, one command."""


def main(args: list[str] | None = None) -> None:
    """Run the command line; an expected error becomes one line and exit code 1."""
    try:
        code = cli.main(args=args, prog_name="unibench", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say("Interrupted. What was answered is kept; run the command again to go on.")
        sys.exit(130)
    except UnibenchError as error:
        _say(f"Error: {error}")
        sys.exit(1)
    except OSError as error:
        sys.exit(_os_error(error))
    sys.exit(code if isinstance(code, int) else 0)


def _os_error(error: OSError) -> int:
    """Say what the operating system refused; a closed pipe is no error."""
    if error.errno == errno.EPIPE:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        where = f" ({error.filename})" if error.filename else ""
        _say(f"Error: the disk is full{where}; free some space and run it again.")
        return 1
    if error.filename and error.errno in {errno.EACCES, errno.EROFS, errno.ENOENT}:
        _say(f"Error: {error.filename}: {error.strerror}")
        return 1
    raise error


def _say(text: Any) -> None:
    click.echo(text, err=True)
