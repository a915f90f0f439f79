"""Leave out passages that are kept already: equal ones, and nearly equal ones.

Near duplicates are found by MinHash with banding (Broder 1997) over word 5-grams and
then verified, so a passage is never left out on an estimate alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import Any

from unibench.schema.distillation import Duplicates

SHINGLE = 5
PERMUTATIONS = 128
RECALL = 0.995
"""At the threshold, this share of the pairs at least is found before verification."""
_WORD = re.compile(r"\w+")
_MULTIPLIER = 0x9E3779B97F4A7C15


class Duplicate:
    """The verdicts that `DuplicateFilter.check` gives."""

    NONE, EXACT, NEAR = "", "exact_duplicate", "near_duplicate"


class DuplicateFilter:
    """Remembers the passages that were kept, and says whether a new one repeats one."""

    def __init__(self, recipe: Duplicates) -> None:
        """Take what counts as a duplicate."""
        self.recipe = recipe
        self._exact: set[int] = set()
        self._texts: list[str] = []
        self._bands: defaultdict[bytes, list[int]] = defaultdict(list)
        self._rows = band_rows(recipe.near) if recipe.near else 0

    def check(self, text: str) -> str:
        """Return why `text` is left out, or nothing after remembering it."""
        import xxhash

        digest = xxhash.xxh3_64_intdigest(
            " ".join(text.casefold().split()).encode("utf-8", "surrogatepass")
        )
        if self.recipe.exact and digest in self._exact:
            return Duplicate.EXACT
        if self.recipe.near is not None and self._is_near(text):
            return Duplicate.NEAR
        self._exact.add(digest)
        return Duplicate.NONE

    def _is_near(self, text: str) -> bool:
        """Compare with the passages that share a band; remember it if it is new."""
        grams = shingles(text)
        keys = self._band_keys(grams)
        candidates = {at for key in keys for at in self._bands.get(key, ())}
        near = self.recipe.near or 1.0
        if any(jaccard(grams, shingles(self._texts[at])) >= near for at in candidates):
            return True
        for key in keys:
            self._bands[key].append(len(self._texts))
        self._texts.append(text)
        return False

    def _band_keys(self, grams: Any) -> list[bytes]:
        signature = minhash(grams)
        rows = self._rows
        return [
            at.to_bytes(2, "little") + signature[at : at + rows].tobytes()
            for at in range(0, PERMUTATIONS - rows + 1, rows)
        ]


def band_rows(threshold: float) -> int:
    """Return the longest bands that still find `RECALL` of pairs at `threshold`."""
    rows = 1
    while 1 - (1 - threshold ** (rows + 1)) ** (PERMUTATIONS // (rows + 1)) >= RECALL:
        rows += 1
        if rows == PERMUTATIONS:
            break
    return rows


def word_hashes(text: str) -> Any:
    """Return the 64-bit hashes of the words of `text`, without case, as numpy."""
    import numpy as np

    words = _WORD.findall(text.casefold())
    return np.fromiter(map(_word_hash, words), dtype=np.uint64, count=len(words))


def gram_hashes(words: Any, size: int) -> Any:
    """Return the hashes of all runs of `size` words; none in a shorter text."""
    import numpy as np

    count = len(words) - size + 1
    if count <= 0:
        return np.zeros(0, dtype=np.uint64)
    total = np.zeros(count, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for offset in range(size):
            total = total * np.uint64(_MULTIPLIER) + words[offset : offset + count]
    return total


def shingles(text: str) -> Any:
    """Return the distinct word 5-grams of `text`; a shorter text is one of its own."""
    import numpy as np

    words = word_hashes(text)
    return np.unique(gram_hashes(words, min(SHINGLE, max(1, len(words)))))


def minhash(grams: Any) -> Any:
    """Return the MinHash signature: 32 bits for each of the permutations."""
    import numpy as np

    factors, offsets = _permutations()
    if not len(grams):
        return np.zeros(PERMUTATIONS, dtype=np.uint32)
    with np.errstate(over="ignore"):
        mixed = grams[:, None] * factors + offsets
    return (mixed >> np.uint64(32)).min(axis=0).astype(np.uint32)


def jaccard(one: Any, other: Any) -> float:
    """Return the Jaccard similarity of two sorted arrays without repetitions."""
    import numpy as np

    common = len(np.intersect1d(one, other, assume_unique=True))
    union = len(one) + len(other) - common
    return common / union if union else 1.0


@lru_cache(maxsize=1 << 16)
def _word_hash(word: str) -> int:
    import xxhash

    return int(xxhash.xxh3_64_intdigest(word.encode("utf-8", "surrogatepass")))


@lru_cache(maxsize=1)
def _permutations() -> tuple[Any, Any]:
    """Odd factors and offsets of multiply-shift hashing, the same in every run."""
    import numpy as np

    draw = np.random.default_rng(20230807)
    factors = draw.integers(0, 1 << 64, PERMUTATIONS, dtype=np.uint64) | np.uint64(1)
    return factors, draw.integers(0, 1 << 64, PERMUTATIONS, dtype=np.uint64)
