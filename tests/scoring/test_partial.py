"""Half credit for overlap, case by case (scorers.md, section 4.2)."""

from __future__ import annotations

from typing import Any

import pytest

from unibench.schema.score import Counts
from unibench.scoring.api import score

CASES = [
    pytest.param(["asian"], ["asian cuisine"], (0, 1), id="P1"),
    pytest.param(
        ["New York", "New York Times"], ["New York Times", "York"], (1, 1), id="P2"
    ),
    pytest.param(["Ann Lee", "Bo Lee"], ["Lee"], (0, 1), id="P3"),
    pytest.param(
        ["Royal Bank of Scotland"], ["Royal Bank", "Scotland"], (0, 1), id="P4"
    ),
    pytest.param(
        ["alpha beta gamma delta", "epsilon zeta"],
        ["gamma delta epsilon", "alpha"],
        (0, 1),
        id="P5",
    ),
    pytest.param(["Bank of Rome"], ["University of Oslo"], (0, 1), id="P6"),
    pytest.param(
        ["Ann Lee", "Bo", "Cy"], ["Ann Lee", "Bo Day", "Dan"], (1, 1), id="P8"
    ),
    pytest.param(["duran duran"], ["duran"], (0, 1), id="P9"),
]


@pytest.mark.parametrize(("gold", "predicted", "exact_and_half"), CASES)
def test_partial(
    gold: list[str], predicted: list[str], exact_and_half: tuple[int, int]
) -> None:
    exact, half = exact_and_half
    expected = Counts(exact + half / 2, len(predicted), len(gold))
    result = score([gold], [predicted], profile="partial")
    assert result.counts == expected
    assert result.notes["half_credits"] == half
    turned = score([gold[::-1]], [predicted[::-1]], profile="partial")
    assert turned.counts == expected


def test_types_must_agree() -> None:  # P7
    gold: list[Any] = [
        {"id": 1, "entity_type": "person", "mentions": ["Paris"]},
        {"id": 1, "entity_type": "location", "mentions": []},
    ]
    predicted: list[Any] = [
        {"id": 1, "entity_type": "person", "mentions": []},
        {"id": 1, "entity_type": "location", "mentions": ["Paris"]},
    ]
    assert score(gold, predicted, profile="partial").counts == Counts(0, 1, 1)


def test_a_shared_function_word_is_no_overlap_of_offsets() -> None:  # P6
    text = "The Bank of Rome and the University of Oslo"
    gold = [{"id": 1, "text": text, "entity_type": "x", "mentions": ["Bank of Rome"]}]
    for mention, correct in (("University of Oslo", 0.0), ("of Rome", 0.5)):
        predicted = [{"id": 1, "entity_type": "x", "mentions": [mention]}]
        result = score(gold, predicted, profile="partial_span")
        assert result.counts == Counts(correct, 1, 1)
