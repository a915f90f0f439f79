"""The four schemas, case by case (scorers.md, section 4.11), and beside nervaluate."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from nervaluate.entities import Entity
from nervaluate.strategies import (
    EntityTypeEvaluation,
    ExactEvaluation,
    PartialEvaluation,
    StrictEvaluation,
)

from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage, Span
from unibench.scoring.api import score_cases

OUTCOMES = ("COR", "INC", "PAR", "MIS", "SPU")
THEIRS: dict[str, Any] = {
    "strict": StrictEvaluation(),
    "exact": ExactEvaluation(),
    "partial": PartialEvaluation(),
    "type": EntityTypeEvaluation(),
}
TEXT = " ".join(f"w{number}" for number in range(14))
CASES = [
    pytest.param(
        ["A 0-1, B 4"], ["A 0-1, B 4"],
        ((2, 0, 0, 0, 0), (2, 0, 0, 0, 0), (2, 0, 0, 0, 0), (2, 0, 0, 0, 0)),
        (1, 1, 1, 1), id="V1",
    ),
    pytest.param(
        ["A 0-3"], ["A 0-1"],
        ((0, 1, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0), (1, 0, 0, 0, 0)),
        (0, 0, 0.5, 1), id="V2",
    ),
    pytest.param(
        ["A 0-1"], ["B 0-1"],
        ((0, 1, 0, 0, 0), (1, 0, 0, 0, 0), (1, 0, 0, 0, 0), (0, 1, 0, 0, 0)),
        (0, 1, 1, 0), id="V3",
    ),
    pytest.param(
        ["A 0-3"], ["B 2-5"],
        ((0, 1, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0), (0, 1, 0, 0, 0)),
        (0, 0, 0.5, 0), id="V4",
    ),
    pytest.param(
        ["A 0-1"], ["A 5-6"],
        ((0, 0, 0, 1, 1), (0, 0, 0, 1, 1), (0, 0, 0, 1, 1), (0, 0, 0, 1, 1)),
        (0, 0, 0, 0), id="V5",
    ),
    pytest.param(
        ["A 0-1, A 3-5, B 7, B 9-10"], ["A 0-1, A 3-4, A 7, B 12"],
        ((1, 2, 0, 1, 1), (2, 1, 0, 1, 1), (2, 0, 1, 1, 1), (2, 1, 0, 1, 1)),
        (0.25, 0.5, 0.625, 0.5), id="V6",
    ),
    pytest.param(
        ["A 0-3", "A 0-1"], ["A 0-1", "A 0-1"],
        ((1, 1, 0, 0, 0), (1, 1, 0, 0, 0), (1, 0, 1, 0, 0), (2, 0, 0, 0, 0)),
        (0.5, 0.5, 0.75, 1), id="V7",
    ),
    pytest.param(
        ["A 0-1, A 3-4"], ["A 0-4"],
        ((0, 1, 0, 1, 0), (0, 1, 0, 1, 0), (0, 0, 1, 1, 0), (1, 0, 0, 1, 0)),
        (0, 0, 1 / 3, 2 / 3), id="V8",
    ),
    pytest.param(
        ["A 0-4"], ["A 0-1, A 3-4"],
        ((0, 1, 0, 0, 1), (0, 1, 0, 0, 1), (0, 0, 1, 0, 1), (1, 0, 0, 0, 1)),
        (0, 0, 1 / 3, 2 / 3), id="V9",
    ),
    pytest.param(
        ["A 0-5"], ["A 0-2, A 0-5"],
        ((1, 0, 0, 0, 1), (1, 0, 0, 0, 1), (1, 0, 0, 0, 1), (1, 0, 0, 0, 1)),
        (2 / 3, 2 / 3, 2 / 3, 2 / 3), id="V10",
    ),
    pytest.param(
        ["A 0-1"], ["A 0-1, A 0-1"],
        ((1, 0, 0, 0, 1), (1, 0, 0, 0, 1), (1, 0, 0, 0, 1), (1, 0, 0, 0, 1)),
        (2 / 3, 2 / 3, 2 / 3, 2 / 3), id="V11",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("gold", "predicted", "outcomes", "f1"), CASES)
def test_schemas(
    make_case: Callable[..., Case],
    gold: list[str],
    predicted: list[str],
    outcomes: tuple[tuple[int, ...], ...],
    f1: tuple[float, ...],
) -> None:
    cases = [
        make_case(TEXT, ours, theirs, id=str(number))
        for number, (ours, theirs) in enumerate(zip(gold, predicted, strict=True))
    ]
    for schema, expected, value in zip(THEIRS, outcomes, f1, strict=True):
        result = score_cases(cases, f"semeval_{schema}")
        assert tuple(result.notes.get(o, 0) for o in OUTCOMES) == expected, schema
        assert result.f1 == pytest.approx(value), schema
        assert sum(c.predicted for c in result.by_type.values()) == sum(
            expected[i] for i in (0, 1, 2, 4)
        )
        assert all(c.f1 <= 1 for c in result.by_type.values())


Spans = list[tuple[int, int, str]]


def random_spans(draw: random.Random, *, flat: bool) -> Spans:
    found: Spans = []
    for _ in range(draw.randint(0, 5)):
        first = draw.randint(0, 9)
        span = (first, min(9, first + draw.randint(0, 3)), draw.choice("AB"))
        clash = any(span[0] <= last and start <= span[1] for start, last, _ in found)
        if not (clash and flat) and span not in found:
            found.append(span)
    return sorted(found)


def as_case(gold: Spans, predicted: Spans) -> Case:
    """Each token is one character, with a blank between."""

    def mentions(spans: Spans) -> tuple[Mention, ...]:
        return tuple(
            Mention(name, "x", (Span(2 * first, 2 * last + 1),))
            for first, last, name in spans
        )

    passage = Passage("p", " ".join("abcdefghij"), mentions(gold))
    return Case(passage, ("A", "B"), mentions(predicted))


def their_outcomes(schema: str, gold: Spans, predicted: Spans) -> tuple[int, ...]:
    ours, theirs = (
        [Entity(label=name, start=first, end=last) for first, last, name in spans]
        for spans in (gold, predicted)
    )
    result, _ = THEIRS[schema].evaluate(ours, theirs, ["A", "B"])
    return (
        result.correct, result.incorrect, result.partial, result.missed,
        result.spurious,
    )  # fmt: skip


def our_outcomes(schema: str, gold: Spans, predicted: Spans) -> tuple[int, ...]:
    case = as_case(gold, predicted)
    notes = score_cases([case], f"semeval_{schema}", resamples=0).notes
    return tuple(notes.get(name, 0) for name in OUTCOMES)


def test_equal_to_nervaluate_on_10000_random_flat_documents() -> None:
    draw = random.Random(3)  # noqa: S311
    for _ in range(10_000):
        gold, predicted = (random_spans(draw, flat=True) for _ in range(2))
        for schema in THEIRS:
            ours = our_outcomes(schema, gold, predicted)
            assert ours == their_outcomes(schema, gold, predicted), (gold, predicted)


def test_each_difference_on_overlaps_is_an_exact_pair_given_away() -> None:
    draw = random.Random(4)  # noqa: S311
    differences = 0
    for number in range(4000):
        gold, predicted = (random_spans(draw, flat=False) for _ in range(2))
        schema = list(THEIRS)[number % 4]
        ours = our_outcomes(schema, gold, predicted)
        theirs = their_outcomes(schema, gold, predicted)
        if ours == theirs:
            continue
        differences += 1
        exact = set(gold) & set(predicted)
        rest = [[s for s in side if s not in exact] for side in (gold, predicted)]
        if schema in {"exact", "partial"}:
            same = {s[:2] for s in rest[0]} & {s[:2] for s in rest[1]}
            assert exact or same
        else:
            assert exact
            again = their_outcomes(schema, *rest)
            assert ours == (again[0] + len(exact), *again[1:])
    assert 0 < differences < 400
