"""A uniform sample of a stream of unknown length, the same whatever its order.

Every passage has a random key that depends on the seed and on its name alone; the
sample is the passages with the smallest keys (bottom-k sampling, which is uniform
without replacement). So a stream may be read in parts, stopped and continued, and a
document whose keys are all too large need not be cut at all.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from unibench.errors import DataError

_ALL = ""
_NEVER = 1 << 64
_GOLDEN = 0x9E3779B97F4A7C15


class SampledPassage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A passage of the corpus: a row of `passages.jsonl`.

    `id` is derived from file, row and position, so it never changes; `document` is
    the file and row, `tokens` counts the passage alone.
    """

    id: str
    source: str
    document: str
    tokens: int
    text: str


class Kept(msgspec.Struct, frozen=True, order=True):
    """A passage with its key; the smallest keys stay."""

    key: int
    passage: SampledPassage


def keys_of(document: str, count: int, seed: int) -> Any:
    """Return `count` 64-bit keys for the passages of a document, as a numpy array.

    The generator is splitmix64 (Steele, Lea and Flood 2014), started at a hash of
    seed and document; it gives the n-th number without those before it.
    """
    import numpy as np
    import xxhash

    start = xxhash.xxh3_64_intdigest(document.encode(), seed=seed % _NEVER)
    with np.errstate(over="ignore"):
        state = np.uint64(start) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(
            _GOLDEN
        )
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return state ^ (state >> np.uint64(31))


class Reservoir:
    """The passages with the `size` smallest keys."""

    def __init__(self, size: int, kept: Sequence[Kept] = ()) -> None:
        """Start empty, or with what an earlier process kept."""
        self.size = size
        self._heap = [(-entry.key, entry.passage.id, entry.passage) for entry in kept]
        heapq.heapify(self._heap)
        self.shrink(size)

    def __len__(self) -> int:
        """Return how many passages are kept now."""
        return len(self._heap)

    @property
    def limit(self) -> int:
        """A key must be smaller to enter."""
        return -self._heap[0][0] if len(self._heap) >= self.size else _NEVER

    def add(self, key: int, passage: SampledPassage) -> None:
        """Keep the passage if its key is small enough."""
        if key < self.limit:
            heapq.heappush(self._heap, (-key, passage.id, passage))
            if len(self._heap) > self.size:
                heapq.heappop(self._heap)

    def shrink(self, size: int) -> None:
        """Keep only the `size` smallest keys from now on."""
        self.size = size
        while len(self._heap) > size:
            heapq.heappop(self._heap)

    def kept(self) -> list[Kept]:
        """Return what is kept, smallest key first."""
        return [Kept(-key, passage) for key, _, passage in sorted(self._heap)[::-1]]


class Sampler:
    """One reservoir, or one for each source of a stratified sample."""

    def __init__(
        self,
        size: int,
        stratify: Literal["none", "equal"] | Mapping[str, float] = "none",
        *,
        reserve: float = 0.0,
    ) -> None:
        """Take the size of the sample, the strata, and how much more is kept."""
        self.size, self.reserve = size, reserve
        self.stratify = stratify
        self._reservoirs: dict[str, Reservoir] = {}
        if isinstance(stratify, Mapping):
            total = sum(stratify.values())
            for source, share in stratify.items():
                room = self._room(size * share / total)
                self._reservoirs[source] = Reservoir(room)
        elif stratify == "none":
            self._reservoirs[_ALL] = Reservoir(self._room(size))

    def reservoir(self, source: str) -> Reservoir | None:
        """Return where passages of `source` go, None where its share is nothing.

        Raises:
            DataError: there are more sources than passages to sample.
        """
        if self.stratify == "none":
            return self._reservoirs[_ALL]
        if self.stratify == "equal" and source not in self._reservoirs:
            if len(self._reservoirs) >= self.size:
                raise DataError(
                    f"the corpus has more than {self.size} sources, the last one"
                    f" {source!r}, so they cannot share {self.size} passages equally;"
                    " is `source_field` the right field?"
                )
            room = self._room(self.size / (len(self._reservoirs) + 1))
            for reservoir in self._reservoirs.values():
                reservoir.shrink(room)
            self._reservoirs[source] = Reservoir(room)
        return self._reservoirs.get(source)

    def quotas(self) -> dict[str, int]:
        """Return how many passages each stratum may give; they add up to the size."""
        names = sorted(self._reservoirs)
        if isinstance(self.stratify, Mapping):
            total = sum(self.stratify.values())
            exact = {name: self.size * self.stratify[name] / total for name in names}
        else:
            exact = {name: self.size / len(names) for name in names}
        floors = {name: int(value) for name, value in exact.items()}
        rest = self.size - sum(floors.values())
        for name in sorted(names, key=lambda n: floors[n] - exact[n])[:rest]:
            floors[name] += 1
        return floors

    def kept(self) -> dict[str, list[Kept]]:
        """Return what is kept of each stratum, smallest key first."""
        return {name: r.kept() for name, r in sorted(self._reservoirs.items())}

    def restore(self, kept: Mapping[str, Sequence[Kept]]) -> None:
        """Go on from what `kept` returned in an earlier process."""
        for name in kept:
            self.reservoir(name)
        for name, entries in kept.items():
            size = self._reservoirs[name].size
            self._reservoirs[name] = Reservoir(size, entries)

    def _room(self, size: float) -> int:
        return max(1, math.ceil(size * (1 + self.reserve)))
