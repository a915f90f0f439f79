"""The printed figures: complete, consistent, and every trap of them held."""

from __future__ import annotations

from decimal import Decimal
from statistics import mean

import pytest

from unibench.reporting.published import (
    PublishedResult,
    distrust,
    figure_for,
    published_averages,
    published_models,
    published_results,
    subset_of_name,
    type_frequencies,
)
from unibench.reporting.results import printed_group

ROWS = published_results()
FIG9 = [row for row in ROWS if "Fig. 9 (text copy" in row.source]

DEVIATIONS = {
    ("GoLLIE-7B", "arXiv:2311.08526 Table 1 (text copy)"): "f: 58.0, cells 58.4",
    ("OneKE", "github.com/zjunlp/IEPile assets/supervision_ner.jpg (commit 933918d)"): (
        "t: 86.24, cells 86.31"
    ),
    (
        "gliner-multitask-large-v0.5",
        "huggingface.co/knowledgator/gliner-multitask-large-v0.5 card (text copy)",
    ): "t: 62.76, cells 62.85",
}


def test_the_file_is_whole() -> None:
    assert len(ROWS) == 1579
    assert len({row.model for row in ROWS}) == 87
    assert len(subset_of_name()) == 49
    keys = {(r.model, r.dataset, r.metric, r.setting, r.source) for r in ROWS}
    assert len(keys) == len(ROWS)


def test_every_model_is_known() -> None:
    assert {row.model for row in ROWS} == set(published_models())


def test_every_average_is_listed_and_no_dataset_is() -> None:
    named = {row.dataset for row in ROWS if row.dataset.startswith(("AVG", "DOMAIN"))}
    assert named | {"MultiCoNER-2022 AVG(11)"} == set(published_averages())
    assert not {row.dataset for row in ROWS if row.subset} & set(published_averages())


def test_every_printed_average_meets_its_cells() -> None:
    cells = {
        (row.model, row.metric, row.setting, row.source, row.dataset): row.value
        for row in ROWS
    }
    checked, found = 0, set()
    for row in ROWS:
        average = published_averages().get(row.dataset)
        if not average or not average.datasets or row.source.startswith("computed"):
            continue
        key = (row.model, row.metric, row.setting, row.source)
        parts = [cells[*key, n] for n in average.datasets if (*key, n) in cells]
        if len(parts) < len(average.datasets):
            continue
        checked += 1
        off = abs(mean(map(Decimal, parts)) - Decimal(row.value))
        if off > half_unit(row.value) + max(map(half_unit, parts)):
            found.add((row.model, row.source))
    assert checked > 90
    assert found == set(DEVIATIONS)


def half_unit(printed: str) -> Decimal:
    """Half of the last printed digit: how far rounding can move a figure."""
    return Decimal(10) ** -len(printed.partition(".")[2]) / 2


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param("gpt-3.5-turbo-0301 (ChatGPT)", 33.87, id="ChatGPT"),
        pytest.param("UniNER-7B-type", 40.71, id="UniNER-7B"),
        pytest.param("UniNER-7B-type+sup (v1)", 78.80, id="with supervision"),
    ],
)
def test_the_means_over_49_rows_are_those_of_the_corrected_figure_9(
    model: str, expected: float
) -> None:
    values = [float(row.value) for row in FIG9 if row.model == model]
    assert len(values) == 49
    assert mean(values) == pytest.approx(expected, abs=0.005)


def test_a_figure_that_is_known_to_be_too_high_is_never_a_cell() -> None:
    too_high = [row for row in ROWS if "AS PRINTED" in row.setting]
    assert len(too_high) == 70
    assert all(row.faulty and not row.subset for row in too_high)


def test_the_printing_error_is_that_of_music_and_the_average_only() -> None:
    faulty = {row.dataset for row in ROWS if row.faulty and "Table 5" in row.source}
    assert faulty == {"CrossNER_music", "AVG(7: MIT x2 + CrossNER x5)"}


def test_conll03_is_not_conllpp() -> None:
    assert {row.subset for row in ROWS if row.dataset == "CoNLL03"} == {""}


def test_the_setting_and_the_declared_training_agree() -> None:
    odd = {
        row.model
        for row in ROWS
        if "trained on other human-labelled sets" in row.setting
        and printed_group(row) != "other_human_labels"
    }
    assert odd == {"KnowCoder-7B"}  # trap v: its own rows say schema pre-training only


def row(setting: str = "zero-shot", source: str = "a paper") -> PublishedResult:
    return PublishedResult(
        model="m", dataset="d", metric="x", value="1.0", setting=setting, source=source
    )


def test_figures_are_trusted_in_this_order() -> None:
    order = [
        row(source="UniNER ICLR Fig. 9 (text copy; corrected version)"),
        row(source="UniNER ICLR 2024 camera-ready Table 3"),
        row(source="arXiv:2308.03279v1 Table 2"),
        row(source="arXiv:1 Table 1"),
        row("zero-shot; re-run by the SLIMER authors"),
        row("zero-shot; as cited by the GLiNER paper"),
        row("zero-shot; secondary source"),
    ]
    levels = [distrust(each) for each in order]
    assert levels == sorted(set(levels))


def test_a_figure_stands_beside_a_run_only_under_its_rule() -> None:
    own = figure_for(["UniNER-7B-type"], "crossner_ai", "uniner")
    assert own is not None and own.value == "53.6"  # Fig. 9; Table 2 has 53.5
    assert figure_for(["UniNER-7B-type"], "crossner_ai", "gliner") is None
    assert figure_for(["GLiNER-L"], "crossner_ai", "uniner") is None
    # Only others cite it under this rule.
    assert figure_for(["SLIMER (LLaMA-2-chat 7B)"], "crossner_ai", "uniner") is None


def test_table_1_is_there() -> None:
    assert [entry.share_percent for entry in type_frequencies()] == ["74", "19", "7"]
    assert all(len(entry.types) == 10 for entry in type_frequencies())
