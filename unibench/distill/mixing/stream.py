"""The conversations of a mixture, in the order in which an epoch reads them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from unibench.distill.mixing.mixture import Part, taken
from unibench.distill.mixing.queries import seed_of
from unibench.schema.conversation import Conversation

PART = "conversations."
"""What stands before a part's name among the counts."""


def part_labels(parts: Sequence[Part]) -> list[str]:
    """Return a name for each part; a name that stands twice gets its position."""
    names = Counter(part.name for part in parts)
    return [
        part.name if names[part.name] == 1 else f"{part.name} ({number + 1})"
        for number, part in enumerate(parts)
    ]


def epoch_order(
    parts: Sequence[Part], seed: int, epoch: int
) -> list[tuple[int, int, int]]:
    """Return (part, index, copy) of all conversations of an epoch, shuffled."""
    chosen = [
        (number, index, copy)
        for number, part in enumerate(parts)
        for index, copy in taken(part, seed_of("weight", seed, epoch, number))
    ]
    random.Random(seed_of("mixture", seed, epoch)).shuffle(chosen)  # noqa: S311
    return chosen


def mixed(
    parts: Sequence[Part],
    chosen: Sequence[tuple[int, int, int]],
    epoch: int,
    counts: Counter[str],
    advance: Callable[[int], None],
) -> Iterator[Conversation]:
    """Yield the chosen conversations; those without any query are counted only."""
    labels = part_labels(parts)
    for number, index, copy in chosen:
        asked = parts[number].conversation(index, epoch, copy)
        counts[f"{PART}{labels[number]}"] += 1
        counts["positive_queries"] += asked.positives
        counts["negative_queries"] += asked.negatives
        counts["queries_left_out"] += asked.left_out
        if not asked.conversation.answers:
            counts["left_out_without_query"] += 1
            continue
        advance(1)
        yield asked.conversation
