"""What a run will ask: queries of a prepared split, capped and in a stable order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import msgspec

from unibench.errors import RunError
from unibench.schema.prepared import PreparedSet
from unibench.schema.query import Query
from unibench.schema.text import Passage

MAX_PAIRS = 200_000
"""At most so many (passage, entity type) pairs a subset are asked, as in the paper."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The passages of one subset that are asked, and the queries that ask them.

    `sampled_from` is the number of passages before the cap, None where it left all.
    """

    prepared: PreparedSet
    passages: tuple[Passage, ...]
    queries: tuple[Query, ...]
    limit: int | None = None
    seed: int = 0
    sampled_from: int | None = None

    @property
    def pairs(self) -> int:
        """The number of (passage, entity type) pairs."""
        return len(self.passages) * len(self.prepared.entity_types)


def plan_subset(
    prepared: PreparedSet,
    types_per_query: int | None,
    *,
    limit: int | None = None,
    seed: int = 0,
    max_pairs: int = MAX_PAIRS,
) -> Plan:
    """Return the plan of one subset: every passage is asked every entity type.

    `limit` takes the first passages. A subset with more than `max_pairs` pairs is
    cut to a random sample of whole passages, drawn with `seed` and kept in order, so
    that models that ask one type or all types at once see the same passages.
    """
    passages: Sequence[Passage] = prepared.passages[:limit]
    room = max(1, max_pairs // max(1, len(prepared.entity_types)))
    sampled_from = None
    if len(passages) > room:
        sampled_from = len(passages)
        kept = sorted(random.Random(seed).sample(range(len(passages)), room))  # noqa: S311
        passages = [passages[i] for i in kept]
    if not passages:
        where = f"{prepared.identity.subset} ({prepared.identity.split})"
        raise RunError(f"{where} has no passages")
    groups = list(_groups(prepared.entity_types, types_per_query))
    definitions = [
        {t: prepared.definitions[t] for t in group if t in prepared.definitions}
        for group in groups
    ]
    queries = tuple(
        Query(passage, group, defined, prepared.identity.subset)
        for passage in passages
        for group, defined in zip(groups, definitions, strict=True)
    )
    return Plan(
        prepared=prepared,
        passages=tuple(passages),
        queries=queries,
        limit=limit,
        seed=seed,
        sampled_from=sampled_from,
    )


def _groups(types: tuple[str, ...], size: int | None) -> Iterator[tuple[str, ...]]:
    step = size or max(1, len(types))
    for start in range(0, len(types), step):
        yield types[start : start + step]
