"""Tag rules, case by case (scorers.md, section 4.10), and beside seqeval."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, Entities

from unibench.errors import ScoreError
from unibench.schema.score import Case, Counts
from unibench.schema.text import Passage
from unibench.scoring.api import score_cases
from unibench.scoring.matching.tags import chunks_default, chunks_iob2

CASES = [
    pytest.param(
        ["B-PER I-PER O B-LOC"], ["B-PER I-PER O B-LOC"], (2, 2, 2), (2, 2, 2), id="S1"
    ),
    pytest.param(
        ["B-PER I-PER O B-LOC"], ["I-PER I-PER O I-LOC"], (2, 2, 2), (0, 0, 2), id="S2"
    ),
    pytest.param(
        ["I-PER I-PER O I-LOC"], ["B-PER I-PER O B-LOC"], (2, 2, 2), (0, 2, 0), id="S3"
    ),
    pytest.param(["B-PER I-PER O"], ["B-PER I-LOC O"], (0, 2, 1), (0, 1, 1), id="S4"),
    pytest.param(
        ["B-PER I-PER I-PER O"], ["B-PER B-PER I-PER O"], (0, 2, 1), (0, 2, 1), id="S5"
    ),
    pytest.param(
        ["B-PER B-LOC I-LOC"], ["B-PER I-LOC I-LOC"], (2, 2, 2), (1, 1, 2), id="S6"
    ),
    pytest.param(
        ["O B-PER", "B-PER O"], ["O B-PER", "I-PER O"], (2, 2, 2), (1, 1, 2), id="S7"
    ),
    pytest.param(
        ["O O", "B-PER O"], ["B-PER O", "B-PER O"], (1, 2, 1), (1, 2, 1), id="S8"
    ),
    pytest.param(
        ["B-PER I-PER E-PER O S-LOC"],
        ["B-PER I-PER I-PER O B-LOC"],
        (2, 2, 2),
        None,
        id="S9",
    ),
    pytest.param(
        ["B-PER O B-LOC B-LOC B-LOC"],
        ["B-PER O B-LOC O O"],
        (2, 2, 4),
        (2, 2, 4),
        id="S10",
    ),
]


def cases(gold: Sequence[str], predicted: Sequence[str]) -> list[Case]:
    return [
        Case(
            Passage(str(number), ""),
            ("PER", "LOC"),
            tags=(tuple(ours.split()), tuple(theirs.split())),
        )
        for number, (ours, theirs) in enumerate(zip(gold, predicted, strict=True))
    ]


@pytest.mark.parametrize(("gold", "predicted", "default", "strict"), CASES)
def test_tags(
    gold: list[str],
    predicted: list[str],
    default: tuple[int, int, int],
    strict: tuple[int, int, int] | None,
) -> None:
    documents = cases(gold, predicted)
    for name in ("conlleval", "seqeval_default"):
        assert score_cases(documents, name).counts == Counts(*default)
    if strict is None:
        with pytest.raises(ScoreError, match="'E-PER' is not a tag of IOB2"):
            score_cases(documents, "seqeval_strict")
    else:
        assert score_cases(documents, "seqeval_strict").counts == Counts(*strict)


def random_tags(draw: random.Random, prefixes: str, types: str) -> list[str]:
    size = draw.randint(1, 12)
    return [
        "O" if draw.random() < 0.3 else f"{draw.choice(prefixes)}-{draw.choice(types)}"
        for _ in range(size)
    ]


def test_default_equals_seqeval_on_10000_random_documents() -> None:
    draw = random.Random(1)  # noqa: S311
    for _ in range(10_000):
        tags = random_tags(draw, "BIES", "XY")
        ours = [tuple(chunk) for chunk in chunks_default(tags)]
        assert ours == get_entities(tags), tags


def test_strict_equals_seqeval_on_10000_random_documents() -> None:
    draw = random.Random(2)  # noqa: S311
    documents = [random_tags(draw, "BI", "XY") for _ in range(10_000)]
    theirs: Any = Entities(documents, IOB2).entities
    for tags, entities in zip(documents, theirs, strict=True):
        expected = [(e.tag, e.start, e.end - 1) for e in entities]
        assert [tuple(chunk) for chunk in chunks_iob2(tags)] == expected, tags


@pytest.mark.filterwarnings("ignore:.* seems not to be NE tag")
@pytest.mark.parametrize(
    "tags", [["PER", "PER", "O"], ["o", "o"], ["b-x", "b-x"], ["B-"]]
)
def test_tags_outside_every_scheme_are_read_as_seqeval_does(tags: list[str]) -> None:
    assert [tuple(chunk) for chunk in chunks_default(tags)] == get_entities(tags)


def test_nested_mentions_are_flattened_and_counted(
    make_case: Callable[..., Case],
) -> None:
    case = make_case("a b c d", "o 0-2, l 2, l 3, x 2-3", "l 2, o 2, l 3")
    result = score_cases([case], "conlleval")
    # gold keeps o 0-2 and l 3; of l 2 and o 2 the first by type name stays
    assert result.counts == Counts(1, 2, 2)
    assert result.notes["flattened_gold"] == 2
    assert result.notes["flattened_predicted"] == 1
