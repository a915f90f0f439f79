"""Prediction files as GNER and InstructUIE write them: gold and answer in one row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from unibench.errors import FormatError
from unibench.schema.text import Span
from unibench.scoring.files.lines import read_json
from unibench.scoring.files.rows import GoldRow, MentionRow, PredictionRow, check_length
from unibench.scoring.rules.gner import entities_of_tags
from unibench.scoring.rules.instructuie import PLACEHOLDER


class Rows(NamedTuple):
    """The rows of one dataset of a file."""

    gold: list[GoldRow]
    predictions: list[PredictionRow]


class _GnerInstance(msgspec.Struct):
    words: tuple[str, ...]
    labels: tuple[str, ...]
    id: str | int = ""
    subpart: str | int = ""


class _GnerRow(msgspec.Struct):
    """What GNER's evaluation reads (its README shows one such row)."""

    dataset: str
    label_list: tuple[str, ...]
    instance: _GnerInstance
    prediction: str


class _UieInstance(msgspec.Struct):
    sentence: str
    ground_truth: str
    id: str | int = ""
    instruction: str = ""


class _UieRow(msgspec.Struct, rename="pascal"):
    """A row of InstructUIE's `predict_eval_predictions.jsonl`."""

    task: str
    dataset: str
    instance: _UieInstance
    prediction: str


def read_gner(path: Path) -> dict[str, Rows]:
    """Return the rows of each dataset of a file of GNER's predictions.

    Raises:
        FormatError: a row is not of that form, or has not one label for each word.
    """
    found: dict[str, Rows] = {}
    for where, row in read_json(path, _GnerRow):
        words, labels = row.instance.words, row.instance.labels
        if len(words) != len(labels):
            raise FormatError(f"{where}: {len(words)} words have {len(labels)} labels")
        key = _key(row.instance.id, row.instance.subpart, where)
        tokens = tuple(_word_spans(words))
        gold = GoldRow(
            id=key, text=" ".join(words), tokens=tokens, where=where,
            entity_types=row.label_list,
            mentions=tuple(
                MentionRow(entity_type=name, start=span.start, end=span.end)
                for name, span in entities_of_tags(labels, tokens)
            ),
        )  # fmt: skip
        _add(found, row.dataset, gold, row.prediction)
    return found


def _word_spans(words: Sequence[str]) -> Iterator[Span]:
    start = 0
    for word in words:
        yield Span(start, start + len(word))
        start += len(word) + 1


def read_instructuie(path: Path) -> dict[str, Rows]:
    """Return the rows of each dataset of a file of InstructUIE's NER predictions.

    The types are those that the instruction offers, else those that occur.

    Raises:
        FormatError: a row is not of that form, or of another task.
    """
    found: dict[str, Rows] = {}
    for where, row in read_json(path, _UieRow):
        if row.task != "NER":
            raise FormatError(f"{where}: the task is {row.task!r}; only NER is scored")
        mentions = _target(row.instance.ground_truth, where)
        offered = _offered(row.instance.instruction)
        occurring = dict.fromkeys(m.entity_type for m in mentions)
        gold = GoldRow(
            id=_key(row.instance.id, "", where), text=row.instance.sentence,
            mentions=mentions, where=where,
            entity_types=tuple(dict.fromkeys([*offered, *occurring])),
        )  # fmt: skip
        _add(found, row.dataset, gold, row.prediction)
    return found


def _target(text: str, where: str) -> tuple[MentionRow, ...]:
    """Read `type: mention; type: mention`; a piece without a colon continues one."""
    pairs: list[list[str]] = []
    for piece in text.split(";") if text.strip() != PLACEHOLDER else ():
        name, colon, mention = piece.partition(":")
        if colon:
            pairs.append([name.strip(), mention.strip()])
        elif pairs:
            pairs[-1][1] += f";{piece}"
        else:
            raise FormatError(f"{where}: {text[:80]!r} is no 'type: mention' list")
    return tuple(MentionRow(entity_type=name, text=mention) for name, mention in pairs)


def _offered(instruction: str) -> list[str]:
    rest = instruction.partition("Option:")[2].partition("\n")[0]
    return [name.strip() for name in rest.split(",") if name.strip()]


def _key(name: str | int, part: str | int, where: str) -> str:
    """Return the row's id; rows without one are told apart by their place."""
    told = [str(piece) for piece in (name, part) if piece != ""]
    return "/".join(told) or where.rpartition(": ")[2]


def _add(found: dict[str, Rows], dataset: str, gold: GoldRow, answer: str) -> None:
    check_length(answer, "the prediction", gold.where)
    rows = found.setdefault(dataset, Rows([], []))
    rows.gold.append(gold)
    rows.predictions.append(
        PredictionRow(
            id=gold.id,
            entity_types=gold.entity_types,
            response=answer,
            where=gold.where,
        )
    )


READERS: dict[str, Callable[[Path], dict[str, Rows]]] = {
    "gner": read_gner,
    "instructuie": read_instructuie,
}
