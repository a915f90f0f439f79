"""Which gold and predicted mentions of a passage a rule looks at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from unibench.errors import ScoreError
from unibench.schema.score import Case
from unibench.schema.text import Mention, Span
from unibench.scoring.matching.align import find_spans, occurs
from unibench.scoring.profile import Notes, Profile

MISC = frozenset({"misc", "miscellaneous", "miscellany", "else", "other", "others"})
"""Entity types that say no more than "something else" (scorers.md, section 10)."""


class Looked(NamedTuple):
    """The mentions that a rule looks at; what was left out is in the notes."""

    gold: list[Mention]
    predicted: list[Mention]


def look(case: Case, profile: Profile, notes: Notes) -> Looked:
    """Return the mentions of asked types, as the profile's choices have it.

    Gold of types that were not asked is left out. Predictions of such types are left
    out too, unless the published rule counts them as wrong. A predicted mention that
    does not occur in the passage is counted in the notes, and left out where the
    profile says so.
    """
    asked = set(case.entity_types)
    if profile.misc == "dropped":
        asked = {name for name in asked if name.lower() not in MISC}
    gold = [m for m in case.passage.mentions if m.entity_type in asked]
    if not case.predicted:
        return Looked(gold, [])
    predicted = _asked(case.predicted, asked, profile, notes)
    return Looked(gold, _present(predicted, case.passage.text, profile, notes))


def _asked(
    predicted: Iterable[Mention], asked: set[str], profile: Profile, notes: Notes
) -> list[Mention]:
    kept, unasked = [], 0
    for mention in predicted:
        name = mention.entity_type
        if name in asked:
            kept.append(mention)
        elif profile.misc == "dropped" and name.lower() in MISC:
            continue
        else:
            unasked += 1
            if profile.types == "asked_and_wrong":
                kept.append(mention)
    if unasked:
        notes["unasked_type"] += unasked
    return kept


def _present(
    predicted: list[Mention], text: str, profile: Profile, notes: Notes
) -> list[Mention]:
    if not text:
        return predicted
    kept = []
    for mention in predicted:
        if mention.spans or occurs(text, mention.text):
            kept.append(mention)
            continue
        notes["invented"] += 1
        if profile.invented != "drop":
            kept.append(mention)
    return kept


Place = tuple[Span, ...]
"""The spans of one mention: several when it is discontinuous."""


class Placed(NamedTuple):
    """A mention and where it stands; no place when it is not in the passage."""

    mention: Mention
    place: Place


def place_all(
    mentions: list[Mention], case: Case, profile: Profile, notes: Notes
) -> list[Placed]:
    """Give every mention its spans, aligning those that are only strings.

    Under `align: count` a string gets as many places as it was written times.

    Raises:
        ScoreError: a string must be aligned and the passage's text is not known.
    """
    placed: list[Placed] = []
    written: dict[tuple[str, str], int] = {}
    for mention in mentions:
        if mention.spans:
            placed.append(Placed(mention, mention.spans))
            continue
        key = mention.entity_type, mention.text
        written[key] = written.get(key, 0) + 1
        if written[key] > 1 and profile.align != "count":
            continue
        placed += _align(mention, written[key], case, profile)
    if written:
        notes["aligned"] += sum(written.values())
    return placed


def _align(
    mention: Mention, time: int, case: Case, profile: Profile
) -> Iterable[Placed]:
    """Return the places of one string; under `count`, of its `time`-th writing."""
    passage = case.passage
    if not passage.text:
        raise ScoreError(
            f"profile {profile.name!r} compares places, but passage {passage.id!r}"
            f" has neither a text nor offsets for {mention.text[:80]!r}; give the gold"
            " rows a 'text', or use a profile that compares strings, such as uniner"
        )
    found = find_spans(passage.text, mention.text)
    if not found:
        return [Placed(mention, ())] if time == 1 else []
    if profile.align != "all":
        found = found[time - 1 : time]
    return [Placed(mention, (span,)) for span in found]
