"""Rows: what may be compared, which record of a cell counts, what has no rank."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unibench.errors import ScoreError
from unibench.reporting.results import (
    UNSTATED,
    Row,
    collect,
    group_of,
    measured_rows,
    model_cards,
    newest,
    printed_rows,
)
from unibench.schema.model_card import TrainingData

PRINTED: dict[tuple[str, ...], Row] = {
    (r.model, r.profile, r.group, r.variant): r for r in printed_rows()
}


def of(rows: list[Row], profile: str = "uniner") -> list[Row]:
    return [row for row in rows if row.profile == profile]


def test_the_newest_record_of_a_cell_is_shown_and_the_other_named(
    make_record: Any,
) -> None:
    old = make_record(correct=40)
    new = make_record(correct=60, created="2026-02-01T00:00:00+00:00")
    kept, left_out = newest([old, new])
    assert kept == [new]
    assert left_out == ((old, "a newer run of 2026-02-01T00:00:00+00:00 replaces it"),)


def test_only_one_scoring_version_is_shown(make_record: Any) -> None:
    old = make_record(correct=40)
    new = make_record(subset="mit_movie", scoring_version=2)
    kept, left_out = newest([old, new])
    assert kept == [new]
    assert "scoring version 1, the others have 2" in left_out[0][1]


def test_a_score_that_is_no_number_is_an_error(make_record: Any) -> None:
    with pytest.raises(ScoreError, match="F1 of crossner_ai under 'uniner' is not a"):
        newest([make_record(correct=float("nan"))])


@pytest.mark.parametrize(
    ("changes", "variant"),
    [
        pytest.param({}, "", id="standard"),
        pytest.param({"limit": 10}, "first 10 passages", id="limit"),
        pytest.param({"labels": "raw"}, "labels raw", id="labels"),
        pytest.param({"data__protocol": "paper"}, "protocol paper", id="protocol"),
        pytest.param({"data__split": "dev"}, "dev split", id="split"),
    ],
)
def test_only_runs_under_standard_settings_are_ranked(
    make_record: Any, changes: dict[str, Any], variant: str
) -> None:
    (row,) = of(list(measured_rows([make_record(**changes)])))
    assert (row.variant, row.unranked) == (variant, variant)


def test_two_revisions_of_a_model_are_two_rows(make_record: Any) -> None:
    records = [make_record(), make_record(subset="mit_movie", model__revision="b" * 40)]
    variants = [row.variant for row in of(list(measured_rows(records)))]
    assert variants == ["revision aaaaaaaaaaaa", "revision bbbbbbbbbbbb"]


CARD = """
adapter: lines
checkpoint: {{id: org/shout, revision: {revision}}}
parameters: 7B
training_data: {{kind: {kind}, subsets: [{subsets}]}}
"""


@pytest.mark.parametrize(
    ("kind", "subsets", "group", "zero_shot"),
    [
        pytest.param("none", "", "no_human_labels", True, id="untuned"),
        pytest.param("no_human_labels", "", "no_human_labels", True, id="distilled"),
        pytest.param("other_human_labels", "mit_movie", "other_human_labels", True,
                     id="other sets"),
        pytest.param("other_human_labels", "crossner_ai", "in_domain", False,
                     id="subset"),
        pytest.param("other_human_labels", "crossner", "in_domain", False,
                     id="dataset"),
        pytest.param("undisclosed", "", "undisclosed", None, id="not stated"),
    ],
)  # fmt: skip
def test_the_group_comes_from_the_declared_training_data(
    make_record: Any,
    cards: Path,
    kind: str,
    subsets: str,
    group: str,
    zero_shot: bool | None,
) -> None:
    text = CARD.format(kind=kind, subsets=subsets, revision="a" * 40)
    (cards / "models" / "shout.yaml").write_text(text)
    record = make_record()
    assert group_of(record, model_cards(["shout"])["shout"]) == group
    (row,) = of(list(measured_rows([record])))
    assert row.cells["crossner_ai"].zero_shot is zero_shot
    assert row.parameters == "7B"


def test_a_model_without_a_card_is_not_stated(make_record: Any) -> None:
    record = make_record(model="./my.yaml")
    assert model_cards(["./my.yaml"]) == {}
    assert group_of(record, None) == "undisclosed"


def test_a_strangers_run_says_itself_what_it_was_trained_on(make_record: Any) -> None:
    declared = TrainingData(kind="other_human_labels", subsets=("conllpp",))
    record = make_record(model="./theirs.yaml", model__training_data=declared)
    assert group_of(record, None) == "other_human_labels"


def test_a_measured_cell_carries_its_interval_and_its_notes(make_record: Any) -> None:
    record = make_record(correct=50, model__revision_pinned=False)
    (row,) = of(list(measured_rows([record])))
    cell = row.cells["crossner_ai"]
    assert (cell.value, cell.text, cell.low, cell.high) == (50, "50.0", 48, 52)
    assert cell.warnings == (
        "the model's revision is not pinned", "1 of 20 answers not readable",
    )  # fmt: skip


def test_both_versions_of_supervised_uniner_are_there() -> None:
    group = "other_human_labels"
    first = PRINTED["UniNER-7B-type+sup (v1)", "uniner", group, ""]
    released = "UniNER-7B-type+sup (ICLR; released UniNER-7B-all)"
    later = PRINTED[released, "uniner", group, ""]
    assert first.cells["mit_movie"].text == "59.4"
    assert later.cells["mit_movie"].text == "61.2"
    seen = PRINTED["UniNER-7B-type+sup (v1)", "uniner", "in_domain", ""]
    assert len(seen.cells) == 42


def test_a_cell_prefers_the_corrected_figure_9_and_keeps_the_others() -> None:
    row = PRINTED["UniNER-7B-type", "uniner", "no_human_labels", ""]
    cell = row.cells["crossner_ai"]
    assert cell.text == "53.6"
    assert [other.value for other in cell.printed[1:]] == ["53.5"]
    assert "printed with different values" in cell.warnings
    # The +1 of the uncorrected figure survives in a citation only.
    assert row.cells["bc5cdr"].text == "67.0"


def test_the_printing_error_on_music_is_marked() -> None:
    row = PRINTED["UniNER-7B-type", "partial", "no_human_labels", ""]
    assert any("printing error" in w for w in row.cells["crossner_music"].warnings)
    assert not row.cells["crossner_ai"].warnings


def test_figures_of_an_unknown_scorer_are_shown_and_never_ranked() -> None:
    rows = [row for row in PRINTED.values() if row.profile == UNSTATED]
    assert len(rows) > 30
    assert {row.unranked for row in rows} == {"the scorer is not stated"}


def test_ablations_and_averages_are_no_cells() -> None:
    for row in PRINTED.values():
        for cell in row.cells.values():
            assert not any(other.ablation for other in cell.printed)
            assert all(other.subset for other in cell.printed)


def test_two_trainings_under_one_name_are_two_rows() -> None:
    variants = {
        row.variant
        for row in PRINTED.values()
        if (row.model, row.group) == ("GLiNER-L", "in_domain")
    }
    assert len(variants) == 2


def test_printed_figures_can_be_left_out(make_record: Any) -> None:
    assert all(row.measured for row in collect([make_record()], printed=False).rows)
