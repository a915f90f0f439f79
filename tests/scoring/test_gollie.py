"""GoLLIE's rule, case by case (scorers.md, section 4.8)."""

from __future__ import annotations

from typing import Any

import pytest

from unibench.schema.score import Case, Counts
from unibench.schema.text import Mention, Passage
from unibench.scoring.api import score_cases
from unibench.scoring.rules.gollie import class_name, read_answer

TEXT = "Ann Lee met Bo in Rome. Ann Lee left Rome."
TYPES = ("person", "location")


def result(gold: list[str], answer: str, text: str = TEXT) -> Any:
    """Score gold such as `person Bo` against a list of constructor calls."""
    mentions = tuple(Mention(g.split(" ")[0], g.split(" ", 1)[1]) for g in gold)
    case = Case(
        Passage("p", text, mentions),
        TYPES,
        responses={"\n".join(TYPES): answer},
        answer_form="gollie",
    )
    return score_cases([case], "gollie")


@pytest.mark.parametrize(
    ("gold", "answer", "counts", "invented"),
    [
        pytest.param(
            ["person Ann Lee", "person Bo", "location Rome"],
            'result = [Person(span="ann lee"), Person("Bo "), Location(span="Rome")]',
            (3, 3, 3),
            0,
            id="O1",
        ),
        pytest.param(
            ["person Ann Lee", "person Ann Lee", "location Rome", "location Rome"],
            '[Person("Ann Lee"), Location("Rome"), Location("Rome")]',
            (3, 3, 4),
            0,
            id="O2",
        ),
        pytest.param(
            ["person Bo"], '[Person("Bo"), Person("Robert")]', (1, 1, 1), 1, id="O3"
        ),
        pytest.param(
            ["person Bo"],
            '[Person("Bo"), Person("Bo"), Person("Bo")]',
            (1, 1, 1),
            2,
            id="O4",
        ),
        pytest.param(
            ["person Bo"], '[Person("Bo"), Person("om")]', (1, 2, 1), 0, id="O5"
        ),
        pytest.param(
            ["person Bo"], '[Person("Bo"), City("Rome")]', (1, 1, 1), 1, id="O8"
        ),
        pytest.param(
            ["person Bo"], '[Person(""), Person("Bo")]', (1, 2, 1), 0, id="O9"
        ),
    ],
)
def test_gollie(
    gold: list[str], answer: str, counts: tuple[int, int, int], invented: int
) -> None:
    found = result(gold, answer)
    assert found.counts == Counts(*counts)
    assert found.notes.get("invented", 0) == invented


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        pytest.param(
            '[Location("Washington"), Person("Washington")]', (0, 1, 1), id="O6"
        ),
        pytest.param(
            '[Person("Washington"), Location("Washington")]', (1, 1, 1), id="O6-turned"
        ),
    ],
)
def test_the_limit_counts_all_types_together(
    answer: str, counts: tuple[int, int, int]
) -> None:
    found = result(["person Washington"], answer, "Washington spoke.")
    assert found.counts == Counts(*counts)


def test_an_unclosed_list_is_unparsable() -> None:  # O7
    found = result(["person Bo"], '[Person(span="Bo"')
    assert found.counts == Counts(0, 0, 1)
    assert found.notes == {"unparsed": 2}


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        pytest.param("result = [] result = [Person('Bo')]", ["Bo"], id="last-result"),
        pytest.param('Person(span="Ann")', None, id="no-list"),
        pytest.param('[Person(name="Ann")]', None, id="other-argument"),
        pytest.param("[Person()]", None, id="no-argument"),
        pytest.param("", None, id="empty"),
        pytest.param("(" * 5000, None, id="deep"),
        pytest.param("[Person('a\\0b')]", ["a\0b"], id="null-character"),
    ],
)
def test_answers_are_read_and_never_run(answer: str, texts: list[str] | None) -> None:
    found = read_answer(answer, Passage("p", TEXT), TYPES)
    assert (None if found is None else [m.text for m in found]) == texts


def test_code_in_an_answer_is_an_invented_mention() -> None:
    found = result([], '[__import__("os").getcwd(), Person, "Rome", Person(span=None)]')
    assert found.counts == Counts(0, 0, 0)
    assert found.notes["invented"] == 4


def test_misc_is_dropped_from_both_sides_after_the_filter() -> None:
    gold = (Mention("other", "Rome"), Mention("person", "Bo"))
    predicted = (
        Mention("other", "Rome"),
        Mention("other", "Bo"),
        Mention("person", "Bo"),
    )
    case = Case(Passage("p", TEXT, gold), ("person", "other"), predicted)
    kept = score_cases([case], "gollie").counts
    assert kept == Counts(1, 2, 2)  # the second Bo is over the limit
    dropped = score_cases([case], "gollie:misc=dropped").counts
    assert dropped == Counts(0, 0, 1)


@pytest.mark.parametrize(
    ("entity_type", "name"),
    [
        ("person", "Person"),
        ("programming language", "ProgrammingLanguage"),
        ("drug(s)", "DrugS"),
        ("3d model", "Type3dModel"),
        ("PERSON", "PERSON"),
    ],
)
def test_class_names(entity_type: str, name: str) -> None:
    assert class_name(entity_type) == name
