"""Write a split in other formats: the released test files' form, JSON lines, CoNLL."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from unibench.schema.prepared import PreparedSet
from unibench.schema.text import Mention, Passage, Span, token_spans

FORMATS = ("conversations", "jsonl", "conll")


def conversations(
    prepared: PreparedSet, prefix: str, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """Yield the queries of a split as the paper's released test files have them.

    Every type is asked of every passage, in a random order that is new for each
    passage; ids `PREFIX_0`, `PREFIX_1` ... number the queries. Gold is JSON with the
    standard library's defaults: mentions in order, repeats kept.
    """
    count = 0
    for number, passage in enumerate(prepared.passages):
        types = list(prepared.entity_types)
        random.Random(f"{seed} {number}").shuffle(types)  # noqa: S311 - no secret
        for entity_type in types:
            gold = [m.text for m in passage.mentions if m.entity_type == entity_type]
            turns = (
                ("human", f"Text: {passage.text}"),
                ("gpt", "I've read this text."),
                ("human", f"What describes {entity_type} in the text?"),
                ("gpt", json.dumps(gold)),
            )
            yield {
                "id": f"{prefix}_{count}",
                "conversations": [{"from": who, "value": said} for who, said in turns],
            }
            count += 1


def conversations_json(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the pieces of one JSON list, spelt as the released files are."""
    yield "["
    for number, row in enumerate(rows):
        yield (", " if number else "") + json.dumps(row)
    yield "]"


def json_lines(prepared: PreparedSet) -> Iterator[dict[str, Any]]:
    """Yield one row per passage, as `unibench score` and format `jsonl` read it."""
    for passage in prepared.passages:
        row: dict[str, Any] = {"id": passage.id, "text": passage.text}
        if passage.document:
            row["document"] = passage.document
        if passage.tokens:
            row["tokens"] = [[span.start, span.end] for span in passage.tokens]
        row["entity_types"] = list(prepared.entity_types)
        row["mentions"] = [_mention(mention) for mention in passage.mentions]
        yield row


def conll(passage: Passage) -> tuple[list[str], int]:
    """Return `token<TAB>tag` rows (IOB2) and how many mentions could not be written.

    Columns hold flat mentions of whole tokens: a token is cut where a mention begins
    or ends inside it; of mentions that overlap the longest stays (of equally long
    ones the first), and a discontinuous one is left out.
    """
    flat = [m for m in passage.mentions if len(m.spans) == 1]
    chosen: list[Mention] = []
    for mention in sorted(flat, key=lambda m: m.spans[0].start - m.spans[0].end):
        if not any(_overlap(mention.spans[0], other.spans[0]) for other in chosen):
            chosen.append(mention)
    tags = {}
    for mention in chosen:
        span = mention.spans[0]
        tags[span.start] = ("B", mention.entity_type, span.end)
    rows, label, end = [], "", 0
    for token in _cut(token_spans(passage), [m.spans[0] for m in chosen]):
        tag = "O"
        if token.start in tags:
            _, label, end = tags[token.start]
            tag = f"B-{label}"
        elif token.start < end:
            tag = f"I-{label}"
        rows.append(f"{passage.text[token.start : token.end]}\t{tag}")
    return rows, len(passage.mentions) - len(chosen)


def _mention(mention: Mention) -> dict[str, Any]:
    row: dict[str, Any] = {"entity_type": mention.entity_type, "text": mention.text}
    if len(mention.spans) == 1:
        row |= {"start": mention.spans[0].start, "end": mention.spans[0].end}
    else:
        row["spans"] = [[span.start, span.end] for span in mention.spans]
    return row


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _cut(tokens: Sequence[Span], spans: Sequence[Span]) -> Iterator[Span]:
    places = {place for span in spans for place in (span.start, span.end)}
    for token in tokens:
        inside = sorted(p for p in places if token.start < p < token.end)
        for start, end in zip(
            (token.start, *inside), (*inside, token.end), strict=True
        ):
            yield Span(start, end)
