"""Answers of a teacher: strictly, repaired, or rejected with a reason."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unibench.backends.base import PROMPT_TOO_LONG
from unibench.distill.answers.tuples import TupleList, read_tuples
from unibench.schema.query import Response

ANN_BO = [("Ann", "person"), ("Bo", "person")]


def read(text: str, *, repair: bool = True, finish: str = "stop") -> TupleList:
    return read_tuples(Response(text, finish), repair=repair, limit=256)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        pytest.param('[("Ann", "person"), ("Bo", "person")]', ANN_BO, id="double"),
        pytest.param("[('Ann', 'person'), ('Bo', 'person')]", ANN_BO, id="single"),
        pytest.param(
            '[("Ann", "person"),\n ("Bo", "person"),\n]\n', ANN_BO, id="lines"
        ),
        pytest.param("[]", [], id="empty-list"),
        pytest.param(
            '[("the \\"Tern\\"", "ship")]', [('the "Tern"', "ship")], id="escape"
        ),
        pytest.param("[(\"Odo's\", 'name')]", [("Odo's", "name")], id="mixed-quotes"),
        pytest.param(
            '[("Zo\\u00eb", "person")]', [("Zo\u00eb", "person")], id="unicode"
        ),
        pytest.param(
            '[("\\ud83d\\udea2", "ship")]', [("\U0001f6a2", "ship")], id="pair"
        ),
        pytest.param(
            '[("a) b, (c]", "x")]', [("a) b, (c]", "x")], id="brackets-inside"
        ),
    ],
)
def test_a_list_of_tuples_is_read_strictly(
    text: str, pairs: list[tuple[str, str]]
) -> None:
    found = read(text, repair=False)
    assert (found.error, found.pairs) == ("", pairs)
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "repair", "pairs"),
    [
        pytest.param('Sure: [("Ann", "person")]', "chatter", ANN_BO[:1], id="before"),
        pytest.param('[("Ann", "person")] Done.', "chatter", ANN_BO[:1], id="after"),
        pytest.param(
            '```python\n[("Ann", "person")]\n```', "fence", ANN_BO[:1], id="fence"
        ),
        pytest.param('[["Ann", "person"]]', "lists", ANN_BO[:1], id="lists"),
        pytest.param(
            '[{"entity": "Ann", "type": "person"}]', "objects", ANN_BO[:1], id="objects"
        ),
        pytest.param(
            '[{"type": "person", "name": "Ann"}]',
            "objects",
            ANN_BO[:1],
            id="type-first",
        ),
        pytest.param(
            '[("Ann", "person") ("Bo", "person")]', "missing_comma", ANN_BO, id="comma"
        ),
        pytest.param(
            '[("Ann", "person"),, ("Bo", "person")]', "extra_comma", ANN_BO, id="commas"
        ),
        pytest.param(
            '("Ann", "person"), ("Bo", "person")', "no_list", ANN_BO, id="no-list"
        ),
        pytest.param(
            '("Ann", "person")\n("Bo", "person")', "no_list", ANN_BO, id="lines"
        ),
        pytest.param(
            "[(\u201cAnn\u201d, \u201cperson\u201d)]", "quotes", ANN_BO[:1], id="curly"
        ),
        pytest.param(
            '[("the "Tern"", "ship")]', "quotes", [('the "Tern"', "ship")], id="inner"
        ),
        pytest.param("[(Ann, person)]", "bare_words", ANN_BO[:1], id="bare"),
        pytest.param("None", "none_word", [], id="none"),
    ],
)
def test_repairs_are_named_and_only_made_when_wanted(
    text: str, repair: str, pairs: list[tuple[str, str]]
) -> None:
    found = read(text)
    assert (found.error, found.pairs) == ("", pairs)
    assert repair in found.repairs
    assert read(text, repair=False).error


@pytest.mark.parametrize(
    ("text", "finish", "error"),
    [
        pytest.param("", "stop", "empty", id="empty"),
        pytest.param("There are two names: Ann and Bo.", "stop", "prose", id="prose"),
        pytest.param(
            "I'm sorry, but I cannot do that.", "stop", "refusal", id="refusal"
        ),
        pytest.param("", "content_filter", "refusal", id="filtered"),
        pytest.param('[("Ann", "person"), ("B', "length", "cut", id="cut"),
        pytest.param('[("Ann", "person"), ("B', "stop", "cut", id="half"),
        pytest.param('[("Ann", "person"),', "length", "cut", id="cut-at-comma"),
        pytest.param("", PROMPT_TOO_LONG, PROMPT_TOO_LONG, id="too-long-prompt"),
        pytest.param('["Ann", "Bo"]', "stop", "not_pairs", id="strings"),
        pytest.param("x" * (1 << 21), "stop", "too_long", id="too-long"),
        pytest.param('[("Ann", "person"), and Bo]', "stop", "prose", id="prose-inside"),
    ],
)
def test_what_is_no_answer_is_rejected(text: str, finish: str, error: str) -> None:
    found = read(text, finish=finish)
    assert (found.error, found.pairs) == (error, [])


LOOP = "[" + '("Ann", "person"), ("Bo", "person"), ' * 3


@pytest.mark.parametrize(
    ("text", "cut", "pairs"),
    [
        pytest.param(LOOP + '("An', "reject", 0, id="reject"),
        pytest.param(LOOP + '("An', "repeating", 6, id="loop"),
        pytest.param(LOOP + '("Cy", "x"), ("D', "repeating", 0, id="no-loop"),
        pytest.param(LOOP + '("Cy", "x"), ("D', "keep", 7, id="keep"),
        pytest.param("[(", "keep", 0, id="nothing-to-keep"),
    ],
)
def test_a_cut_list_is_kept_only_as_the_recipe_says(
    text: str, cut: Any, pairs: int
) -> None:
    response = Response(text, "length")
    found = read_tuples(response, repair=True, limit=256, cut=cut)
    assert len(found.pairs) == pairs
    assert found.error == ("" if pairs else "cut")
    assert ("cut" in found.repairs) == bool(pairs)


def test_items_that_are_no_pair_are_dropped_and_counted() -> None:
    found = read('[("Ann", "person"), ("Bo"), ("Cy", "a", "b"), ("Bo", "person")]')
    assert found.pairs == ANN_BO
    assert found.dropped == {"not_a_pair": 2}


def test_strictly_one_item_that_is_no_pair_spoils_the_list() -> None:
    assert read('[("Ann", "person"), ("Bo")]', repair=False).error == "not_pairs"


def test_ten_thousand_entities_are_too_many_and_quickly_so() -> None:
    flood = "[" + ", ".join(['("A", "b")'] * 10_000) + "]"
    assert read(flood).error == "too_many"


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("[" + '("' * 100_000, id="openings"),
        pytest.param("[" + "(" * 200_000, id="parentheses"),
        pytest.param('[("a' + '"' * 200_000, id="quotes"),
        pytest.param('[("' + "\\" * 200_001, id="escapes"),
        pytest.param("[(" + "a, " * 100_000, id="words"),
        pytest.param("[ " * 200_000, id="brackets"),
    ],
)
def test_hostile_answers_take_linear_time(hostile: str) -> None:
    started = time.process_time()
    assert read(hostile).error
    assert time.process_time() - started < 2  # quadratic would take minutes


@given(
    st.text(alphabet="[]()\"'\\,{}: abT\n`\u201c\u201d", max_size=120), st.booleans()
)
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_rejected(text: str, repair: bool) -> None:
    found = read(text, repair=repair)
    assert not (found.error and found.pairs)
    assert repair or not (found.repairs or found.dropped)


WORD = st.text("abAB .,;:()[]{}'\"-\u00e9\u6d77\U0001f6a2", min_size=1, max_size=12)


@given(st.lists(st.tuples(WORD, WORD), max_size=10))
@settings(max_examples=150, deadline=None)
def test_what_python_writes_is_read_back(pairs: list[tuple[str, str]]) -> None:
    found = read(repr(pairs), repair=False)
    assert (found.error, found.pairs) == ("", pairs)
    as_json = ", ".join(f"({json.dumps(a)}, {json.dumps(b)})" for a, b in pairs)
    assert read(f"[{as_json}]", repair=False).pairs == pairs
