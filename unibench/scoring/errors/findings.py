"""Every error of a model by kind: the raw material of the error atlas.

Gold and predictions of a passage are paired in four rounds: equal places and types;
equal places; overlap within a type; overlap. Within a round the larger overlap comes
first, then the shorter pair, then places and type names, so that the order of the lists
cannot matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import product

import msgspec

from unibench.schema.score import Case
from unibench.schema.text import Mention
from unibench.scoring.matching.mentions import Place, Placed, look, place_all
from unibench.scoring.profile import Notes
from unibench.scoring.rules.spans import STRICT_SPAN


class Kind(StrEnum):
    """What can go wrong with one mention.

    `invented` is a prediction that is not in the passage, `spurious` one that is and
    touches no gold. `nested` is gold inside or around gold that was found; `unparsable`
    is gold of a type whose answer could not be read.
    """

    SHORT = "boundary, too short"
    LONG = "boundary, too long"
    SHIFTED = "boundary, shifted"
    TYPE = "type"
    BOUNDARY_AND_TYPE = "boundary and type"
    MISSED = "missed"
    NESTED = "nested, missed"
    UNPARSABLE = "unparsable"
    INVENTED = "invented"
    DUPLICATE = "duplicate"
    SPURIOUS = "spurious"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One error: the gold mention, the predicted one, or a pair that half agrees."""

    passage: str
    kind: Kind
    gold: Mention | None = None
    predicted: Mention | None = None
    domain: str = ""

    @property
    def entity_type(self) -> str:
        """The gold's type, or else the predicted one."""
        mention = self.gold or self.predicted
        return mention.entity_type if mention else ""

    @property
    def words(self) -> int:
        """How many words the gold mention has, or else the predicted one."""
        mention = self.gold or self.predicted
        return len(mention.text.split()) if mention else 0

    @property
    def cost(self) -> int:
        """How many errors of strict scoring it makes: a pair is wrong and missed."""
        return (self.gold is not None) + (self.predicted is not None)


Agrees = Callable[[Placed, Placed], bool]


def find_errors(case: Case, domain: str = "") -> list[Finding]:
    """Return every error of one passage; strings are aligned to all their places.

    Raises:
        ScoreError: a string must be aligned and the passage's text is not known.
    """
    looked = look(case, STRICT_SPAN, Notes())
    gold = _sorted(place_all(looked.gold, case, STRICT_SPAN, Notes()))
    predicted = _sorted(place_all(looked.predicted, case, STRICT_SPAN, Notes()))
    pairs = _pair(gold, predicted)
    found = [
        Finding(
            passage=case.passage.id, kind=_kind_of_pair(ours, theirs), domain=domain,
            gold=ours.mention, predicted=theirs.mention,
        )
        for ours, theirs in pairs
        if not _same(ours, theirs)
    ]  # fmt: skip
    right = {_key(ours) for ours, theirs in pairs if _same(ours, theirs)}
    for ours in gold:
        kind = _kind_of_missed(ours, right, case)
        found.append(
            Finding(
                passage=case.passage.id, kind=kind, domain=domain, gold=ours.mention
            )
        )
    for theirs in predicted:
        kind = _kind_of_wrong(theirs, right)
        found.append(
            Finding(
                passage=case.passage.id,
                kind=kind,
                domain=domain,
                predicted=theirs.mention,
            )
        )
    return found


def _sorted(placed: Iterable[Placed]) -> list[Placed]:
    return sorted(
        placed, key=lambda p: (p.place, p.mention.entity_type, p.mention.text)
    )


def _key(placed: Placed) -> tuple[Place, str]:
    return placed.place, placed.mention.entity_type


def _same(ours: Placed, theirs: Placed) -> bool:
    return _key(ours) == _key(theirs)


def _same_type(ours: Placed, theirs: Placed) -> bool:
    return ours.mention.entity_type == theirs.mention.entity_type


def _shared(ours: Placed, theirs: Placed) -> int:
    return sum(
        max(0, min(a.end, b.end) - max(a.start, b.start))
        for a, b in product(ours.place, theirs.place)
    )


_ROUNDS: tuple[Agrees, ...] = (
    _same,
    lambda ours, theirs: ours.place == theirs.place,
    _same_type,
    lambda ours, theirs: True,
)


def _pair(gold: list[Placed], predicted: list[Placed]) -> list[tuple[Placed, Placed]]:
    """Take pairs out of the two lists, round by round; what is left has no partner."""
    pairs = []
    for agrees in _ROUNDS:
        candidates = [
            (-shared, _size(ours) + _size(theirs), i, j)
            for (i, ours), (j, theirs) in product(enumerate(gold), enumerate(predicted))
            if (shared := _shared(ours, theirs)) and agrees(ours, theirs)
        ]
        used_gold: set[int] = set()
        used_predicted: set[int] = set()
        for _, _, i, j in sorted(candidates):
            if i not in used_gold and j not in used_predicted:
                used_gold.add(i)
                used_predicted.add(j)
                pairs.append((gold[i], predicted[j]))
        gold[:] = [p for i, p in enumerate(gold) if i not in used_gold]
        predicted[:] = [p for j, p in enumerate(predicted) if j not in used_predicted]
    return pairs


def _kind_of_pair(ours: Placed, theirs: Placed) -> Kind:
    if ours.place == theirs.place:
        return Kind.TYPE
    if not _same_type(ours, theirs):
        return Kind.BOUNDARY_AND_TYPE
    shared = _shared(ours, theirs)
    if shared == _size(theirs):
        return Kind.SHORT
    return Kind.LONG if shared == _size(ours) else Kind.SHIFTED


def _size(placed: Placed) -> int:
    return sum(span.end - span.start for span in placed.place)


def _kind_of_missed(ours: Placed, right: set[tuple[Place, str]], case: Case) -> Kind:
    if ours.mention.entity_type in case.unparsed:
        return Kind.UNPARSABLE
    others = (Placed(ours.mention, place) for place, _ in right)
    size = _size(ours)
    for other in others:
        if _shared(ours, other) in {size, _size(other)} - {0}:
            return Kind.NESTED
    return Kind.MISSED


def _kind_of_wrong(theirs: Placed, right: set[tuple[Place, str]]) -> Kind:
    if not theirs.place:
        return Kind.INVENTED
    return Kind.DUPLICATE if _key(theirs) in right else Kind.SPURIOUS
