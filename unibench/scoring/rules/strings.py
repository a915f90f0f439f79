"""Rules that compare normalised strings: `uniner` and `partial`."""

from __future__ import annotations

import json

from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage
from unibench.scoring.matching.credit import credit_half_words, credit_set
from unibench.scoring.matching.mentions import look
from unibench.scoring.matching.normalise import normalise_uniner
from unibench.scoring.profile import Item, Items, Notes, Profile


def read_json_list(answer: str) -> list[str] | None:
    """Read an answer as the released UniversalNER evaluator does.

    What stands after the last `ASSISTANT:` must begin with `[`; the list ends at the
    first `]`, in the same line, and must be JSON; an item that is no string spoils
    the whole answer. None when the answer cannot be read (scorers.md, section 4.1).
    """
    text = answer.rpartition("ASSISTANT:")[2].strip()
    if text == "[]":
        return []  # most answers of an open benchmark
    end = text.find("]")
    if not text.startswith("[") or end < 0 or "\n" in text[:end]:
        return None
    try:
        values = json.loads(text[: end + 1])
    except (ValueError, RecursionError):
        return None
    return values if all(isinstance(value, str) for value in values) else None


def read_answer(
    answer: str, passage: Passage, entity_types: tuple[str, ...]
) -> list[Mention] | None:
    """Read the answer to a query about one entity type; None if it is unreadable."""
    texts = read_json_list(answer)
    if texts is None:
        return None
    return [Mention(name, text) for name in entity_types for text in texts]


def string_items(case: Case, profile: Profile, notes: Notes) -> Items:
    """Return (type, normalised text) of gold and predicted mentions."""
    looked = look(case, profile, notes)
    gold: list[Item] = [(m.entity_type, normalise_uniner(m.text)) for m in looked.gold]
    if profile.released_gold_parser:
        gold = _as_released(case, gold, notes)
    predicted = [(m.entity_type, normalise_uniner(m.text)) for m in looked.predicted]
    empty = sum(not item[1] for item in gold)
    if empty:
        notes["gold_empty_text"] += empty
    return Items(gold, predicted)


def _as_released(case: Case, gold: list[Item], notes: Notes) -> list[Item]:
    """Drop a query's whole gold where the released parser cannot read its list."""
    spoilt = {m.entity_type for m in case.passage.mentions if "]" in m.text}
    kept = [item for item in gold if item[0] not in spoilt]
    if len(kept) < len(gold):
        notes["gold_dropped_by_parser"] += len(gold) - len(kept)
    return kept


UNINER = Profile(
    name="uniner",
    summary="normalised strings per query, as UniversalNER's released evaluator",
    unit="query_string",
    normalisation="uniner",
    repeats="set",
    reads_answers=True,
    items=string_items,
    credit=credit_set,
)
PARTIAL = Profile(
    name="partial",
    summary="as uniner, with half credit for strings that share a word",
    unit="query_string",
    normalisation="uniner",
    repeats="set",
    reads_answers=True,
    items=string_items,
    credit=credit_half_words,
)
