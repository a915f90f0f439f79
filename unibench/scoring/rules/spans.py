"""Rules that compare character offsets: `strict_span` and `partial_span`."""

from __future__ import annotations

from unibench.schema.score import Case
from unibench.schema.text import Mention
from unibench.scoring.matching.credit import credit_half_characters, credit_set
from unibench.scoring.matching.mentions import look, place_all
from unibench.scoring.matching.tags import lost_items
from unibench.scoring.profile import Item, Items, Notes, Profile


def span_items(case: Case, profile: Profile, notes: Notes) -> Items:
    """Return (type, spans) of gold and predicted mentions.

    A mention that is not in the passage keeps its text, which equals no place.
    """
    looked = look(case, profile, notes)
    gold = _items(looked.gold, case, profile, notes, "gold")
    predicted = _items(looked.predicted, case, profile, notes, "predicted")
    return Items(gold, predicted)


def _items(
    mentions: list[Mention], case: Case, profile: Profile, notes: Notes, side: str
) -> list[Item]:
    items: list[Item] = [(m.entity_type, m.spans) for m in mentions if m.spans]
    if len(items) == len(mentions):
        return items
    strings = [m for m in mentions if not m.spans]
    placed = place_all(strings, case, profile, notes)
    lost = lost_items(placed, side)
    if lost and side == "gold":
        notes["gold_not_in_text"] += len(lost)
    return items + [(p.mention.entity_type, p.place) for p in placed if p.place] + lost


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
