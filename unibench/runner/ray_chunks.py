"""Cut a run's queries into chunks, and give back what a lost worker left."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from unibench.schema.query import Query

MAX_CHUNK = 256
"""Queries in a chunk: enough for batches of similar length, seconds of work."""

ATTEMPTS = 3
"""So many workers may die on a passage alone before it is given up."""

_SHARES = 4
_NAMED = 3


class Chunk(msgspec.Struct, frozen=True):
    """Positions of queries that one worker answers; `losses` workers died on them.

    Of a chunk of several passages nobody knows which is to blame: only a chunk of one
    passage counts its losses.
    """

    positions: tuple[int, ...]
    losses: int = 0


class Backlog:
    """What is not handed out yet. The queries of one passage stay in one chunk."""

    def __init__(self, queries: Sequence[Query], workers: int) -> None:
        """Take all queries, those of a passage in a row."""
        self.queries, self.workers = queries, workers
        self._next = 0
        self._returned: deque[Chunk] = deque()
        self._suspect: deque[Chunk] = deque()
        self.given_up: list[Chunk] = []

    def __bool__(self) -> bool:
        """Tell whether there is something to hand out."""
        left = self._next < len(self.queries)
        return left or bool(self._returned) or bool(self._suspect)

    def take(self) -> Chunk:
        """Return the next chunk: smaller ones towards the end, so that all end alike.

        What may have killed a worker comes last, so that it cannot hold up the rest.
        """
        if self._returned:
            return self._returned.popleft()
        if self._next == len(self.queries):
            return self._suspect.popleft()
        left = len(self.queries) - self._next
        size = max(1, min(MAX_CHUNK, left // (_SHARES * self.workers)))
        start = self._next
        self._next = self._passage_end(min(start + size, len(self.queries)) - 1)
        return Chunk(tuple(range(start, self._next)))

    def give_back(self, chunk: Chunk) -> None:
        """Take back a chunk that its worker had not begun."""
        self._returned.append(chunk)

    def lost(self, chunk: Chunk, left: Sequence[int]) -> None:
        """Take back what a worker that died on `chunk` had not answered.

        Passages are tried one by one from then on, to find the one that kills.
        """
        alone = len(self._by_passage(chunk.positions)) == 1
        losses = chunk.losses + alone
        for positions in self._by_passage(left):
            again = Chunk(positions, losses)
            (self.given_up if losses >= ATTEMPTS else self._suspect).append(again)

    def named(self, chunks: Sequence[Chunk]) -> str:
        """Name the passages of chunks, at most a few of them."""
        positions = sorted(p for chunk in chunks for p in chunk.positions)
        ids = dict.fromkeys(self.queries[p].passage.id for p in positions)
        names = [repr(name) for name in list(ids)[:_NAMED]]
        more = len(ids) - len(names)
        return ", ".join(names) + (f" and {more} more" if more else "")

    def _passage_end(self, position: int) -> int:
        passage = self.queries[position].passage.id
        while position < len(self.queries):
            if self.queries[position].passage.id != passage:
                break
            position += 1
        return position

    def _by_passage(self, positions: Sequence[int]) -> list[tuple[int, ...]]:
        groups: dict[str, list[int]] = {}
        for position in positions:
            groups.setdefault(self.queries[position].passage.id, []).append(position)
        return [tuple(group) for group in groups.values()]
