"""The rows of gold and prediction files, and how their mentions are checked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from unibench.errors import ScoreError
from unibench.schema.text import Mention, Span, mention_at

MAX_FIELD = 1 << 20
"""The longest text, mention or answer, in characters; more is a broken file."""


class MentionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A mention with its text, its offsets or both; `spans` when discontinuous."""

    text: str | None = None
    start: int | None = None
    end: int | None = None
    spans: tuple[Span, ...] = ()
    entity_type: str = ""
    score: float | None = None


class GoldRow(msgspec.Struct, frozen=True, kw_only=True):
    """The gold of one query (`entity_type`) or of one passage (`entity_types`).

    Where neither is given, the types are those that the predictions name. `where` is
    how an error names the row.
    """

    id: str | int
    mentions: tuple[str | MentionRow, ...]
    entity_type: str | None = None
    entity_types: tuple[str, ...] | None = None
    text: str = ""
    document: str = ""
    tokens: tuple[Span, ...] = ()
    where: str = ""


class PredictionRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a model said to one query or of one passage: mentions or a raw answer.

    Without a type it answers all queries of its passage.
    """

    id: str | int
    mentions: tuple[str | MentionRow, ...] | None = None
    response: str | None = None
    entity_type: str | None = None
    entity_types: tuple[str, ...] | None = None
    parse_error: str = ""
    where: str = ""


def asked_types(row: GoldRow | PredictionRow) -> tuple[str, ...] | None:
    """Return the entity types that a row is about; None for all of its passage.

    Raises:
        ScoreError: the row names types in both ways.
    """
    if row.entity_type is not None and row.entity_types is not None:
        raise ScoreError(f"{row.where}: give 'entity_type' or 'entity_types', not both")
    return row.entity_types if row.entity_type is None else (row.entity_type,)


def read_mentions(
    rows: Sequence[str | MentionRow], types: Sequence[str], text: str, where: str
) -> list[Mention]:
    """Return the mentions of one row, checked against the passage's text.

    Raises:
        ScoreError: a span lies outside the text or disagrees with the mention's own
            text, a score is no probability, or a mention has no type.
    """
    return [_read_mention(row, types, text, where) for row in rows]


def _read_mention(
    row: str | MentionRow, types: Sequence[str], text: str, where: str
) -> Mention:
    if isinstance(row, str):
        row = MentionRow(text=row)
    name = row.entity_type or (types[0] if len(types) == 1 else "")
    if not name:
        raise ScoreError(
            f"{where}: the mention {row.text!r} needs an 'entity_type', since the row"
            " is about several types"
        )
    check_length(row.text or "", "a mention", where)
    score = _checked_score(row.score, where)
    spans = _spans(row, where)
    if not spans:
        if row.text is None:
            raise ScoreError(f"{where}: a mention has neither 'text' nor offsets")
        return Mention(name, row.text, (), score)
    written = _cut(row, spans, text, where)
    return Mention(name, written, spans, score)


def _spans(row: MentionRow, where: str) -> tuple[Span, ...]:
    if row.start is None and row.end is None:
        return row.spans
    if row.start is None or row.end is None or row.spans:
        raise ScoreError(f"{where}: a mention needs 'start' and 'end', or else 'spans'")
    try:
        return (Span(row.start, row.end),)
    except ValueError as error:
        raise ScoreError(f"{where}: the mention {row.text!r} has an {error}") from error


def _cut(row: MentionRow, spans: tuple[Span, ...], text: str, where: str) -> str:
    """Return the mention's text, which must be what stands at its offsets."""
    if not text:
        return row.text or ""
    try:
        standing = mention_at(text, "", *spans).text
    except ValueError as error:
        raise ScoreError(
            f"{where}: the span of {row.text!r} lies outside the passage: {error}"
        ) from error
    if row.text is not None and row.text != standing:
        raise ScoreError(
            f"{where}: at the offsets of {row.text!r} stands {standing[:80]!r}; offsets"
            " are characters, counted from 0, and the end is not included"
        )
    return standing


def _checked_score(score: float | None, where: str) -> float | None:
    if score is not None and not (math.isfinite(score) and 0 <= score <= 1):
        raise ScoreError(f"{where}: the score {score} is not between 0 and 1")
    return score


def check_length(value: str, what: str, where: str) -> None:
    """Raise ScoreError when one field is longer than any text that is meant."""
    if len(value) > MAX_FIELD:
        raise ScoreError(
            f"{where}: {what} has {len(value):,} characters, more than {MAX_FIELD:,};"
            " is the file broken?"
        )
