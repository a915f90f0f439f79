"""The four schemas of SemEval-2013 task 9 (scorers.md, section 4.11).

As in nervaluate 1.2.1, on sorted lists, with exact pairs taken first: so the order of
the lists cannot matter.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from unibench.schema.score import Case
from unibench.scoring.matching.credit import cell_of
from unibench.scoring.matching.mentions import Placed, look, place_all
from unibench.scoring.matching.tags import Words, lost_items
from unibench.scoring.profile import Cells, Item, Items, Notes, Profile


class Boundary(NamedTuple):
    """Where a mention stands; `first` and `last` measure distance in tokens.

    A place inside a token is a fraction of it. Without tokens they are characters.
    """

    place: tuple[tuple[int, int], ...]
    first: float
    last: float


def boundary_items(case: Case, profile: Profile, notes: Notes) -> Items:
    """Return (type, boundary) of gold and predicted mentions, repeats and all."""
    looked = look(case, profile, notes)
    text_known = case.passage.text or case.passage.tokens
    words = Words(case, profile.name) if text_known else None
    gold = place_all(looked.gold, case, profile, notes)
    predicted = place_all(looked.predicted, case, profile, notes)
    return Items(
        [_item(p, words) for p in gold if p.place] + lost_items(gold, "gold"),
        [_item(p, words) for p in predicted if p.place]
        + lost_items(predicted, "predicted"),
    )


def _item(placed: Placed, words: Words | None) -> Item:
    place = tuple((span.start, span.end) for span in placed.place)
    first, last = place[0][0], place[-1][1]
    if words is None:
        return placed.mention.entity_type, Boundary(place, first, last)
    return placed.mention.entity_type, Boundary(
        place, _start(first, words), _end(last, words)
    )


def _start(offset: int, words: Words) -> float:
    number = bisect_right(words.ends, offset)
    if number == len(words.ends) or words.starts[number] >= offset:
        return number
    return number + _share(number, offset, words)


def _end(offset: int, words: Words) -> float:
    number = bisect_left(words.starts, offset)
    if number == 0 or words.ends[number - 1] <= offset:
        return number
    return number - 1 + _share(number - 1, offset, words)


def _share(number: int, offset: int, words: Words) -> float:
    start, end = words.starts[number], words.ends[number]
    return (offset - start) / (end - start)


class _Match:
    """One passage while gold and predictions are paired."""

    def __init__(self, items: Items, cells: Cells, notes: Notes) -> None:
        self.gold: list[Any] = sorted(items.gold, key=_order)
        self.predicted: list[Any] = sorted(items.predicted, key=_order)
        self.cells, self.notes = cells, notes
        self.free_gold = dict.fromkeys(range(len(self.gold)))
        self.free_predicted = dict.fromkeys(range(len(self.predicted)))

    def pair(self, gold: int, predicted: int, outcome: str) -> None:
        """Use up a gold mention and a prediction.

        Where types are not looked at, a pair of two types counts under the gold's.
        """
        self.free_gold.pop(gold)
        self.free_predicted.pop(predicted)
        credit = {"COR": 2, "PAR": 1, "INC": 0}[outcome]
        theirs = self.gold[gold] if credit else self.predicted[predicted]
        cell_of(self.cells, self.gold[gold][0]).gold += 1
        cell = cell_of(self.cells, theirs[0])
        cell.predicted += 1
        cell.twice_correct += credit
        self.notes[outcome] += 1

    def pair_equal(self, key: Callable[[Any], Any]) -> None:
        """Pair what is equal under `key`, each mention once."""
        places: dict[Any, list[int]] = {}
        for number in reversed(self.free_gold):
            places.setdefault(key(self.gold[number]), []).append(number)
        for number in list(self.free_predicted):
            if found := places.get(key(self.predicted[number])):
                self.pair(found.pop(), number, "COR")

    def overlapping(self, predicted: int) -> list[int]:
        """Return the free gold mentions that share a character with a prediction."""
        theirs = self.predicted[predicted][1]
        return [g for g in self.free_gold if _overlap(self.gold[g][1], theirs)]

    def close(self) -> None:
        """Count what is left: missed gold and spurious predictions."""
        for number in self.free_gold:
            cell_of(self.cells, self.gold[number][0]).gold += 1
        for number in self.free_predicted:
            cell_of(self.cells, self.predicted[number][0]).predicted += 1
        self.notes["MIS"] += len(self.free_gold)
        self.notes["SPU"] += len(self.free_predicted)


def _order(item: Any) -> tuple[Any, ...]:
    name, value = item
    if isinstance(value, Boundary):
        return 0, value.place[0][0], value.place[-1][1], name, value.place
    return 1, 0, 0, name, value


def _overlap(ours: Any, theirs: Any) -> bool:
    if not isinstance(ours, Boundary) or not isinstance(theirs, Boundary):
        return False
    return any(g[0] < p[1] and p[0] < g[1] for g in ours.place for p in theirs.place)


def credit_schema(items: Items, cells: Cells, notes: Notes, *, schema: str) -> None:
    """Count the outcomes COR, INC, PAR, MIS and SPU of one schema."""
    match = _Match(items, cells, notes)
    match.pair_equal(lambda item: item)
    if schema in {"exact", "partial"}:
        match.pair_equal(lambda item: item[1])
    for number in list(match.free_predicted):
        found = match.overlapping(number)
        if not found:
            continue
        if schema == "type":
            _pair_by_type(match, number, found)
        else:
            match.pair(found[0], number, "PAR" if schema == "partial" else "INC")
    match.close()


def _pair_by_type(match: _Match, number: int, found: Sequence[int]) -> None:
    """Take the nearest gold of the prediction's type, else the first of another."""
    name, theirs = match.predicted[number]
    same = [g for g in found if match.gold[g][0] == name]
    if not same:
        match.pair(found[0], number, "INC")
        return

    def distance(gold: int) -> float:
        ours = match.gold[gold][1]
        return float(abs(ours.first - theirs.first) + abs(ours.last - theirs.last))

    match.pair(min(same, key=distance), number, "COR")


def _profile(schema: str, summary: str) -> Profile:
    return Profile(
        name=f"semeval_{schema}",
        summary=summary,
        unit="character_span",
        normalisation="none",
        repeats="multiset",
        items=boundary_items,
        credit=partial(credit_schema, schema=schema),
    )


STRICT = _profile("strict", "SemEval-2013 strict: boundaries and type")
EXACT = _profile("exact", "SemEval-2013 exact: boundaries, whatever the type")
PARTIAL = _profile("partial", "SemEval-2013 partial: half for overlap, any type")
TYPE = _profile("type", "SemEval-2013 type: any overlap with the right type")
