"""The rule of token micro-F1 (scorers.md, section 4.9)."""

from __future__ import annotations

from collections.abc import Iterable

from unibench.schema.score import Case
from unibench.scoring.matching.credit import credit_set
from unibench.scoring.matching.mentions import Placed, look, place_all
from unibench.scoring.matching.tags import Words
from unibench.scoring.profile import Item, Items, Notes, Profile


def token_items(case: Case, profile: Profile, notes: Notes) -> Items:
    """Return (type, token number) for each token that a mention touches.

    Nested mentions give a token several items; a mention that is not in the passage
    gives one for each of its words.
    """
    looked = look(case, profile, notes)
    words = Words(case, profile.name)
    notes["own_tokens" if case.passage.tokens else "blank_divided"] += 1
    gold = place_all(looked.gold, case, profile, notes)
    predicted = place_all(looked.predicted, case, profile, notes)
    return Items(
        list(dict.fromkeys(_items(gold, words, "gold"))),
        list(dict.fromkeys(_items(predicted, words, "predicted"))),
    )


def _items(placed: Iterable[Placed], words: Words, side: str) -> Iterable[Item]:
    for mention, place in placed:
        name = mention.entity_type
        for span in place:
            yield from ((name, number) for number in words.touched(span))
        if not place:
            written = mention.text.split()
            yield from ((name, (side, mention.text, n)) for n in range(len(written)))


TOKEN = Profile(
    name="token",
    summary="tokens and their types, without B- and I-",
    unit="token",
    normalisation="none",
    repeats="position",
    items=token_items,
    credit=credit_set,
)
