"""GNER's rule, case by case (scorers.md, section 4.7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from unibench.schema.score import Case, Counts
from unibench.scoring.api import score_cases
from unibench.scoring.rules.gner import align_words, read_tagged_words

G1 = "Ann Lee met Bo in Rome ."


@pytest.mark.parametrize(
    ("text", "gold", "answer", "counts"),
    [
        pytest.param(
            G1,
            "person 0-1, person 3, location 5",
            "Ann(B-person) Lee(I-person) Bo(B-person) in(O) Rome(B-location) .(O)",
            (3, 3, 3),
            id="G1",
        ),
        pytest.param(
            "Ann met Bo .",
            "person 0, person 2",
            "Ann(B-person) gladly(O) met(O) Bo(B-person) Smith(I-person) .(O)",
            (2, 2, 2),
            id="G2",
        ),
        pytest.param(
            "Ann met Bo .",
            "person 0, person 2",
            "Ann(B-human) met(O) Bo(B-person) .(O)",
            (1, 1, 2),
            id="G3",
        ),
        pytest.param(
            "Ann met Ann .",
            "person 0, person 2",
            "Ann(B-person) met(O) Ann(O) .(O)",
            (1, 1, 1),
            id="G4",
        ),
        pytest.param(
            "Ann Rome met",
            "person 0, location 1",
            "Ann(B-person) Rome(I-location) met(O)",
            (0, 1, 2),
            id="G5",
        ),
        pytest.param(
            "Ann met Bo in Rome",
            "person 0, person 2, location 4",
            "Ann(B-person) met(O) Bo(B-per",
            (1, 1, 3),
            id="G6",
        ),
        pytest.param(
            "The Who played The Band",
            "band 0-1, band 3-4",
            "The(O) Who(B-band) played(O) The(B-band) Band(I-band)",
            (2, 2, 2),
            id="G7",
        ),
        pytest.param(
            "Aspirin works",
            "drug(s) 0",
            "Aspirin(B-drug(s)) works(O)",
            (0, 0, 1),
            id="G8",
        ),
        pytest.param("It rains .", "", "It(O) rains(O) .(O)", (0, 0, 0), id="G9"),
    ],
)
def test_gner(
    make_case: Callable[..., Case],
    text: str,
    gold: str,
    answer: str,
    counts: tuple[int, int, int],
) -> None:
    types = ("person", "location", "band", "drug(s)")
    responses = {"\n".join(types): answer}
    case = make_case(text, gold, types=types, responses=responses, answer_form="gner")
    assert score_cases([case], "gner").counts == Counts(*counts)


@pytest.mark.parametrize(
    ("answer", "words", "tags"),
    [
        pytest.param("a(O)b(B-x)", ["a", "b"], ["O", "B-x"], id="no-blank"),
        pytest.param(
            "a(O) (O) b(O) c", ["a", "b"], ["O", "O"], id="empty-word-and-rest"
        ),
        pytest.param("a(B-x\n) b(O)", ["a(B-x\n) b"], ["O"], id="tag-over-two-lines"),
        pytest.param("f(x) g(I-y z)", ["f(x) g"], ["I-y z"], id="other-brackets"),
        pytest.param("a(B-" * 3, [], [], id="never-closed"),
        pytest.param("a(B-" * 3 + ")", ["a"], ["B-a(B-a(B-"], id="closed-late"),
        pytest.param("a(B-b(B-\nc(B-d)", ["a(B-b(B-\nc"], ["B-d"], id="line-between"),
    ],
)
def test_tagged_words(answer: str, words: list[str], tags: list[str]) -> None:
    assert read_tagged_words(answer) == (words, tags)


@pytest.mark.parametrize(
    ("passage", "written", "partners"),
    [
        pytest.param("A b", "a B", [0, 1], id="equal-but-for-case"),
        pytest.param("a b a c", "a c", [0, None, None, 1], id="subsequence-from-left"),
        pytest.param("a b c", "x a c", [1, None, 2], id="longest-common"),
        pytest.param("a b", "", [None, None], id="nothing-written"),
        pytest.param("a b", "x", [None, None], id="nothing-in-common"),
        pytest.param("a a x", "y a", [None, 1, None], id="repeated-word"),
    ],
)
def test_alignment(passage: str, written: str, partners: list[int | None]) -> None:
    assert align_words(passage.split(), written.split()) == partners
