"""Tables of any choice, and frames."""

from __future__ import annotations

from typing import Any

import pytest

from unibench.errors import UnknownNameError
from unibench.reporting.catalogue import Catalogue
from unibench.reporting.choose import Choice, chosen_records, rate, result_rows
from unibench.reporting.frames import (
    averages_frame,
    cells_frame,
    published_frame,
    results_frame,
    types_frame,
)
from unibench.reporting.results import collect
from unibench.reporting.run_matrix import models_table, runs_table, types_table
from unibench.reporting.tables import to_json
from unibench.schema.record import Usage


@pytest.fixture
def records(make_record: Any) -> list[Any]:
    return [
        make_record("b", "mit_movie", 30),
        make_record("b", "crossner_ai", 48),
        make_record("a", "crossner_ai", 50),
        make_record("a", "crossner_music", 60),
    ]


def test_records_come_by_model_and_card_order(
    records: list[Any], catalogue: Catalogue
) -> None:
    chosen = chosen_records(records, Choice(names=("three",)), catalogue)
    pairs = [(r.model.name, r.subset) for r in chosen]
    assert pairs == [
        ("b", "crossner_ai"), ("b", "mit_movie"),
        ("a", "crossner_ai"), ("a", "crossner_music"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        pytest.param(Choice(models=("c",)), "no model among these runs", id="model"),
        pytest.param(
            Choice(profiles=("gnr",)), "no profile in these runs", id="profile"
        ),
        pytest.param(Choice(names=("x",)), "no suite, dataset, subset", id="name"),
    ],
)
def test_a_choice_of_something_that_is_not_there_is_an_error(
    records: list[Any], catalogue: Catalogue, choice: Choice, message: str
) -> None:
    with pytest.raises(UnknownNameError, match=message):
        chosen_records(records, choice, catalogue)


def test_the_best_of_a_subset_and_its_ties_are_bold(records: list[Any]) -> None:
    table = runs_table(records, Choice())
    bold = [row[2].bold for row in table.rows]
    # mit_movie and crossner_music were run by one model; 48 and 50 overlap (±2).
    assert bold == [False, True, True, False]
    (row,) = [
        r for r in to_json(table) if (r["model"], r["subset"]) == ("a", "crossner_ai")
    ]
    assert row["uniner_f1"] == 50
    assert row["partial_f1"] == pytest.approx(55)
    assert (row["precision"], row["unparsed"], row["cost_usd"]) == (50, 1, 0.5)
    assert row["queries_per_second"] == 5


def test_types_can_be_chosen(records: list[Any]) -> None:
    table = types_table(records[:1], Choice(types=("city",)))
    (row,) = to_json(table)
    assert (row["type"], row["uniner F1"], row["gold"]) == ("city", 30, 50)


def test_models_against_subsets_rank_only_whole_rows(
    records: list[Any], make_record: Any, catalogue: Catalogue
) -> None:
    whole = [make_record("c", s, 20) for s in ("crossner_ai", "crossner_music")]
    results = collect([*records, *whole], printed=False)
    choice = Choice(names=("crossner",), profiles=("uniner",))
    rows = to_json(models_table(results, choice, catalogue))
    assert [(r["model"], r["rank"], r["covers"]) for r in rows] == [
        ("a", "1", "2/2"), ("c", "2", "2/2"), ("b", "", "1/2"),
    ]  # fmt: skip
    assert rows[0]["mean"] == 55


def test_printed_rows_stand_in_their_own_sections(catalogue: Catalogue) -> None:
    choice = Choice(names=("mit_movie",), profiles=("uniner", "gner"))
    rows = to_json(models_table(collect([]), choice, catalogue))
    sections = {row["section"] for row in rows}
    assert "UniNER strings (headline): In-domain supervised" in sections
    assert "GNER strings: Other human-labelled sets" in sections
    assert not any("GLiNER" in section for section in sections)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(Usage(seconds=4, requests=20), 5, id="all asked"),
        pytest.param(Usage(seconds=4, requests=5, reused=15), 1.25, id="a part stored"),
        pytest.param(Usage(seconds=1, reused=20), None, id="all stored"),
        pytest.param(Usage(seconds=4), 5, id="no requests counted"),
        pytest.param(Usage(), None, id="no time"),
    ],
)
def test_speed_counts_new_answers_only(
    make_record: Any, usage: Usage, expected: float | None
) -> None:
    assert rate(make_record(usage=usage)) == expected


def test_result_rows_hold_counts_and_costs(records: list[Any]) -> None:
    row = result_rows(records[:1], ["uniner"])[0]
    assert (row["f1"], row["low"], row["correct"], row["gold"]) == (
        0.3, pytest.approx(0.28), 30, 100,
    )  # fmt: skip
    assert (row["queries"], row["unparsed"], row["invented"]) == (20, 1, 2)


def test_frames(records: list[Any], catalogue: Catalogue) -> None:
    assert len(results_frame(records)) == 4 * 3
    assert list(types_frame(records)["type"][:2]) == ["person", "city"]
    assert len(published_frame()) == 1579
    cells = cells_frame(records, printed=False)
    assert set(cells["profile"]) == {"uniner", "partial", "strict_span"}
    averages = averages_frame(records, printed=False, catalogue=catalogue)
    first = averages[(averages["model"] == "a") & (averages["over"] == "three")].iloc[0]
    assert (first["f1"], first["covered"], first["total"]) == (55, 2, 3)
