"""InstructUIE's rule with and without its bug (scorers.md, sections 4.4 and 4.5)."""

from __future__ import annotations

import pytest

from unibench.schema.score import Case, Counts
from unibench.schema.text import Mention, Passage
from unibench.scoring.api import score_cases
from unibench.scoring.matching.normalise import normalise_instructuie

TYPES = ("person", "location", "title", "organization")


def case(gold: str, answer: str, number: int = 0) -> Case:
    """Gold as `person: Ann / person: Bo`, the answer as the model wrote it."""
    mentions = []
    for piece in filter(None, gold.split(" / ")):
        name, _, text = piece.partition(": ")
        mentions.append(Mention(name, text))
    passage = Passage(str(number), "", tuple(mentions))
    return Case(
        passage, TYPES, responses={"\n".join(TYPES): answer}, answer_form="instructuie"
    )


BUGGY = [
    pytest.param("", "None", (1, 1, 1), id="N1"),
    pytest.param("", "", (0, 1, 1), id="N2"),
    pytest.param("", "person: Ann", (0, 1, 1), id="N3"),
    pytest.param("person: Ann", "None", (0, 1, 1), id="N4"),
    pytest.param("person: Ann / person: Ann", "person: ann", (1, 1, 1), id="N6"),
    pytest.param("title: Rise; and Fall", "title: Rise; and Fall", (2, 2, 2), id="N7"),
    pytest.param("person: Ann", "person: Ann;", (1, 2, 1), id="N8"),
    pytest.param(
        "organization: T - Mobile ( US )",
        "organization: T-Mobile (US)",
        (1, 1, 1),
        id="N9",
    ),
    pytest.param("location: Paris", "located: Paris", (1, 1, 1), id="N10"),
    pytest.param("person: Ann / person: Bo", "person: Ann, Bo", (0, 1, 2), id="N11"),
    pytest.param("", "None.", (0, 1, 1), id="N12"),
]
REPAIRED = [
    pytest.param("", "None", (0, 0, 0), id="I1"),
    pytest.param("", "person: Ann", (0, 1, 0), id="I2"),
    pytest.param("person: Ann", "None", (0, 0, 1), id="I3"),
    pytest.param("title: Rise; and Fall", "title: Rise; and Fall", (1, 1, 1), id="I5"),
    pytest.param("person: Ann", "The person is Ann", (0, 0, 1), id="I6"),
    pytest.param("person: Ann", "person: Ann;", (1, 1, 1), id="I7"),
]


@pytest.mark.parametrize(("gold", "answer", "counts"), BUGGY)
def test_none_bug(gold: str, answer: str, counts: tuple[int, int, int]) -> None:
    result = score_cases([case(gold, answer)], "instructuie_none_bug")
    assert result.counts == Counts(*counts)


@pytest.mark.parametrize(("gold", "answer", "counts"), REPAIRED)
def test_repaired(gold: str, answer: str, counts: tuple[int, int, int]) -> None:
    result = score_cases([case(gold, answer)], "instructuie")
    assert result.counts == Counts(*counts)


@pytest.mark.parametrize(
    ("profile", "counts"),
    [
        pytest.param("instructuie_none_bug", (3, 4, 4), id="N5"),
        pytest.param("instructuie", (1, 2, 2), id="I4"),
    ],
)
def test_three_passages(profile: str, counts: tuple[int, int, int]) -> None:
    cases = [
        case("", "None", 1),
        case("", "None", 2),
        case("person: Ann / location: Rome", "person: Ann; location: Roma", 3),
    ]
    assert score_cases(cases, profile).counts == Counts(*counts)


def test_the_bug_adds_the_pieces_without_a_colon() -> None:
    cases = [case("", "None", 1), case("title: A; B", "title: A; B; prose; prose", 2)]
    buggy = score_cases(cases, "instructuie_none_bug").counts
    repaired = score_cases(cases, "instructuie")
    lost = repaired.notes
    assert buggy.gold - repaired.counts.gold == lost["pieces_without_colon_gold"] == 2
    assert (
        buggy.predicted - repaired.counts.predicted
        == lost["pieces_without_colon_predicted"]
        == 3
    )


def test_by_type_keeps_asked_names_and_adds_up() -> None:
    result = score_cases(
        [case("location: Rome", "located: Rome; city: Oslo")], "instructuie_none_bug"
    )
    assert result.by_type["location"] == Counts(1, 1, 1)
    assert result.by_type["city"] == Counts(0, 1, 0)
    assert sum(result.by_type.values(), Counts()) == result.counts


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        (" a  b \n c ", "a b c"),
        ("x , y : z ( q ) . _ ; ' - e", "x,y:z(q)._;'-e"),
        ("{A},,..;;", "a,.;"),
        ("dislocation’s", "dislocated's"),  # noqa: RUF001
    ],
)
def test_format(text: str, formatted: str) -> None:
    assert normalise_instructuie(text) == formatted
