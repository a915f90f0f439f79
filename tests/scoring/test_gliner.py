"""GLiNER's rule, case by case (scorers.md, section 4.6)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from unibench.schema.score import Case, Counts
from unibench.schema.text import Passage, Span, mention_at
from unibench.scoring.api import score_cases

L1_TEXT = "Ann Lee met Bo in New York ."
L1_GOLD = [("PERSON", 0, 7), ("Person", 12, 14), ("location", 18, 26)]


def built(
    text: str, gold: list[tuple[str, int, int]], predicted: list[tuple[str, int, int]]
) -> Case:
    ours = tuple(mention_at(text, n, Span(s, e)) for n, s, e in gold)
    theirs = tuple(mention_at(text, n, Span(s, e)) for n, s, e in predicted)
    asked = tuple(dict.fromkeys(m.entity_type for m in ours + theirs))
    return Case(Passage("p", text, ours), asked, theirs)


@pytest.mark.parametrize(
    ("text", "gold", "predicted", "counts"),
    [
        pytest.param(
            L1_TEXT,
            L1_GOLD,
            [("person", 0, 7), ("person", 12, 14), ("location", 18, 26)],
            (3, 3, 3),
            id="L1",
        ),
        pytest.param(
            L1_TEXT,
            L1_GOLD,
            [("person", 0, 3), ("person", 12, 14), ("location", 18, 26)],
            (2, 3, 3),
            id="L2",
        ),
        pytest.param(
            L1_TEXT,
            L1_GOLD,
            [("person", 0, 7), ("location", 12, 14), ("location", 18, 26)],
            (2, 3, 3),
            id="L3",
        ),
        pytest.param(
            "The Rome-based firm",
            [("location", 4, 8)],
            [("location", 4, 14)],
            (0, 1, 1),
            id="L4",
        ),
        pytest.param(
            "The Rome-based firm",
            [("location", 4, 8)],
            [("location", 4, 8)],
            (0, 1, 1),
            id="L4-part-of-a-word",
        ),
        pytest.param(
            "Ann  met Bo", [("person", 9, 11)], [("person", 9, 11)], (0, 1, 1), id="L5"
        ),
        pytest.param(
            "Rome-based, Oslo-based firms",
            [("location", 0, 4), ("location", 12, 16)],
            [],
            (0, 0, 2),
            id="no-last-word",
        ),
        pytest.param(
            "pre-Rome-era and un-Oslo-like",
            [("location", 4, 8), ("location", 20, 24)],
            [],
            (0, 0, 1),
            id="two-unmatchable-collapse",
        ),
    ],
)
def test_gliner(
    text: str,
    gold: list[tuple[str, int, int]],
    predicted: list[tuple[str, int, int]],
    counts: tuple[int, int, int],
) -> None:
    result = score_cases([built(text, gold, predicted)], "gliner")
    assert result.counts == Counts(*counts)
    assert sum(result.by_type.values(), Counts()) == result.counts


@pytest.mark.parametrize(
    ("gold", "predicted", "counts"),
    [
        pytest.param("p 0, p 2", "p 0, p 0", (1, 1, 2), id="L6"),
        pytest.param("o 0-2, l 2", "o 0-2, l 2", (2, 2, 2), id="L7"),
        pytest.param("p 0|2", "p 0|2", (0, 1, 1), id="discontinuous"),
    ],
)
def test_words(
    make_case: Callable[..., Case],
    gold: str,
    predicted: str,
    counts: tuple[int, int, int],
) -> None:
    result = score_cases([make_case("Ann of Rome", gold, predicted)], "gliner")
    assert result.counts == Counts(*counts)


def test_passages_are_apart(make_case: Callable[..., Case]) -> None:  # L8
    cases = [
        make_case("It rains", "", "person 0", id="1"),
        make_case("Ann left", "person 0", "person 0", id="2"),
    ]
    assert score_cases(cases, "gliner").counts == Counts(1, 2, 1)


def test_long_gold_is_counted_as_out_of_reach(make_case: Callable[..., Case]) -> None:
    text = " ".join("abcdefghijklmnop")
    result = score_cases([make_case(text, "t 0-12, t 1-12")], "gliner")
    assert result.notes["gold_out_of_reach"] == 1
