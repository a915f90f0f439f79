"""Read a gold file and a prediction file in any known form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from unibench.errors import ScoreError
from unibench.scoring.files.conll import read_conll
from unibench.scoring.files.conversations import conversation_rows
from unibench.scoring.files.detect import (
    ANSWERS,
    CONLL,
    CONVERSATIONS,
    detect_form,
)
from unibench.scoring.files.lines import read_gold_rows, read_prediction_rows
from unibench.scoring.files.pairing import Paired, Policy, pair_rows
from unibench.scoring.files.published import READERS, Rows

PairWith = Callable[[str], Paired]
"""From the name of an answer parser to cases."""


class PairedFiles(NamedTuple):
    """Two files that were read: the cases of each dataset, under any parser.

    `parser` is fixed where the form of the file fixes it, else empty.
    """

    form: str
    parser: str
    datasets: dict[str, PairWith]


def read_files(
    gold: Path, predictions: Path | None = None, *, policy: Policy | None = None
) -> PairedFiles:
    """Read gold and predictions; without `predictions` the gold file holds both.

    Raises:
        FormatError: a file is of no known form, or breaks its form at a named line.
        ScoreError: the two files do not belong together.
    """
    policy = policy or Policy()
    form = detect_form(gold)
    if form == ANSWERS:
        raise ScoreError(f"{gold} is a list of answers; give the gold file first")
    if form in READERS:
        return _read_one(gold, predictions, form, policy)
    if form == CONLL:
        path = _partner(gold, predictions, form)[0] if predictions else None
        paired = read_conll(gold, path)
        return PairedFiles(form, "", {"": lambda parser: paired})
    path, other = _partner(gold, predictions, form)
    if form == CONVERSATIONS:
        rows = conversation_rows(gold, path, other)
    else:
        rows = read_gold_rows(gold), read_prediction_rows(path)
    return PairedFiles(
        form, "", {"": lambda parser: pair_rows(*rows, parser=parser, policy=policy)}
    )


def _partner(gold: Path, predictions: Path | None, form: str) -> tuple[Path, str]:
    """Return the prediction file and its form, which must go with the gold's.

    Raises:
        ScoreError: it is missing, or the two files are of different forms.
    """
    if predictions is None:
        raise ScoreError(f"{gold} holds gold only; name the file of predictions too")
    other = detect_form(predictions)
    if other != form and (form, other) != (CONVERSATIONS, ANSWERS):
        raise ScoreError(
            f"{gold} is of the form {form!r} and {predictions} of the form {other!r};"
            " both must be of one form"
        )
    return predictions, other


def _read_one(
    gold: Path, predictions: Path | None, form: str, policy: Policy
) -> PairedFiles:
    if predictions is not None and not predictions.samefile(gold):
        raise ScoreError(
            f"a file of the form {form!r} holds gold and predictions together; give"
            f" {predictions} alone, or {gold} alone"
        )
    datasets = {
        name: _pair_later(rows, policy) for name, rows in READERS[form](gold).items()
    }
    return PairedFiles(form, form, datasets)


def _pair_later(rows: Rows, policy: Policy) -> PairWith:
    return lambda parser: pair_rows(
        rows.gold, rows.predictions, parser=parser, policy=policy
    )
