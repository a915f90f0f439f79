"""Stop asking before a limit of money would be passed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import TypeVar, cast

import msgspec

from unibench.backends.base import PROMPT_TOO_LONG
from unibench.backends.prices import Price, money
from unibench.errors import RunError
from unibench.schema.query import Response

T = TypeVar("T")
Respond = Callable[[Sequence[T]], Iterator[tuple[int, Response]]]

_ROUNDING = 1 + 1e-12
"""A limit such as 0.0033 is met exactly although its binary fraction is not exact."""


class BudgetReached(RunError):  # noqa: N818  (what was wanted, not a failure)
    """The next request might pass the limit; `left` requests were not asked."""

    def __init__(self, message: str, left: int) -> None:
        """Take the message for the user and what is missing."""
        super().__init__(message)
        self.left = left


class Spent(msgspec.Struct, frozen=True):
    """Tokens of prompts and answers."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Budget:
    """At most `limit_usd` are spent on one run, requests under way included.

    Requests are asked in rounds. A round is as large as its worst case allows: every
    prompt with as many tokens as it has bytes, every answer as long as
    `decoding.max_tokens`. What it really cost is known when it is over, and the next
    round is as large as what is left allows. So the limit holds whatever the answers
    are, and most of it can be spent.
    """

    def __init__(self, price: Price, limit_usd: float) -> None:
        """Take the price and the limit."""
        self.price, self.limit_usd = price, limit_usd
        self._tokens = Spent()
        self.requests = self.uncounted = self.unanswered = 0

    @property
    def spent_usd(self) -> float:
        """What the tokens cost that the server counted so far."""
        return self.price.cost(
            self._tokens.prompt_tokens, self._tokens.completion_tokens
        )

    def take(self, response: Response, bound: Spent) -> None:
        """Count an answer; one without token counts costs its worst case.

        A sending that brought nothing and may be billed costs what the answer did; a
        prompt that did not fit costs nothing.
        """
        self.requests += 1
        if response.finish_reason == PROMPT_TOO_LONG:
            return
        self.unanswered += response.unanswered
        prompt, completion = response.prompt_tokens, response.completion_tokens
        self.uncounted += prompt is None or completion is None
        prompt = bound.prompt_tokens if prompt is None else prompt
        completion = bound.completion_tokens if completion is None else completion
        times = 1 + response.unanswered
        self._tokens = Spent(
            self._tokens.prompt_tokens + times * prompt,
            self._tokens.completion_tokens + times * completion,
        )

    def respond(
        self, items: Sequence[T], ask: Respond[T], bound: Callable[[T], Spent]
    ) -> Iterator[tuple[int, Response]]:
        """Ask `items` for as long as the money lasts; yield (position, answer).

        Raises:
            BudgetReached: the next item might pass the limit.
        """
        begun = 0
        while begun < len(items):
            bounds = self._round(items, begun, bound)
            if not bounds:
                raise BudgetReached(
                    self._used_up(len(items) - begun), len(items) - begun
                )
            chunk = items[begun : begun + len(bounds)]
            with closing(_generator(ask(chunk))) as answers:
                for position, response in answers:
                    self.take(response, bounds[position])
                    yield begun + position, response
            begun += len(bounds)

    def _round(
        self, items: Sequence[T], begun: int, bound: Callable[[T], Spent]
    ) -> list[Spent]:
        """The worst cases of as many items as the rest of the money allows."""
        prompt, completion = msgspec.structs.astuple(self._tokens)
        bounds: list[Spent] = []
        for number in range(begun, len(items)):
            worst = bound(items[number])
            # whole tokens are added, so that no rounding decides
            prompt += worst.prompt_tokens
            completion += worst.completion_tokens
            if self.price.cost(prompt, completion) > self.limit_usd * _ROUNDING:
                break
            bounds.append(worst)
        return bounds

    def _used_up(self, left: int) -> str:
        text = (
            f"the budget of {money(self.limit_usd)} is used up: this run spent"
            f" {money(self.spent_usd)} on {self.requests:,} requests (prices of"
            f" {self.price.as_of})"
        )
        if self.unanswered:
            text += f", {self.unanswered:,} sent again after no answer counted too"
        if self.uncounted:
            text += (
                f", of which the server counted no tokens for {self.uncounted:,};"
                " those count as their worst case"
            )
        return (
            f"{text}; {left:,} requests are not asked, and the next might cost more"
            " than is left. All answers are stored: the same command with a new"
            " --budget goes on"
        )


def _generator(
    answers: Iterator[tuple[int, Response]],
) -> Generator[tuple[int, Response], None, None]:
    if isinstance(answers, Generator):
        return cast("Generator[tuple[int, Response], None, None]", answers)
    return (answer for answer in answers)
