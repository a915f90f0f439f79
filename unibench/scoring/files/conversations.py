"""UniversalNER's test files: one conversation a query, and the answers to them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from unibench.errors import FormatError, ScoreError
from unibench.schema.conversation import Conversation, read_conversations
from unibench.scoring.files.detect import CONVERSATIONS
from unibench.scoring.files.lines import read_json
from unibench.scoring.files.rows import GoldRow, PredictionRow, check_length
from unibench.scoring.rules.strings import read_json_list

_QUESTION = re.compile(r"What describes (.+) in the text\?", re.DOTALL)
_TEXT = "Text: "


class Asked(NamedTuple):
    """One query of a conversation, with the answer that stands there."""

    key: str
    text: str
    entity_type: str
    answer: str
    where: str


def read_queries(path: Path) -> list[Asked]:
    """Return every query of a file of conversations, in order.

    Raises:
        FormatError: a conversation is not of the published form.
    """
    queries: list[Asked] = []
    for number, row in enumerate(read_conversations(path), start=1):
        queries += _queries(row, f"{path}: conversation {number} ({row.id})")
    if not queries:
        raise FormatError(f"{path}: there are no conversations")
    return queries


def _queries(row: Conversation, where: str) -> Iterator[Asked]:
    text = row.conversations[0].value.removeprefix(_TEXT)
    check_length(text, "the text", where)
    for question, answer in row.pairs:
        found = _QUESTION.fullmatch(question.value.strip())
        name = found.group(1) if found else question.value
        yield Asked(row.id, text, name, answer.value, where)


def conversation_rows(
    gold: Path, predictions: Path, form: str
) -> tuple[list[GoldRow], list[PredictionRow]]:
    """Return the rows of a gold file and of answers: conversations, or a list.

    The queries of one text form one passage. Where a text is asked a type twice, the
    second time belongs to a second passage (the released files repeat some texts).

    Raises:
        FormatError: a file is not of its form.
        ScoreError: the answers do not fit the queries.
    """
    queries = read_queries(gold)
    passages = _passage_ids(queries)
    rows = [
        GoldRow(
            id=key, entity_type=query.entity_type, text=query.text, where=query.where,
            mentions=_gold_mentions(query),
        )
        for key, query in zip(passages, queries, strict=True)
    ]  # fmt: skip
    if form == CONVERSATIONS:
        return rows, _answers_by_id(rows, queries, read_queries(predictions))
    return rows, _answers_in_order(rows, predictions)


def _passage_ids(queries: Sequence[Asked]) -> list[str]:
    times: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, int], str] = {}
    ids = []
    for query in queries:
        copy = times[query.text, query.entity_type]
        times[query.text, query.entity_type] += 1
        ids.append(first.setdefault((query.text, copy), query.key))
    return ids


def _gold_mentions(query: Asked) -> tuple[str, ...]:
    """Read the gold as JSON; the released parser would lose a list with a `]`."""
    try:
        values = json.loads(query.answer)
    except ValueError:
        values = read_json_list(query.answer)
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise FormatError(
            f"{query.where}: the gold answer is no list of strings:"
            f" {query.answer[:80]!r}"
        )
    return tuple(values)


def _answers_by_id(
    rows: Sequence[GoldRow],
    queries: Sequence[Asked],
    answers: Sequence[Asked],
) -> list[PredictionRow]:
    """Pair conversations by id and question, and check that the texts agree."""
    places: dict[tuple[str, str], int] = {}
    for number, query in enumerate(queries):
        before = places.setdefault((query.key, query.entity_type), number)
        if before != number:
            raise ScoreError(
                f"{query.where}: this id asked {query.entity_type!r} in"
                f" {queries[before].where} already; ids must be unique"
            )
    found = []
    for answer in answers:
        number = places.get((answer.key, answer.entity_type), -1)
        if number >= 0 and queries[number].text != answer.text:
            raise ScoreError(
                f"{answer.where}: this id has another text than in the gold; are these"
                " two of different datasets?"
            )
        key = rows[number].id if number >= 0 else f"{answer.key} (not in the gold)"
        found.append(
            PredictionRow(
                id=key,
                entity_type=answer.entity_type,
                response=answer.answer,
                where=answer.where,
            )
        )
    return found


def _answers_in_order(rows: Sequence[GoldRow], path: Path) -> list[PredictionRow]:
    """Pair a list of answers with the queries by position; both are equally long."""
    answers: list[tuple[str, str | list[str]]] = list(
        read_json(path, str | list[str])  # type: ignore[arg-type]
    )
    if len(answers) != len(rows):
        raise ScoreError(
            f"{path} has {len(answers)} answers to {len(rows)} queries; a list without"
            " ids must have one for each, in the order of the gold"
        )
    found = []
    for row, (where, answer) in zip(rows, answers, strict=True):
        mentions = None if isinstance(answer, str) else tuple(answer)
        response = answer if isinstance(answer, str) else None
        found.append(
            PredictionRow(
                id=row.id,
                entity_type=row.entity_type,
                mentions=mentions,
                response=response,
                where=where,
            )
        )
    return found
