"""InstructUIE's rule, with and without its placeholder bug (scorers.md, 4.4, 4.5)."""

from __future__ import annotations

from collections.abc import Iterable

from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage
from unibench.scoring.matching.credit import credit_set
from unibench.scoring.matching.mentions import look
from unibench.scoring.matching.normalise import normalise_instructuie
from unibench.scoring.profile import Item, Items, Notes, Profile

NO_TYPE = "(no type)"
"""Under this name stand pieces without a colon, among them the placeholder."""
PLACEHOLDER = "None"
_SKIPPED_TYPES = frozenset({"NA", ""})


def pieces(text: str) -> list[str]:
    """Return the distinct pieces of an answer or target, each formatted again."""
    parts = normalise_instructuie(text).split(";")
    return list(dict.fromkeys(map(normalise_instructuie, parts)))


def write_answer(mentions: Iterable[Mention]) -> str:
    """Write mentions in the published form; `None` when there are none.

    They stand in the order of the passage, as annotated data have them, since a mention
    that ends with `;` leaves an empty piece only if it is the last.
    """
    ordered = sorted(
        mentions, key=lambda m: (not m.spans, m.spans, m.text, m.entity_type)
    )
    written = (f"{mention.entity_type}: {mention.text}" for mention in ordered)
    return "; ".join(written) or PLACEHOLDER


def buggy_items(case: Case, profile: Profile, notes: Notes) -> Items:
    """Return every piece of target and answer, the placeholder included."""
    looked = look(case, profile, notes)
    target = [m for m in looked.gold if m.entity_type not in _SKIPPED_TYPES]
    gold = pieces(write_answer(target))
    if case.answer_form == profile.parser and case.responses:
        found = (piece for text in case.responses.values() for piece in pieces(text))
        predicted = list(dict.fromkeys(found))
    else:
        predicted = pieces(write_answer(looked.predicted))
    names = {f"{normalise_instructuie(t)}:": t for t in case.entity_types}
    return Items(
        [_item(piece, names) for piece in gold],
        [_item(piece, names) for piece in predicted],
    )


def repaired_items(case: Case, profile: Profile, notes: Notes) -> Items:
    """Return the pieces that have a colon; the rest is dropped and counted."""
    items = buggy_items(case, profile, notes)
    gold = [item for item in items.gold if item[0] != NO_TYPE]
    predicted = [item for item in items.predicted if item[0] != NO_TYPE]
    if lost := len(items.gold) - len(gold):
        notes["pieces_without_colon_gold"] += lost
    if lost := len(items.predicted) - len(predicted):
        notes["pieces_without_colon_predicted"] += lost
    return Items(gold, predicted)


def _item(piece: str, names: dict[str, str]) -> Item:
    """Return the piece under its type; a type that was not asked keeps its spelling."""
    if ":" not in piece:
        return NO_TYPE, piece
    asked = [head for head in names if piece.startswith(head)]
    if asked:
        return names[max(asked, key=len)], piece
    return piece.partition(":")[0], piece


def read_answer(
    answer: str, passage: Passage, entity_types: tuple[str, ...]
) -> list[Mention]:
    """Read `type: mention; type: mention`; pieces without a colon are no mentions."""
    names = {normalise_instructuie(name): name for name in entity_types}
    mentions = []
    for piece in answer.split(";"):
        name, colon, text = piece.partition(":")
        if colon and text.strip():
            written = name.strip()
            known = names.get(normalise_instructuie(written), written)
            mentions.append(Mention(known, text.strip()))
    return mentions


INSTRUCTUIE_NONE_BUG = Profile(
    name="instructuie_none_bug",
    summary="formatted 'type: mention' strings, where None counts as an entity",
    unit="passage_string",
    normalisation="instructuie",
    repeats="set",
    unparsable="an_entity",
    empty="gold_item",
    types="asked_and_wrong",
    parser="instructuie",
    items=buggy_items,
    credit=credit_set,
)
INSTRUCTUIE = Profile(
    name="instructuie",
    summary="the same strings without the placeholder, as the bug's repair",
    unit="passage_string",
    normalisation="instructuie",
    repeats="set",
    types="asked_and_wrong",
    parser="instructuie",
    items=repaired_items,
    credit=credit_set,
)
