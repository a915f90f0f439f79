"""Rules that compare character offsets: `strict_span` and `partial_span`."""

from __future__ import annotations

from collections.abc import Hashable

from unibench.schema.score import Case
from unibench.scoring.matching.credit import credit_half_characters, credit_set
from unibench.scoring.matching.mentions import Placed, look, place_all
from unibench.scoring.profile import Item, Items, Notes, Profile


def span_items(case: Case, profile: Profile, notes: Notes) -> Items:
    """Return (type, spans) of gold and predicted mentions.

    A mention that is not in the passage keeps its text, which equals no place.
    """
    looked = look(case, profile, notes)
    gold = place_all(looked.gold, case, profile, notes)
    predicted = place_all(looked.predicted, case, profile, notes)
    lost = sum(not placed.place for placed in gold)
    if lost:
        notes["gold_not_in_text"] += lost
    return Items(
        [_item(placed, "gold") for placed in gold],
        [_item(placed, "predicted") for placed in predicted],
    )


def _item(placed: Placed, side: str) -> Item:
    mention, place = placed
    value: Hashable = tuple((span.start, span.end) for span in place)
    return mention.entity_type, value or (side, mention.text)


STRICT_SPAN = Profile(
    name="strict_span",
    summary="character offsets and type, both exact",
    unit="character_span",
    normalisation="none",
    repeats="set",
    items=span_items,
    credit=credit_set,
)
PARTIAL_SPAN = Profile(
    name="partial_span",
    summary="as strict_span, with half credit for spans that share a character",
    unit="character_span",
    normalisation="none",
    repeats="set",
    items=span_items,
    credit=credit_half_characters,
)
