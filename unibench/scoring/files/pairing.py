"""Pair gold rows with prediction rows by id; nothing is cut to the shorter list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from unibench.errors import ScoreError
from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage
from unibench.scoring.answers import JOINT, read_answers
from unibench.scoring.files.rows import (
    GoldRow,
    PredictionRow,
    asked_types,
    check_length,
    read_mentions,
)
from unibench.scoring.profile import Notes


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about queries without a prediction and predictions without a query.

    Both are errors unless the user says otherwise, and then they are counted.
    """

    missing: Literal["error", "empty"] = "error"
    unknown: Literal["error", "drop"] = "error"


class Paired(NamedTuple):
    """Cases ready to be scored, and what the policy had to do."""

    cases: list[Case]
    notes: Notes


class _Entry:
    """One passage while its rows are gathered."""

    def __init__(self, row: GoldRow) -> None:
        self.row = row
        self.text, self.document, self.tokens = row.text, row.document, row.tokens
        self.gold: list[GoldRow] = []
        self.asked: dict[str, str] = {}
        self.open = False
        self.answered: dict[str, str] = {}
        self.predictions: list[tuple[PredictionRow, tuple[str, ...]]] = []


def pair_rows(
    gold: Iterable[GoldRow],
    predictions: Iterable[PredictionRow],
    *,
    parser: str = "uniner",
    policy: Policy | None = None,
) -> Paired:
    """Return the cases that gold and prediction rows make; `parser` reads answers.

    Raises:
        ScoreError: an id or a query is repeated, missing or unknown, or a mention does
            not fit its passage; the message names the row.
    """
    policy, notes = policy or Policy(), Notes()
    entries = _gather_gold(gold)
    unknown = _gather_predictions(entries, predictions, policy)
    if unknown:
        notes["unknown_predictions"] += unknown
    cases = [_case(key, entry, parser) for key, entry in entries.items()]
    if missing := _check_missing(entries, policy):
        notes["missing_predictions"] += missing
    return Paired(cases, notes)


def _gather_gold(rows: Iterable[GoldRow]) -> dict[str, _Entry]:
    entries: dict[str, _Entry] = {}
    for row in rows:
        check_length(row.text, "the text", row.where)
        key = str(row.id)
        entry = entries.get(key)
        if entry is None:
            entry = entries[key] = _Entry(row)
        _agree(entry, row)
        types = asked_types(row)
        if types is None or entry.open:
            if entry.gold:
                _repeated(f"passage {row.id!r}", row.where, entry.row.where)
            entry.open = True
        for name in types or ():
            if name in entry.asked:
                _repeated(_query(row.id, name), row.where, entry.asked[name])
            entry.asked[name] = row.where
        entry.gold.append(row)
    if not entries:
        raise ScoreError("there are no gold rows")
    return entries


def _agree(entry: _Entry, row: GoldRow) -> None:
    """Refuse two texts under one id: the files are mixed."""
    if row.text and entry.text and row.text != entry.text:
        raise ScoreError(
            f"{row.where}: passage {row.id!r} has another text than in"
            f" {entry.row.where}; ids must be unique"
        )
    entry.text = entry.text or row.text
    entry.document = entry.document or row.document
    entry.tokens = entry.tokens or row.tokens


def _gather_predictions(
    entries: dict[str, _Entry], rows: Iterable[PredictionRow], policy: Policy
) -> int:
    """Attach every prediction to its passage; return how many had none."""
    strangers: list[PredictionRow] = []
    known = 0
    for row in rows:
        entry = entries.get(str(row.id))
        if entry is None:
            strangers.append(row)
            continue
        known += 1
        types = asked_types(row)
        if types is None:
            types = tuple(entry.asked)
        if _attach(entry, row, types, policy):
            strangers.append(row)
    if strangers and not known:
        raise ScoreError(
            f"{strangers[0].where}: no prediction has an id of the gold (the first is"
            f" {strangers[0].id!r}); are these two of different datasets?"
        )
    if strangers and policy.unknown == "error":
        first = strangers[0]
        raise ScoreError(
            f"{first.where}: {_query(first.id, first.entity_type)} is not in the gold"
            f" ({len(strangers)} such rows); remove them, or choose to drop unknown"
            " predictions"
        )
    return len(strangers)


def _attach(
    entry: _Entry, row: PredictionRow, types: tuple[str, ...], policy: Policy
) -> bool:
    """Note what `row` answers; return True when nobody asked that."""
    if (row.mentions is None) == (row.response is None):
        raise ScoreError(f"{row.where}: a prediction has 'mentions' or a 'response'")
    if not entry.open and not set(types) <= entry.asked.keys():
        return True
    for name in types:
        if name in entry.answered:
            _repeated(_query(row.id, name), row.where, entry.answered[name])
        entry.answered[name] = row.where
    if entry.open:
        entry.asked.update(dict.fromkeys(types, entry.row.where))
    entry.predictions.append((row, types))
    return False


def _check_missing(entries: dict[str, _Entry], policy: Policy) -> int:
    missing = [
        (where, _query(key, name))
        for key, entry in entries.items()
        for name, where in entry.asked.items()
        if name not in entry.answered
    ]
    missing += [
        (entry.row.where, f"passage {key!r}")
        for key, entry in entries.items()
        if entry.open and not entry.predictions
    ]
    if missing and policy.missing == "error":
        where, what = missing[0]
        raise ScoreError(
            f"{where}: {what} has no prediction ({len(missing)} such); complete the"
            " predictions, or choose to count missing ones as empty"
        )
    return len(missing)


def _case(key: str, entry: _Entry, parser: str) -> Case:
    gold: list[Mention] = []
    for row in entry.gold:
        types = asked_types(row) or ()
        gold += read_mentions(row.mentions, types, entry.text, row.where)
    predicted: list[Mention] = []
    responses: dict[str, str] = {}
    unparsed: list[str] = []
    for answer, types in entry.predictions:
        if answer.response is not None:
            check_length(answer.response, "the response", answer.where)
            responses[JOINT.join(types)] = answer.response
        rows = answer.mentions or ()
        predicted += read_mentions(rows, types, entry.text, answer.where)
        if answer.parse_error:
            unparsed += types
    passage = Passage(key, entry.text, tuple(gold), entry.document, entry.tokens)
    case = Case(passage, tuple(entry.asked), tuple(predicted), tuple(unparsed))
    if not responses:
        return case
    case = msgspec.structs.replace(case, responses=responses, answer_form=parser)
    return read_answers(case, parser)


def _query(key: str | int, name: str | None) -> str:
    return f"passage {key!r}" + (f", entity type {name!r}," if name else "")


def _repeated(what: str, where: str, before: str) -> None:
    raise ScoreError(f"{where}: {what} is given twice; it stands in {before} already")
