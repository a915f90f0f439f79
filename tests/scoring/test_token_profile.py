"""Token micro-F1, case by case (scorers.md, section 4.9)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from unibench.schema.score import Case, Counts
from unibench.schema.text import Passage, Span
from unibench.scoring.api import score, score_cases

TEXT = "Royal Bank of Rome opened"


@pytest.mark.parametrize(
    ("gold", "predicted", "counts"),
    [
        pytest.param("person 0-2", "person 0-2", (3, 3, 3), id="T1"),
        pytest.param("person 0-2", "person 0-1", (2, 2, 3), id="T2"),
        pytest.param("person 0, person 1", "person 0-1", (2, 2, 2), id="T3"),
        pytest.param(
            "organization 0-2, location 2", "organization 0-2", (3, 3, 4), id="T4"
        ),
        pytest.param("person 0-3", "location 0-3", (0, 4, 4), id="T5"),
        pytest.param("person 0", 'person "Cyrus Lee"', (0, 2, 1), id="T6"),
        pytest.param("person 0|2", "person 0-2", (2, 3, 2), id="discontinuous"),
    ],
)
def test_token(
    make_case: Callable[..., Case],
    gold: str,
    predicted: str,
    counts: tuple[int, int, int],
) -> None:
    result = score_cases([make_case(TEXT, gold, predicted)], "token")
    assert result.counts == Counts(*counts)


def test_part_of_a_token_covers_the_token() -> None:
    text = "The Rome-based firm"
    gold = [{"id": 1, "text": text, "entity_type": "l", "mentions": ["Rome-based"]}]
    predicted = [{"id": 1, "entity_type": "l", "mentions": ["Rome"]}]
    assert score(gold, predicted, profile="token").counts == Counts(1, 1, 1)


def test_the_datasets_own_tokens_are_used(make_case: Callable[..., Case]) -> None:
    case = make_case("Rome-based", "l 0", "l 0")
    halves = (Span(0, 4), Span(4, 5), Span(5, 10))
    passage = msgspec.structs.replace(case.passage, tokens=halves)
    assert isinstance(passage, Passage)
    own = msgspec.structs.replace(case, passage=passage)
    result = score_cases([own], "token")
    assert result.counts == Counts(3, 3, 3)
    assert result.notes == {"own_tokens": 1}
