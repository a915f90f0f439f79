"""Mentions given by token numbers: from numbers to characters of the joined text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import msgspec

from unibench.data.formats.offsets import Annotation, Mismatch, Pieces, mentions_of
from unibench.data.formats.tags import passage_of_spans
from unibench.errors import FormatError
from unibench.schema.text import Passage

PTB_BRACKETS = {
    "-LRB-": "(",
    "-RRB-": ")",
    "-LSB-": "[",
    "-RSB-": "]",
    "-LCB-": "{",
    "-RCB-": "}",
}
"""How the Penn Treebank writes brackets that are tokens."""


class TokenText:
    """Tokens joined by one blank, and where in the text each of them stands."""

    def __init__(
        self, tokens: Sequence[str], error: Callable[[str], FormatError]
    ) -> None:
        """Take the tokens; `error` makes the exception that names file and line.

        Raises:
            FormatError: a token is empty, so that it could stand nowhere.
        """
        self.tokens, self.error = list(tokens), error
        if "" in self.tokens:
            raise error(f"token {self.tokens.index('')} is empty")
        self.text = " ".join(self.tokens)
        self.starts: list[int] = []
        position = 0
        for token in self.tokens:
            self.starts.append(position)
            position += len(token) + 1

    def pieces(self, numbers: Iterable[int]) -> Pieces:
        """Return the places of the tokens with these numbers, neighbours as one.

        Raises:
            FormatError: there is no token of such a number, or none is named.
        """
        ordered = sorted(set(numbers))
        if not ordered:
            raise self.error("a mention without tokens")
        for number in (ordered[0], ordered[-1]):
            if not 0 <= number < len(self.tokens):
                raise self.error(
                    f"there is no token {number} among {len(self.tokens)} (from 0)"
                )
        firsts = [ordered[0]]
        lasts = []
        for one, other in pairwise(ordered):
            if other != one + 1:
                lasts.append(one)
                firsts.append(other)
        lasts.append(ordered[-1])
        ends = (self.starts[last] + len(self.tokens[last]) for last in lasts)
        return tuple(zip((self.starts[first] for first in firsts), ends, strict=True))

    def span(self, first: int, last: int) -> Pieces:
        """Return the place of the tokens from `first` to `last`, both included."""
        if not 0 <= first <= last < len(self.tokens):
            raise self.error(
                f"tokens {first} to {last} do not fit into {len(self.tokens)} (from 0)"
            )
        return ((self.starts[first], self.starts[last] + len(self.tokens[last])),)

    def passage(
        self,
        name: str,
        mentions: Iterable[tuple[str, Pieces, str | None]],
        repairs: Counter[str],
        document: str = "",
        mismatch: Mismatch = "error",
    ) -> Passage:
        """Return the passage with `mentions`: (label, places, the text they quote)."""
        annotations = [
            Annotation(label, pieces, quoted, self.error)
            for label, pieces, quoted in mentions
        ]
        bare = passage_of_spans(name, self.tokens, (), document)
        kept = mentions_of(self.text, annotations, mismatch, repairs)
        return msgspec.structs.replace(bare, mentions=kept)
