"""EvalScope's rule, case by case (scorers.md, section 4.12)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from unibench.schema.score import Case, Counts
from unibench.scoring.api import score_cases
from unibench.scoring.rules.evalscope import clean, place_pieces, tagged_pieces

E1 = "Ann Lee met Bo in Rome ."
E7 = "Ann met Bo ."


@pytest.mark.parametrize(
    ("text", "gold", "predicted", "counts"),
    [
        pytest.param(
            E1,
            "person 0-1, person 3, location 5",
            "person 0-1, person 3, location 5",
            (3, 3, 3),
            id="E1",
        ),
        pytest.param(
            "talk to Ann Lee Bo Day now",
            "person 2-3, person 4-5",
            "person 2-3, person 4-5",
            (0, 1, 2),
            id="E2",
        ),
        pytest.param(
            "Ann , Ann , Ann",
            "person 0, person 2, person 4",
            "person 0, person 2, person 4",
            (1, 1, 3),
            id="E3",
        ),
        pytest.param(
            "We saw Ann in Rome and then Ann in Oslo with Ann",
            "person 2, location 4, person 7, location 9, person 11",
            "person 2, location 4, person 7, location 9, person 11",
            (4, 4, 5),
            id="E4",
        ),
        pytest.param(
            "from Oslo to Rome to Oslo to Rome",
            "location 1, location 3, location 5, location 7",
            "location 1, location 3, location 5, location 7",
            (2, 2, 4),
            id="E5",
        ),
    ],
)
def test_perfect_answers(
    make_case: Callable[..., Case],
    text: str,
    gold: str,
    predicted: str,
    counts: tuple[int, int, int],
) -> None:
    case = make_case(text, gold, predicted)
    assert score_cases([case], "evalscope").counts == Counts(*counts)


@pytest.mark.parametrize(
    ("text", "gold", "answer", "counts"),
    [
        pytest.param(
            "Annual report by Ann",
            "person 3",
            "Annual report by <person>Ann</person>",
            (0, 1, 1),
            id="E6",
        ),
        pytest.param(
            E7,
            "person 0, person 2",
            "<person>Ann</location> met <person>Bo</person> .",
            (2, 2, 2),
            id="E7",
        ),
        pytest.param(
            E7,
            "person 0, person 2",
            "<person>Ann met <person>Bo</person> .",
            (0, 0, 2),
            id="E8",
        ),
        pytest.param(
            E7,
            "person 0, person 2",
            "<human>Ann</human> met <person>Bo</person> .",
            (1, 2, 2),
            id="E9",
        ),
        pytest.param(
            "Bank of Rome opened",
            "organization 0-2",
            "<organization>Bank of <location>Rome</location></organization> opened",
            (0, 0, 1),
            id="E10",
        ),
        pytest.param(
            "Ann met Bo in Rome",
            "person 0, person 2, location 4",
            "<response><person>Ann</person> met <person>Bo</person> in <location>Ro",
            (2, 2, 3),
            id="cut-answer-loses-its-first-mention",
        ),
    ],
)
def test_answers(
    make_case: Callable[..., Case],
    text: str,
    gold: str,
    answer: str,
    counts: tuple[int, int, int],
) -> None:
    types = ("person", "organization", "location")
    responses = {"\n".join(types): answer}
    case = make_case(
        text, gold, types=types, responses=responses, answer_form="evalscope"
    )
    assert score_cases([case], "evalscope").counts == Counts(*counts)


def test_a_type_with_a_blank_has_a_tag() -> None:
    answer = "<first_name>Ann</first_name> left"
    tags = place_pieces(answer, ["Ann", "left"], ["first name"])
    assert tags == ["B-first name", "O"]


@pytest.mark.parametrize(
    ("answer", "pieces"),
    [
        pytest.param("<a>x</a>", [("A", "x")], id="closed"),
        pytest.param("<A>x</A>", [("A", "x")], id="case"),
        pytest.param("<a>x\ny</a>", [], id="line-break"),
        pytest.param("<a>x", [("A", "x")], id="unclosed-known"),
        pytest.param("<b>x", [], id="unclosed-unknown"),
        pytest.param("<b>x</b>", [("b", "x")], id="closed-unknown"),
        pytest.param("<a>x<a>y</a>", [("A", "x<a>y")], id="first-opening-wins"),
        pytest.param('<a id="1">x</a>', [], id="attributes"),
    ],
)
def test_pieces(answer: str, pieces: list[tuple[str, str]]) -> None:
    found = tagged_pieces(clean(answer), {"a": "A"})
    assert [(piece.entity_type, piece.text) for piece in found] == pieces
