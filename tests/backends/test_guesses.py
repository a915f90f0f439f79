"""Guesses of how a row of tokens goes on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.backends.local.guesses import Guesser

TOKENS = st.lists(st.integers(0, 4), max_size=30)


@pytest.mark.parametrize(
    ("tokens", "most", "guess"),
    [
        pytest.param([], 4, [], id="nothing"),
        pytest.param([1, 2, 3], 4, [], id="new"),
        pytest.param([7, 1, 2, 8, 9, 5, 1, 2], 2, [8, 9], id="after-two"),
        pytest.param([1, 2, 8, 1, 2, 9, 5, 1, 2], 2, [9, 5], id="the-last-place"),
        pytest.param([2, 6, 3, 2], 4, [6, 3, 2], id="after-one"),
        pytest.param([1, 2, 8, 3, 2, 9, 1, 2], 1, [8], id="two-before-one"),
        pytest.param([4, 4, 4], 4, [4], id="itself"),
    ],
)
def test_what_followed_before_is_guessed(
    tokens: list[int], most: int, guess: list[int]
) -> None:
    assert Guesser(tokens).guess(most) == guess


def test_trust_follows_what_was_right() -> None:
    guesser = Guesser([*range(40), 0, 1])
    assert guesser.guess(99) == [2, 3, 4, 5]
    guesser.learn(4, 4)
    assert len(guesser.guess(99)) == 8
    guesser.learn(8, 3)  # neither all nor none
    assert len(guesser.guess(99)) == 8
    for _ in range(9):
        guesser.learn(8, 8)
    assert len(guesser.guess(99)) == 16
    for _ in range(9):
        guesser.learn(16, 0)
    assert len(guesser.guess(99)) == 1


@given(TOKENS, TOKENS, st.integers(1, 9))
def test_a_guess_stood_behind_the_same_token(
    first: list[int], later: list[int], most: int
) -> None:
    guesser = Guesser(first)
    for token in later:
        guesser.add(token)
    tokens = first + later
    guess = guesser.guess(most)
    assert len(guess) <= most
    if guess:
        wanted = [tokens[-1], *guess]
        starts = range(len(tokens) - len(guess))
        assert any(tokens[at : at + len(wanted)] == wanted for at in starts)
    else:
        assert not tokens or tokens[-1] not in tokens[:-1]
