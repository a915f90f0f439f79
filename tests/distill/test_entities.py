"""Which entities stay, how their types are spelt, and what is counted."""

from __future__ import annotations

from typing import Any

import pytest

from unibench.distill.answers.entities import EntityFilter, as_in_text, merged_plurals
from unibench.distill.corpus.sample import SampledPassage
from unibench.distill.filtering import DistilledPair, FilterRun
from unibench.distill.label import TeacherAnswer
from unibench.distill.work import Progress
from unibench.schema.distillation import FilterRecipe
from unibench.schema.query import Response
from unibench.schema.text import Mention

TEXT = "Ann Lee sailed to\nOld Harrow. ANN LEE slept."


def apply(*pairs: tuple[str, str], **options: Any) -> tuple[Any, EntityFilter]:
    entities = EntityFilter(FilterRecipe(**options))
    return entities.apply(TEXT, pairs), entities


def test_a_mention_that_is_absent_is_dropped_and_counted() -> None:
    kept, entities = apply(("Ann Lee", "person"), ("Bo", "person"))
    assert kept == (Mention("person", "Ann Lee"),)
    assert entities.dropped == {"absent_from_passage": 1}


def test_it_is_kept_on_request() -> None:
    kept, entities = apply(("Bo", "person"), keep_absent=True)
    assert kept == (Mention("person", "Bo"),)
    assert entities.changed == {"absent_but_kept": 1}


def test_other_case_and_white_space_become_the_passages_own() -> None:
    kept, entities = apply(("old harrow", "place"), ("to Old", "x"))
    assert kept == (Mention("place", "Old Harrow"), Mention("x", "to\nOld"))
    assert entities.changed == {"respelt_as_in_passage": 2}
    kept, entities = apply(("old harrow", "place"), match_case=True)
    assert (kept, entities.dropped) == ((), {"absent_from_passage": 1})


@pytest.mark.parametrize(
    ("raw", "options", "expected"),
    [
        pytest.param("  Job   Title ", {}, "job title", id="case-and-blanks"),
        pytest.param("FAC", {"case": "keep"}, "FAC", id="case-kept"),
        pytest.param("Caf\u00e9", {}, "caf\u00e9", id="marks"),
    ],
)
def test_types_are_respelt(raw: str, options: dict[str, str], expected: str) -> None:
    kept, _ = apply(("Ann Lee", raw), **options)
    assert kept == (Mention(expected, "Ann Lee"),)


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        pytest.param(("Ann Lee", " "), "empty_type", id="no-type"),
        pytest.param((" ", "person"), "empty_entity", id="no-entity"),
        pytest.param(("Ann Lee", "x" * 81), "long_type", id="long"),
        pytest.param(
            ("Ann Lee", "\u043b\u0438\u0446\u043e"),
            "type_without_latin_letters",
            id="script",
        ),
        pytest.param(("Ann Lee", "123"), "type_without_latin_letters", id="digits"),
    ],
)
def test_unusable_pairs_are_dropped(pair: tuple[str, str], reason: str) -> None:
    kept, entities = apply(pair)
    assert (kept, entities.dropped) == ((), {reason: 1})


def test_a_repeated_pair_counts_once() -> None:
    kept, entities = apply(("Ann Lee", "person"), ("Ann Lee", "Person"))
    assert kept == (Mention("person", "Ann Lee"),)
    assert entities.dropped == {"repeated": 1}


def test_as_in_text_takes_patterns_literally() -> None:
    assert as_in_text("a.c", "abc A.C") == "A.C"
    assert as_in_text("(x", "y (X)") == "(X"


def test_plurals_merge_only_into_types_that_exist() -> None:
    types = {
        "ship",
        "ships",
        "city",
        "cities",
        "box",
        "boxes",
        "physics",
        "bus",
        "glass",
    }
    assert merged_plurals(types) == {"ships": "ship", "cities": "city", "boxes": "box"}


def read(*answers: str, **options: Any) -> tuple[list[DistilledPair], FilterRun]:
    run = FilterRun(FilterRecipe(**options))
    rows = [
        (
            SampledPassage(
                id=f"p{n}", source="s", document=f"d{n}", tokens=9, text=TEXT
            ),
            TeacherAnswer(f"p{n}", f"key{n}", Response(text, model="stub/teacher")),
        )
        for n, text in enumerate(answers)
    ]
    pairs, _ = run.read(rows, Progress())
    return run.with_plurals_merged(pairs), run


def test_pairs_know_where_they_are_from() -> None:
    (pair,), _ = read('Here: [("Ann Lee", "Person")]')
    assert pair == DistilledPair(
        id="p0", text=TEXT, entities=(Mention("person", "Ann Lee"),), source="s",
        document="d0", teacher="stub/teacher", answer="key0", repairs=("chatter",),
    )  # fmt: skip


def test_everything_that_happens_is_counted() -> None:
    pairs, run = read(
        '[("Ann Lee", "people"), ("Old Harrow", "ports")]',
        '[("Ann Lee", "person"), ("Old Harrow", "port"), ("Bo", "person")]',
        "no list here",
        "[]",
        plural="singular",
    )
    assert [m.entity_type for m in pairs[0].entities] == ["people", "port"]
    assert run.report(pairs) == {
        "answers": 4, "kept": 3, "kept_share": 0.75, "rejected": {"prose": 1},
        "repaired_answers": {}, "entities": 4, "dropped_items": {},
        "dropped_entities": {"absent_from_passage": 1}, "changed_entities": {},
        "plural_types_merged": 1, "without_entities": 1,
    }  # fmt: skip


def test_passages_without_entities_are_left_out_on_request() -> None:
    pairs, run = read("[]", '[("Bo", "person")]', keep_empty=False)
    assert (pairs, run.reasons) == ([], {"no_entities": 2})
