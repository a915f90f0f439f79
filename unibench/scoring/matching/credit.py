"""How items that agree are counted: as sets, as multisets, with half credit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from unibench.scoring.profile import Cell, Cells, Item, Items, Notes

Overlap = Callable[[Any, Any], tuple[int, int]]
"""From a gold and a predicted item: what they share, and what they do not."""


def credit_set(items: Items, cells: Cells, notes: Notes) -> None:
    """Count each distinct item once; a prediction is correct if the gold holds it."""
    gold, predicted = set(items.gold), set(items.predicted)
    _note_repeats(items, len(gold), len(predicted), notes)
    for entity_type, _ in gold:
        cell_of(cells, entity_type).gold += 1
    for item in predicted:
        cell = cell_of(cells, item[0])
        cell.predicted += 1
        if item in gold:
            cell.twice_correct += 2


def credit_multiset(items: Items, cells: Cells, notes: Notes) -> None:
    """Count every item; each prediction takes one equal gold item out."""
    left = Counter(items.gold)
    for entity_type, _ in items.gold:
        cell_of(cells, entity_type).gold += 1
    for item in items.predicted:
        cell = cell_of(cells, item[0])
        cell.predicted += 1
        if left[item] > 0:
            left[item] -= 1
            cell.twice_correct += 2


def credit_half_words(items: Items, cells: Cells, notes: Notes) -> None:
    """Add half credit for strings that share a word (the paper's section 5.4)."""
    _credit_half(items, cells, notes, _shared_words)


def credit_half_characters(items: Items, cells: Cells, notes: Notes) -> None:
    """Add half credit for spans that share a character."""
    _credit_half(items, cells, notes, _shared_characters)


def _credit_half(items: Items, cells: Cells, notes: Notes, overlap: Overlap) -> None:
    """Pair equal items first, then the largest overlaps; use each item once.

    Ties go to fewer unshared parts, then to the smaller gold and predicted item, so
    that the order of the lists cannot matter.
    """
    credit_set(items, cells, notes)
    gold, predicted = set(items.gold), set(items.predicted)
    left_gold = _by_type(gold - predicted)
    if not left_gold:
        return
    for entity_type, others in _by_type(predicted - gold).items():
        pairs = _greedy(left_gold.get(entity_type, []), others, overlap)
        cells[entity_type].twice_correct += pairs
        notes["half_credits"] += pairs


def _greedy(gold: list[Any], predicted: list[Any], overlap: Overlap) -> int:
    candidates = []
    for g in gold:
        for p in predicted:
            shared, unshared = overlap(g, p)
            if shared:
                candidates.append((-shared, unshared, g, p))
    used_gold: set[Hashable] = set()
    used_predicted: set[Hashable] = set()
    for _, _, g, p in sorted(candidates):
        if g not in used_gold and p not in used_predicted:
            used_gold.add(g)
            used_predicted.add(p)
    return len(used_gold)


def _shared_words(gold: str, predicted: str) -> tuple[int, int]:
    ours, theirs = Counter(gold.split()), Counter(predicted.split())
    shared = (ours & theirs).total()
    return shared, ours.total() + theirs.total() - 2 * shared


def _shared_characters(gold: Any, predicted: Any) -> tuple[int, int]:
    if isinstance(gold[0], str) or isinstance(predicted[0], str):
        return 0, 0  # a mention that is not in the passage
    shared = sum(
        max(0, min(g.end, p.end) - max(g.start, p.start))
        for g in gold
        for p in predicted
    )
    size = sum(span.end - span.start for span in (*gold, *predicted))
    return shared, size - 2 * shared


def _by_type(items: Iterable[Item]) -> dict[str, list[Hashable]]:
    groups: dict[str, list[Hashable]] = {}
    for entity_type, item in items:
        groups.setdefault(entity_type, []).append(item)
    return groups


def cell_of(cells: Cells, entity_type: str) -> Cell:
    """Return the counts of a type, made when first asked for."""
    cell = cells.get(entity_type)
    if cell is None:
        cell = cells[entity_type] = Cell()
    return cell


def _note_repeats(items: Items, gold: int, predicted: int, notes: Notes) -> None:
    if gold < len(items.gold):
        notes["repeats_gold"] += len(items.gold) - gold
    if predicted < len(items.predicted):
        notes["repeats_predicted"] += len(items.predicted) - predicted
