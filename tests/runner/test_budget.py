"""A run with a limit of money: never passed, nothing lost, goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.backends.budget import Budget, BudgetReached, Spent
from unibench.backends.prices import Price
from unibench.schema.query import Response

PRICE = Price(input_usd=1, output_usd=10, as_of="2026-01-01")
"""Dollars a million, so that 1 and 10 are millionths a token."""
BOUND = Spent(100, 100)  # at most 1,100 millionths of a dollar a request


def bound(item: int) -> Spent:
    return BOUND


class Model:
    """Answers in reverse order and notes what it was asked, round by round."""

    def __init__(
        self, prompt: int | None, completion: int, unanswered: int = 0
    ) -> None:
        self.answer = Response(
            "a",
            prompt_tokens=prompt,
            completion_tokens=completion,
            unanswered=unanswered,
        )
        self.rounds: list[Sequence[int]] = []

    def ask(self, items: Sequence[int]) -> Iterator[tuple[int, Response]]:
        self.rounds.append(items)
        for position in reversed(range(len(items))):
            yield position, self.answer


@pytest.mark.parametrize(
    ("limit_usd", "prompt", "completion", "rounds"),
    [
        # 10 requests of 1,100 at worst fit, each costs 20 + 200 = 220
        pytest.param(0.011, 20, 20, [10], id="all-in-one-round"),
        # 4 fit at worst and cost 880 of 4,400: then 3, 2, 1 (of 3,520, 2,860, 2,420)
        pytest.param(0.0044, 20, 20, [4, 3, 2, 1], id="later-rounds"),
        # 2 at worst cost 2,200 and leave nothing
        pytest.param(0.0022, 100, 100, [2], id="worst-case"),
        pytest.param(0.0010, 1, 1, [], id="not-even-one"),
    ],
)
def test_a_round_is_what_the_worst_case_allows(
    limit_usd: float, prompt: int, completion: int, rounds: list[int]
) -> None:
    budget, model = Budget(PRICE, limit_usd), Model(prompt, completion)
    with contextlib.suppress(BudgetReached):
        list(budget.respond(list(range(10)), model.ask, bound))
    assert [len(asked) for asked in model.rounds] == rounds
    assert budget.spent_usd <= limit_usd + 1e-12


def test_every_answer_has_its_own_position() -> None:
    budget, model = Budget(PRICE, 0.0044), Model(20, 20)
    found = [p for p, _ in budget.respond(list(range(10)), model.ask, bound)]
    assert found == [3, 2, 1, 0, 6, 5, 4, 8, 7, 9]
    assert [list(asked) for asked in model.rounds] == [
        [0, 1, 2, 3], [4, 5, 6], [7, 8], [9],
    ]  # fmt: skip


def test_the_message_says_what_was_spent_and_what_is_missing() -> None:
    budget, model = Budget(PRICE, 0.0025), Model(100, 100)
    with pytest.raises(BudgetReached) as stopped:
        list(budget.respond(list(range(10)), model.ask, bound))
    text = str(stopped.value)
    assert "the budget of $0.0025 is used up: this run spent $0.0022 on 2 req" in text
    assert "8 requests are not asked" in text
    assert "the same command with a new --budget goes on" in text
    assert stopped.value.left == 8


def test_the_limit_holds_over_several_subsets() -> None:
    budget, model = Budget(PRICE, 0.0033), Model(100, 100)
    list(budget.respond([1, 2], model.ask, bound))
    with pytest.raises(BudgetReached, match="on 3 requests"):
        list(budget.respond([3, 4], model.ask, bound))


def test_retries_and_uncounted_answers_are_paid() -> None:
    budget = Budget(PRICE, 1)
    budget.take(
        Response("a", prompt_tokens=5, completion_tokens=7, unanswered=2), BOUND
    )
    assert budget.spent_usd == pytest.approx(3 * (5 + 70) / 1e6)
    budget.take(Response("a"), BOUND)
    assert budget.spent_usd == pytest.approx((225 + 1100) / 1e6)
    budget.take(Response("", "prompt_too_long"), BOUND)
    assert budget.spent_usd == pytest.approx(1325 / 1e6)
    assert (budget.requests, budget.uncounted, budget.unanswered) == (3, 1, 2)


@given(
    limit=st.integers(0, 30_000),
    costs=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=40),
)
def test_the_limit_is_never_passed(limit: int, costs: list[tuple[int, int]]) -> None:
    def ask(items: Sequence[tuple[int, int]]) -> Iterator[tuple[int, Response]]:
        for position, (prompt, completion) in enumerate(items):
            yield (
                position,
                Response("", prompt_tokens=prompt, completion_tokens=completion),
            )

    budget, answered = Budget(PRICE, limit / 1e6), 0
    try:
        for _ in budget.respond(costs, ask, lambda _: BOUND):
            answered += 1
    except BudgetReached as stopped:
        assert answered + stopped.left == len(costs)
        assert limit / 1e6 - budget.spent_usd < 0.0011  # another might have passed it
    assert budget.spent_usd <= limit / 1e6 + 1e-12
