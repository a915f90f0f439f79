"""Score plain lists, rows or cases under a named profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

import msgspec

from unibench.errors import ScoreError
from unibench.schema.query import Prediction
from unibench.schema.score import Case, Score
from unibench.schema.text import Mention, Passage
from unibench.scoring.files.pairing import Paired, Policy, pair_rows
from unibench.scoring.files.rows import (
    GoldRow,
    MentionRow,
    PredictionRow,
    asked_types,
)
from unibench.scoring.profiles import find_profile
from unibench.scoring.stats.bootstrap import (
    RESAMPLES,
    table_intervals,
    type_intervals,
)
from unibench.scoring.table import Table, tabulate_cases

PLAIN_TYPE = "entity"
"""The entity type of queries given as bare lists."""

Row = TypeVar("Row", GoldRow, PredictionRow)


def score_cases(
    cases: Iterable[Case],
    profile: str = "uniner",
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Score:
    """Score `cases` under `profile`, with 95 % intervals unless `resamples` is 0.

    The intervals are those of a bootstrap over documents, or over passages where no
    document is known.

    Raises:
        UnknownNameError: no profile has that name.
        ScoreError: the cases do not hold what the profile needs.
    """
    table = tabulate_cases(cases, find_profile(profile))
    return score_table(table, resamples=resamples, seed=seed)


def score_table(table: Table, *, resamples: int = RESAMPLES, seed: int = 0) -> Score:
    """Return the score of a table of counts, as `score_cases` does of its cases."""
    bare = Score(
        profile=table.profile.name,
        profile_version=table.profile.version,
        counts=table.total(),
        by_type=table.by_type(),
        notes=dict(sorted((k, n) for k, n in table.notes.items() if n)),
    )
    if not resamples or not table.units:
        return bare
    intervals = table_intervals(table, resamples=resamples, seed=seed)
    return msgspec.structs.replace(
        bare,
        interval=intervals.f1,
        intervals=intervals,
        type_intervals=type_intervals(table, resamples=resamples, seed=seed),
    )


def score(
    gold: Sequence[Any],
    predictions: Sequence[Any],
    profile: str = "uniner",
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Score:
    """Score `predictions` against `gold` under `profile`.

    Both may be lists with one item for each query, in the same order: gold a list of
    strings, the prediction a list of strings or a raw answer. Or rows as in the files
    of `unibench score` (`{"id": ..., "entity_type": ..., "mentions": [...]}`), or
    `Passage`s with `Prediction`s; these are paired by id.

    Raises:
        ScoreError: gold and predictions do not fit together; the message says where.
        UnknownNameError: no profile has that name.
    """
    parser = find_profile(profile).parser
    cases = make_cases(gold, predictions, parser=parser).cases
    return score_cases(cases, profile, resamples=resamples, seed=seed)


def make_cases(
    gold: Sequence[Any],
    predictions: Sequence[Any],
    *,
    parser: str = "uniner",
    policy: Policy | None = None,
) -> Paired:
    """Pair plain lists, rows, passages and predictions, as `score` takes them."""
    gold_rows = [_gold_row(item, number) for number, item in enumerate(gold)]
    if any(isinstance(item, _PLAIN) for item in (*gold, *predictions)):
        _same_length(gold, predictions)
        rows = _rows_in_order(gold_rows, predictions)
    else:
        rows = [_prediction_row(item, n) for n, item in enumerate(predictions)]
    return pair_rows(gold_rows, rows, parser=parser, policy=policy)


_PLAIN = (str, list, tuple)


def _same_length(gold: Sequence[Any], predictions: Sequence[Any]) -> None:
    if len(gold) != len(predictions):
        raise ScoreError(
            f"there are {len(gold)} gold items and {len(predictions)} predictions;"
            " lists without ids are paired by position and must be equally long"
        )


def _gold_row(item: Any, number: int) -> GoldRow:
    where = f"gold item {number}"
    if isinstance(item, Passage):
        return GoldRow(
            id=item.id, text=item.text, document=item.document, tokens=item.tokens,
            mentions=_mention_rows(item.mentions, where), where=where,
        )  # fmt: skip
    if isinstance(item, Mapping):
        return _convert(item, GoldRow, where)
    mentions = _mention_rows(item, where)
    return GoldRow(id=number, entity_type=PLAIN_TYPE, mentions=mentions, where=where)


def _prediction_row(item: Any, number: int) -> PredictionRow:
    where = f"prediction {number}"
    if isinstance(item, Prediction):
        return PredictionRow(
            id=item.id, entity_types=item.entity_types, parse_error=item.parse_error,
            mentions=_mention_rows(item.mentions, where), where=where,
        )  # fmt: skip
    return _convert(item, PredictionRow, where)


def _rows_in_order(
    gold: Sequence[GoldRow], items: Sequence[Any]
) -> list[PredictionRow]:
    """Return a row for each bare item: the answer to the gold row in its place."""
    rows = []
    for number, (row, item) in enumerate(zip(gold, items, strict=True)):
        where = f"prediction {number}"
        answer = item if isinstance(item, str) else None
        mentions = None if answer is not None else _mention_rows(item, where)
        rows.append(
            PredictionRow(
                id=row.id,
                entity_type=row.entity_type,
                mentions=mentions,
                response=answer,
                where=where,
            )
        )
    return _ask_every_type(gold, rows)


def _ask_every_type(
    gold: Sequence[GoldRow], rows: list[PredictionRow]
) -> list[PredictionRow]:
    """Where passages say not what was asked, ask every type that occurs anywhere."""
    if all(asked_types(row) is not None for row in gold):
        return rows
    mentions = (m for row in gold for m in row.mentions)
    found = chain(mentions, (m for row in rows for m in row.mentions or ()))
    types = tuple(
        dict.fromkeys(
            mention.entity_type
            for mention in found
            if isinstance(mention, MentionRow) and mention.entity_type
        )
    )
    return [msgspec.structs.replace(row, entity_types=types) for row in rows]


def _mention_rows(items: Any, where: str) -> tuple[str | MentionRow, ...]:
    if isinstance(items, str) or not isinstance(items, Iterable):
        raise ScoreError(f"{where}: {items!r} is no list of mentions")
    return tuple(_mention_row(item, where) for item in items)


def _mention_row(item: Any, where: str) -> str | MentionRow:
    if isinstance(item, Mention):
        return MentionRow(
            text=item.text, spans=item.spans, entity_type=item.entity_type,
            score=item.score,
        )  # fmt: skip
    if isinstance(item, str):
        return item
    try:
        return msgspec.convert(item, MentionRow)
    except msgspec.ValidationError as error:
        raise ScoreError(f"{where}: {item!r} is no mention: {error}") from error


def _convert(item: Any, row_type: type[Row], where: str) -> Row:
    if not isinstance(item, Mapping):
        raise ScoreError(f"{where}: {item!r} is no row, list, passage or prediction")
    try:
        return msgspec.convert({**item, "where": where}, row_type)
    except msgspec.ValidationError as error:
        raise ScoreError(f"{where}: {error}") from error
