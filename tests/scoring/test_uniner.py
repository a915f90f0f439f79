"""The rule of the released evaluator, case by case (scorers.md, section 4.1)."""

from __future__ import annotations

from typing import Any

import pytest

from unibench.schema.score import Counts
from unibench.scoring.api import make_cases, score, score_cases

CASES = [
    pytest.param(
        [["Barack Obama", "The Beatles"]],
        ['["barack obama.", "Beatles"]'],
        (2, 2, 2),
        id="U1",
    ),
    pytest.param(
        [["Paris", "Paris"]], ['["Paris", "paris", "Lyon"]'], (1, 2, 1), id="U2"
    ),
    pytest.param([[], ["Ann"]], ["[]", '["Ann"]'], (1, 1, 1), id="U3"),
    pytest.param(
        [["Ann"], ["Bo"], ["Cy"]],
        ['Sure: ["Ann"]', "['Bo']", '["Cy", "Cy Young"'],
        (0, 0, 3),
        id="U4",
    ),
    pytest.param(
        [["vitamin [D]"], ["x"]],
        ['["vitamin [D]"]', '["x"] and ["y"]'],
        (1, 1, 2),
        id="U5-gold-kept",
    ),
    pytest.param(
        [["hepatitis A"], ["The The"]], ['["hepatitis"]', '["a"]'], (2, 2, 2), id="U6"
    ),
    pytest.param(
        [["U.S.", "rock'n'roll", "C++"]],
        ['["US", "rocknroll", "C"]'],
        (3, 3, 3),
        id="U7",
    ),
    pytest.param([["2020", "5"]], ['[2020, "5"]'], (0, 0, 2), id="U8"),
    pytest.param([["Ann"]], ['["Ann", ""]'], (1, 2, 1), id="U9"),
    pytest.param(
        [["Jean–Luc"], ["Jean-Luc"]],  # noqa: RUF001
        ['["Jean-Luc"]', '["Jean Luc"]'],
        (0, 2, 2),
        id="U10",
    ),
    pytest.param([["a b"]], ['["b"]'], (1, 1, 1), id="U11"),
    pytest.param([[]], ["[]"], (0, 0, 0), id="U12"),
]


@pytest.mark.parametrize(("gold", "answers", "counts"), CASES)
def test_uniner(gold: Any, answers: Any, counts: tuple[int, int, int]) -> None:
    assert score(gold, answers).counts == Counts(*counts)


def test_released_gold_parser_drops_a_list_with_a_bracket() -> None:
    gold = [["vitamin [D]"], ["x"]]
    answers = ['["vitamin [D]"]', '["x"] and ["y"]']
    result = score(gold, answers, profile="uniner:released_gold_parser")
    assert result.counts == Counts(1, 1, 1)
    assert result.notes["gold_dropped_by_parser"] == 1


def test_unreadable_answers_are_counted() -> None:
    gold: Any = [["Ann"], ["Bo"], ["Cy"]]
    result = score(gold, ['Sure: ["Ann"]', '["Bo"', '["Cy"]'])
    assert result.counts == Counts(1, 1, 3)
    assert result.notes == {"unparsed": 2}


def test_an_answer_after_the_last_role_cue_is_read() -> None:
    answer = '["Ann"]</s>USER: What describes location? ASSISTANT: ["Rome"]'
    assert score([["Ann"]], [answer]).counts == Counts(0, 1, 1)


def test_lists_of_mentions_are_scored_like_answers() -> None:
    assert score([["The Who", "Ann"]], [["who", "Bo"]]).counts == Counts(1, 2, 2)


def test_gold_that_normalises_to_nothing_stays_and_is_counted() -> None:
    result = score([["@"]], [["."]])
    assert result.counts == Counts(1, 1, 1)
    assert result.notes["gold_empty_text"] == 1


def test_counts_by_type_add_up_and_unasked_types_are_counted() -> None:
    gold = [
        {"id": 1, "text": "Ann in Rome", "entity_type": "person", "mentions": ["Ann"]},
        {"id": 1, "entity_type": "location", "mentions": ["Rome"]},
    ]
    predictions = [
        {
            "id": 1,
            "entity_types": ["person", "location"],
            "mentions": [
                {"text": "Ann", "entity_type": "person"},
                {"text": "Rome", "entity_type": "city"},
                {"text": "Oslo", "entity_type": "location"},
            ],
        }
    ]
    result = score_cases(make_cases(gold, predictions).cases, "uniner")
    assert result.by_type == {"person": Counts(1, 1, 1), "location": Counts(0, 1, 1)}
    assert result.notes == {"invented": 1, "unasked_type": 1}
