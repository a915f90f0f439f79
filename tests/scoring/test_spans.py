"""Offsets and type, case by case (scorers.md, section 4.3), and alignment."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from unibench.errors import ScoreError
from unibench.schema.score import Case, Counts
from unibench.schema.text import Span
from unibench.scoring.api import score, score_cases
from unibench.scoring.matching.align import find_spans, occurs

TEXT = "Ann Lee met Bo in Rome and Ann left Cy there"


@pytest.mark.parametrize(
    ("gold", "predicted", "counts"),
    [
        pytest.param("p 0-1, l 5", "p 0-1, l 5", (2, 2, 2), id="X1"),
        pytest.param("p 1-2", "p 1", (0, 1, 1), id="X2"),
        pytest.param("p 0, p 7", "p 0", (1, 1, 2), id="X3"),
        pytest.param("o 0-2, l 2", "o 0-2, l 2", (2, 2, 2), id="X4"),
        pytest.param("l 0", "p 0", (0, 1, 1), id="X5"),
        pytest.param("p 9", 'p "Cyrus"', (0, 1, 1), id="X6"),
        pytest.param("p 1-2|4", "p 1-4", (0, 1, 1), id="X7"),
        pytest.param("p 1-2|4", "p 1-2|4", (1, 1, 1), id="X7-right"),
    ],
)
def test_strict_span(
    make_case: Callable[..., Case],
    gold: str,
    predicted: str,
    counts: tuple[int, int, int],
) -> None:
    result = score_cases([make_case(TEXT, gold, predicted)], "strict_span")
    assert result.counts == Counts(*counts)


def test_invented_mentions_can_be_dropped(make_case: Callable[..., Case]) -> None:
    case = make_case(TEXT, "p 9", 'p "Cyrus"')
    kept = score_cases([case], "strict_span")
    dropped = score_cases([case], "strict_span:invented=drop")
    assert kept.counts == Counts(0, 1, 1)
    assert dropped.counts == Counts(0, 0, 1)
    assert kept.notes["invented"] == dropped.notes["invented"] == 1
    assert dropped.profile == "strict_span:invented=drop"


@pytest.mark.parametrize(
    ("align", "written", "counts"),
    [
        pytest.param("all", ["Ann"], (2, 2, 2), id="all"),
        pytest.param("first", ["Ann"], (1, 1, 2), id="first"),
        pytest.param("first", ["Ann", "Ann"], (1, 1, 2), id="first-twice"),
        pytest.param("count", ["Ann"], (1, 1, 2), id="count-once"),
        pytest.param("count", ["Ann", "Ann", "Ann"], (2, 2, 2), id="count-thrice"),
    ],
)
def test_strings_become_spans(
    align: str, written: list[str], counts: tuple[int, int, int]
) -> None:
    offsets = [{"start": 0, "end": 3}, {"start": 27, "end": 30}]
    gold = [{"id": 1, "text": TEXT, "entity_type": "p", "mentions": offsets}]
    predicted = [{"id": 1, "entity_type": "p", "mentions": written}]
    result = score(gold, predicted, profile=f"strict_span:align={align}")
    assert result.counts == Counts(*counts)


@pytest.mark.parametrize(
    ("text", "mention", "places"),
    [
        pytest.param("Rome, Rome", "Rome", [(0, 4), (6, 10)], id="all-places"),
        pytest.param("rome and Rome", "Rome", [(9, 13)], id="same-case-first"),
        pytest.param("ROME", "Rome", [(0, 4)], id="other-case"),
        pytest.param("Romeo in Rome", "Rome", [(9, 13)], id="whole-words-first"),
        pytest.param("Romeo", "Rome", [(0, 4)], id="inside-a-word"),
        pytest.param("must trust US", "us", [(11, 13)], id="word-before-case"),
        pytest.param("Rome-based", "Rome", [(0, 4)], id="hyphen-is-a-boundary"),
        pytest.param("New\n York", "New York", [(0, 9)], id="blanks"),
        pytest.param("New York", " New\tYork ", [(0, 8)], id="blanks-in-mention"),
        pytest.param("Ann Lee, ann lee", "ANN  LEE", [(0, 7), (9, 16)], id="both"),
        pytest.param("aaaa", "aa", [(0, 2), (2, 4)], id="no-overlap"),
        pytest.param("C++ or C", "C++", [(0, 3)], id="punctuation"),
        pytest.param("Rome", "Oslo", [], id="invented"),
        pytest.param("Rome", " ", [], id="blank"),
        pytest.param("Cafe\u0301 Luz", "Café", [(0, 5)], id="text-decomposed"),
        pytest.param("Café Luz", "Cafe\u0301", [(0, 4)], id="mention-decomposed"),
        pytest.param(
            "e\u0301e\u0301 \u1112\u1161\u11ab x", "한 x", [(5, 10)], id="hangul"
        ),
    ],
)
def test_places(text: str, mention: str, places: list[tuple[int, int]]) -> None:
    assert find_spans(text, mention) == tuple(Span(*place) for place in places)
    assert occurs(text, mention) == bool(places)


def test_places_need_a_text() -> None:
    rows = [{"id": "q7", "entity_type": "p", "mentions": ["Ann"]}]
    with pytest.raises(ScoreError, match=r"passage 'q7' has neither a text nor off"):
        score(rows, rows, profile="strict_span")
