"""The viewer: right places and kinds, and no text where the licence forbids it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from unibench.errors import RunError, ScoreError
from unibench.reporting.catalogue import Catalogue, read_catalogue
from unibench.reporting.errors.licence import may_show_text
from unibench.reporting.errors.view import view_of
from unibench.reporting.errors.write import Run, write_errors
from unibench.schema.dataset_card import DatasetCard
from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage, Span, mention_at

TEXT = "Ann Oak met Bo in Oakham, says Bo."


def card(license_: str = "mit", access: Any = "open", note: str = "") -> DatasetCard:
    return DatasetCard(
        title="t", domain="General", license=license_, homepage="", citation="",
        access=access, order="" if access == "open" else "there", format="columns",
        license_note=note,
    )  # fmt: skip


def case(*predicted: Mention, **changes: Any) -> Case:
    gold = (
        mention_at(TEXT, "person", Span(0, 7)),
        mention_at(TEXT, "person", Span(12, 14)),
        mention_at(TEXT, "city", Span(18, 24)),
    )
    passage = Passage("p1", TEXT, gold)
    made = Case(passage=passage, entity_types=("person", "city"), predicted=predicted)
    return msgspec.structs.replace(made, **changes)


def told(*predicted: Mention, show_text: bool = True) -> list[tuple[Any, ...]]:
    (items,) = view_of([case(*predicted)], show_text=show_text).runs
    return [(i.role, i.entity_type, i.spans, i.kind) for i in items]


RIGHT = (
    ("right", "person", ((0, 7),), ""), ("right", "person", ((12, 14),), ""),
    ("right", "city", ((18, 24),), ""),
)  # fmt: skip
ALL = (Mention("person", "Ann Oak"), Mention("city", "Oakham"),
       mention_at(TEXT, "person", Span(12, 14)))  # fmt: skip


def test_what_is_right() -> None:
    assert told(*ALL) == list(RIGHT)


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        pytest.param(
            mention_at(TEXT, "person", Span(0, 3)),
            [("gold", "person", ((0, 7),), "boundary, too short"),
             ("predicted", "person", ((0, 3),), "boundary, too short")],
            id="boundary",
        ),
        pytest.param(
            mention_at(TEXT, "city", Span(0, 7)),
            [("gold", "person", ((0, 7),), "type"),
             ("predicted", "city", ((0, 7),), "type")],
            id="type",
        ),
        pytest.param(
            Mention("person", "Zed"),
            [("gold", "person", ((0, 7),), "missed"),
             ("predicted", "person", (), "invented")],
            id="invented",
        ),
    ],
)  # fmt: skip
def test_errors_stand_where_they_are(predicted: Mention, expected: Any) -> None:
    assert told(predicted, *ALL[1:]) == [*RIGHT[1:], *expected]


def test_a_string_in_two_places_is_right_in_one_and_spurious_in_the_other() -> None:
    found = told(*ALL[:2], Mention("person", "Bo"))
    assert found == [*RIGHT, ("predicted", "person", ((31, 33),), "spurious")]


def test_without_leave_a_view_holds_no_word() -> None:
    view = view_of([case(Mention("person", "Zed Secret"), *ALL[1:])], show_text=False)
    written = msgspec.json.encode(view).decode()
    for word in ("Ann", "Oak", "Bo", "Zed", "Secret", "met"):
        assert word not in written
    assert view.length == len(TEXT)
    assert all(len(item.text) == 12 for item in view.runs[0])


def test_hashes_are_salted_with_the_passage() -> None:
    first = view_of([case(*ALL)], show_text=False).runs[0]
    other = Passage("p2", TEXT + "!", case().passage.mentions)
    second = view_of([case(*ALL, passage=other)], show_text=False).runs[0]
    assert {i.text for i in first}.isdisjoint(i.text for i in second)


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        pytest.param(card(), True, id="mit"),
        pytest.param(card("CC-BY-SA-4.0"), True, id="share alike"),
        pytest.param(card("cc0-1.0", note="ours"), True, id="cc0 with a note"),
        pytest.param(card("public domain", note="US work"), True, id="public domain"),
        pytest.param(card("apache-2.0", note="the text is Reuters'"), False, id="note"),
        pytest.param(card("cc-by-nc-4.0"), False, id="non-commercial"),
        pytest.param(card("cc-by-nd-4.0"), False, id="no derivatives"),
        pytest.param(card("none stated"), False, id="none stated"),
        pytest.param(card("other"), False, id="other"),
        pytest.param(card("mit", access="registration"), False, id="registration"),
        pytest.param(card("mit", access="licensed"), False, id="licensed"),
        pytest.param(None, False, id="no card"),
    ],
)
def test_leave_to_show_text(given: DatasetCard | None, allowed: bool) -> None:
    assert may_show_text(given) is allowed


def test_real_cards_that_are_not_free_keep_their_text() -> None:
    allowed = {n for n, one in read_catalogue().cards.items() if may_show_text(one)}
    assert {"mini", "crossner", "bc5cdr"} <= allowed
    assert allowed.isdisjoint(
        {"conllpp", "ontonotes", "ace04", "i2b2_2014_deid", "tweetner7", "wikiann_en",
         "multinerd", "ener", "mit_movie", "share_clef_2014", "genia"}
    )  # fmt: skip


@pytest.fixture
def runs(make_record: Any) -> list[Run]:
    first = make_record("one </script>", "crossner_ai")
    second = make_record("two", "crossner_ai")
    return [
        Run(record=first, cases=(case(*ALL),)),
        Run(record=second, cases=(case(Mention("person", "Zed <b>")),)),
    ]


def chunk(folder: Path) -> Any:
    text = (folder / "data" / "0.js").read_text("utf-8")
    return json.loads(text.removeprefix("unibenchChunk(0,").removesuffix(");\n"))


def test_two_runs_side_by_side(
    runs: list[Run], catalogue: Catalogue, tmp_path: Path
) -> None:
    free = msgspec.structs.replace(catalogue, cards={"crossner": card()})
    page = write_errors(runs, free, tmp_path).read_text("utf-8")
    (passage,) = chunk(tmp_path)
    assert passage[1] == TEXT
    assert len(passage[4]) == 2
    assert "one &lt;/script&gt;" in page
    assert "one </script>" not in page
    assert page.count("</script>") == 2
    assert "two is better" in page
    assert ">Errors by kind<" in page


@pytest.mark.parametrize("cards", [{}, {"crossner": card("none stated")}])
def test_no_file_of_a_restricted_dataset_holds_a_word_of_it(
    runs: list[Run], catalogue: Catalogue, tmp_path: Path, cards: Any
) -> None:
    write_errors(runs, msgspec.structs.replace(catalogue, cards=cards), tmp_path)
    for path in [tmp_path / "index.html", *(tmp_path / "data").iterdir()]:
        text = path.read_text("utf-8")
        for word in ("Ann", "Oakham", "Zed"):
            assert word not in text, path
    assert "text is left out" in (tmp_path / "index.html").read_text("utf-8")


def test_runs_on_other_data_cannot_stand_side_by_side(
    runs: list[Run], catalogue: Catalogue, tmp_path: Path, make_record: Any
) -> None:
    odd = Run(record=make_record("two", data__fingerprint="x"), cases=runs[1].cases)
    with pytest.raises(ScoreError, match="are not on the same passages"):
        write_errors([runs[0], odd], catalogue, tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("x")
    with pytest.raises(RunError, match="holds files that are no viewer"):
        write_errors(runs[:1], catalogue, tmp_path / "b")
