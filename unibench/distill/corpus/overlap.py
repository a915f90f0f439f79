"""Find passages that share a run of words with a passage of a test set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from unibench.distill.corpus.duplicates import gram_hashes, word_hashes
from unibench.schema.distillation import OverlapRecipe


class HeldOut(msgspec.Struct, frozen=True, kw_only=True):
    """The test passages that are compared: subset -> texts, and what is not here."""

    texts: dict[str, Iterable[str]]
    missing: tuple[str, ...] = ()


class OverlapIndex:
    """The runs of words of all test passages, as sorted 64-bit hashes."""

    def __init__(self, recipe: OverlapRecipe, tests: HeldOut) -> None:
        """Read all test passages; those shorter than a run cannot be compared."""
        import numpy as np

        self.words = recipe.words
        self.subsets = tuple(tests.texts)
        self.missing = tests.missing
        self.passages = self.too_short = 0
        found: list[Any] = [np.zeros(0, dtype=np.uint64)]
        for texts in tests.texts.values():
            for text in texts:
                grams = gram_hashes(word_hashes(text), self.words)
                self.passages += 1
                self.too_short += not len(grams)
                found.append(grams)
        self._hashes = np.unique(np.concatenate(found))

    def overlaps(self, text: str) -> bool:
        """Whether `text` shares a run of words with a test passage."""
        import numpy as np

        grams = gram_hashes(word_hashes(text), self.words)
        if not len(grams) or not len(self._hashes):
            return False
        at = np.searchsorted(self._hashes, grams)
        at[at == len(self._hashes)] = 0
        return bool((self._hashes[at] == grams).any())

    def report(self) -> dict[str, Any]:
        """Return what was compared, for the manifest."""
        return {
            "words": self.words,
            "subsets": list(self.subsets),
            "not_prepared_here": list(self.missing),
            "test_passages": self.passages,
            "too_short_to_compare": self.too_short,
            "runs": len(self._hashes),
        }
