"""Types that are asked although the passage has none of them (the paper's Table 4)."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Collection, Mapping
from itertools import accumulate

from unibench.schema.distillation import Negatives

_PATIENCE = 20  # draws that may be in vain for each type that is wanted


class NegativeSampler:
    """Draws absent types, one after the other, each with its share of the rest.

    `uniform` gives every type the same share, `frequency` one in proportion to its
    number of entities in the whole data. A type that differs from a present one in
    case only is not absent.
    """

    def __init__(self, counts: Mapping[str, int], negatives: Negatives) -> None:
        """Take all types with their numbers of entities."""
        self.negatives = negatives
        uniform = negatives.strategy == "uniform"
        weights = {name: 1 if uniform else n for name, n in sorted(counts.items())}
        self._weights = {name: weight for name, weight in weights.items() if weight}
        self._names = tuple(self._weights)
        self._ends = list(accumulate(self._weights.values()))
        self._all = tuple(counts)
        self._folded = {name: name.casefold() for name in counts}

    def draw(self, present: Collection[str], seed: str) -> list[str]:
        """Return types that are not in `present`; equal seeds draw the same."""
        if self.negatives.strategy == "none":
            return []
        there = {name.casefold() for name in present}
        if self.negatives.count == "all":
            return [name for name in self._all if self._folded[name] not in there]
        draw = random.Random(seed)  # noqa: S311
        drawn: dict[str, None] = {}
        wanted = self.negatives.count if self._names else 0
        for _ in range(_PATIENCE * wanted):
            if len(drawn) == wanted:
                break
            at = bisect(self._ends, draw.random() * self._ends[-1])
            name = self._names[min(at, len(self._names) - 1)]
            if self._folded[name] not in there:
                drawn[name] = None
        return self._rest(drawn, there, wanted, draw)

    def _rest(
        self,
        drawn: dict[str, None],
        there: Collection[str],
        wanted: int,
        draw: random.Random,
    ) -> list[str]:
        """Draw what is missing from the types that are left, without vain draws.

        Types that are present or drawn can hold nearly all of the mass; then the
        remaining ones are weighed anew, which gives the same distribution.
        """
        found = list(drawn)
        if len(found) == wanted:
            return found
        left = [
            name
            for name in self._names
            if self._folded[name] not in there and name not in drawn
        ]
        while left and len(found) < wanted:
            weights = [self._weights[name] for name in left]
            at = draw.choices(range(len(left)), weights)[0]
            found.append(left.pop(at))
        return found
