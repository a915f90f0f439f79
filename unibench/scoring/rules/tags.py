"""Rules on tags: `conlleval` (which is seqeval's default mode) and seqeval strict."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from unibench.schema.score import Case
from unibench.scoring.matching.credit import credit_set
from unibench.scoring.matching.mentions import MISC, Placed, look, place_all
from unibench.scoring.matching.tags import (
    Chunk,
    Words,
    chunks_default,
    chunks_iob2,
    flatten,
    lost_items,
)
from unibench.scoring.profile import Item, Items, Notes, Profile

ReadTags = Callable[[Sequence[str]], list[Chunk]]


def default_items(case: Case, profile: Profile, notes: Notes) -> Items:
    """Return the chunks of both sides, orphan I- tags opening chunks of their own."""
    return _tag_items(case, profile, notes, chunks_default)


def strict_items(case: Case, profile: Profile, notes: Notes) -> Items:
    """Return the chunks of both sides that begin with B-."""
    return _tag_items(case, profile, notes, chunks_iob2)


def _tag_items(case: Case, profile: Profile, notes: Notes, read: ReadTags) -> Items:
    """Read the tag columns where the file had them, else flatten the mentions."""
    if case.tags is not None:
        gold, predicted = (_kept(read(tags), profile) for tags in case.tags)
        return Items(as_items(gold), as_items(predicted))
    looked = look(case, profile, notes)
    words = Words(case, profile.name)
    gold_places = place_all(looked.gold, case, profile, notes)
    predicted_places = place_all(looked.predicted, case, profile, notes)
    return Items(
        _flat_items(gold_places, words, notes, "gold"),
        _flat_items(predicted_places, words, notes, "predicted"),
    )


def _kept(chunks: Sequence[Chunk], profile: Profile) -> list[Chunk]:
    if profile.misc == "kept":
        return list(chunks)
    return [chunk for chunk in chunks if chunk.entity_type.lower() not in MISC]


def _flat_items(
    placed: Sequence[Placed], words: Words, notes: Notes, side: str
) -> list[Item]:
    chunks, dropped = flatten(placed, words)
    if dropped:
        notes[f"flattened_{side}"] += dropped
    return as_items(chunks) + lost_items(placed, side)


def as_items(chunks: Sequence[Chunk]) -> list[Item]:
    """Return each chunk as an item: its type, and its first and last token."""
    return [(chunk.entity_type, (chunk.first, chunk.last)) for chunk in chunks]


CONLLEVAL = Profile(
    name="conlleval",
    summary="chunks of tags, as conlleval.pl and seqeval's default mode",
    unit="word_span",
    normalisation="none",
    repeats="set",
    items=default_items,
    credit=credit_set,
)
SEQEVAL_DEFAULT = msgspec.structs.replace(CONLLEVAL, name="seqeval_default")
SEQEVAL_STRICT = Profile(
    name="seqeval_strict",
    summary="chunks of tags that begin with B-, as seqeval's strict mode with IOB2",
    unit="word_span",
    normalisation="none",
    repeats="set",
    items=strict_items,
    credit=credit_set,
)
