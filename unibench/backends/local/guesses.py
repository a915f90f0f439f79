"""Guess how an answer goes on from what followed the same tokens before.

Answers copy names from the passage and repeat their own punctuation, so what followed
the last two tokens earlier in the prompt or the answer often follows them again. A
guess is only computed beside what is known, and kept where the model says the same:
decoding stays greedy (prompt lookup, Saxena 2023; the check is that of speculative
decoding, Leviathan et al. 2023, at temperature 0).
"""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 16
"""Tokens of a guess, at most."""


class Guesser:
    """The tokens so far, and where each pair of them last stood.

    How much is guessed follows how the last guess did: twice as much after one that
    was right throughout, half as much after one that was wrong at once.
    """

    def __init__(self, tokens: Iterable[int]) -> None:
        """Start with the tokens of a prompt."""
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}
        self._trust = 4
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        """Take the next token."""
        place = len(self._tokens)
        for length in (1, 2):
            if place >= length:
                self._after[tuple(self._tokens[place - length :])] = place
        self._tokens.append(token)

    def guess(self, most: int) -> list[int]:
        """Return what may come next, at most so many tokens; often nothing."""
        for length in (2, 1):
            start = self._after.get(tuple(self._tokens[-length:]))
            if start is not None:
                return self._tokens[start : start + min(most, self._trust)]
        return []

    def learn(self, guessed: int, right: int) -> None:
        """Take note of how many of the guessed tokens were right."""
        if guessed and right == guessed:
            self._trust = min(_MOST, 2 * self._trust)
        elif guessed and not right:
            self._trust = max(1, self._trust // 2)
