"""The paper's exhibits: figure for figure, from the printed file and from runs."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from unibench.errors import UnknownNameError
from unibench.reporting.catalogue import Catalogue, read_catalogue
from unibench.reporting.paper.analysis import figure7, figure8, overlapping_types
from unibench.reporting.paper.benchmark import figure4, table1, table6
from unibench.reporting.paper.domains import figure5a, figure6
from unibench.reporting.paper.exhibit import Exhibit, Material
from unibench.reporting.paper.scores import figure9, table2, table3, table4, table5
from unibench.reporting.paper.write import EXHIBITS, write_paper
from unibench.reporting.published import published_results
from unibench.reporting.results import collect
from unibench.reporting.tables import Table

REAL = read_catalogue()
NOTHING = Material(catalogue=REAL, results=collect([]))


def material(*records: Any, catalogue: Catalogue = REAL, **more: Any) -> Material:
    return Material(catalogue=catalogue, results=collect(records), **more)


def table_of(exhibit: Exhibit) -> Table:
    assert exhibit.table is not None, exhibit.missing
    return exhibit.table


def cells(exhibit: Exhibit) -> dict[tuple[str, str], str]:
    """Row's first word and column -> text, for tables without repeated row names."""
    table = table_of(exhibit)
    return {
        (row[0].text, column.name): cell.text
        for row in table.rows
        for column, cell in zip(table.columns[1:], row[1:], strict=True)
    }


@pytest.mark.parametrize(
    ("make", "source", "metrics"),
    [
        pytest.param(table2, "arXiv:2308.03279v1 Table 2", 61, id="table 2"),
        pytest.param(table3, "arXiv:2308.03279v1 Table 3", 63, id="table 3"),
        pytest.param(table4, "arXiv:2308.03279v1 Table 4", 24, id="table 4"),
        pytest.param(table5, "arXiv:2308.03279v1 Table 5", 24, id="table 5"),
        pytest.param(figure9, "corrected version", 147, id="figure 9"),
        pytest.param(figure5a, "Fig. 5a", 50, id="figure 5a"),
        pytest.param(figure6, "Fig. 5b/Fig. 6", 20, id="figure 6"),
    ],
)
def test_every_printed_figure_stands_in_its_exhibit(
    make: Any, source: str, metrics: int
) -> None:
    printed = sorted(r.value for r in published_results() if source in r.source)
    assert len(printed) == metrics
    shown = [
        cell.text
        for row in table_of(make(NOTHING)).rows
        for cell in row
        if cell.kind == "printed" and cell.value is not None
    ]
    for value in printed:
        assert value in shown
        shown.remove(value)


def test_table_2_as_printed() -> None:
    found = cells(table2(NOTHING))
    assert found["UniNER-13B-type", "movie"] == "48.7"
    assert found["Vicuna-7B", "mean"] == "13.0"
    assert found["InstructUIE-11B", "movie"] == "-"
    assert found["UniNER-7B-type+sup (v1)", "mean"] == "60.0"


def test_figure_5a_shows_the_corrected_means_beside_the_printed() -> None:
    table = table_of(figure5a(NOTHING))
    rows = [[cell.text for cell in row] for row in table.rows]
    chatgpt = [row for row in rows if row[0].startswith("gpt-3.5")]
    assert [(row[1], row[-1]) for row in chatgpt] == [
        ("printed", "34.9"), ("means of Fig. 9", "33.9"),
    ]  # fmt: skip
    vicuna = [row for row in rows if row[0] == "Vicuna-7B"]
    assert [(row[1], row[-1]) for row in vicuna] == [
        ("printed", "14.2"), ("printed less 1.0", "13.2"),
    ]  # fmt: skip


def test_figure_9_has_the_means_over_49_rows() -> None:
    means = [cell.text for cell in table_of(figure9(NOTHING)).rows[-1][1:]]
    assert means == ["33.9", "40.7", "78.8"]


def test_figure_4_counts_what_the_cards_say() -> None:
    found = cells(figure4(NOTHING))
    assert sum(int(v) for (_, name), v in found.items() if name == "subsets") == 49
    assert sum(int(v) for (_, name), v in found.items() if name == "datasets") == 43
    assert found["Social media", "subsets"] == "5"


def test_tables_1_and_6() -> None:
    assert [row[1].text for row in table_of(table1(NOTHING)).rows] == [
        "74%",
        "19%",
        "7%",
    ]
    found = cells(table6(NOTHING))
    assert found["crossner_politics", "test"] == "650"
    assert found["scirex", "dev"] == "-"  # not printed


def test_runs_stand_beside_with_their_intervals(make_record: Any) -> None:
    record = make_record("mine", "crossner_ai", 50)
    found = cells(table2(material(record)))
    assert found["mine", "ai"] == "50.0±2.0"
    assert found["mine", "mean"] == "-"  # one of seven
    partial = table_of(table5(material(record))).rows[-1]
    assert (partial[0].text, partial[3].text) == ("mine", "55.0±2.0")
    assert cells(figure9(material(record)))["crossner_ai", "mine"] == "50.0±2.0"


def test_a_domain_is_averaged_only_when_it_is_whole(make_record: Any) -> None:
    records = [make_record("mine", "finer_ord", 30), make_record("mine", "ener", 20)]
    table = table_of(figure5a(material(*records)))
    names = [column.name for column in table.columns]
    row = dict(zip(names, (cell.text for cell in table.rows[-1]), strict=True))
    assert (row["Finance"], row["Law"]) == ("30.0±2.0", "-")


def test_figure_7_needs_two_models_and_tells_label_overlap(make_record: Any) -> None:
    assert "name two models" in figure7(NOTHING).missing
    runs = [make_record("a", "crossner_ai", 60), make_record("b", "crossner_ai", 50)]
    runs += [make_record("a", "mit_movie", 40), make_record("b", "mit_movie", 45)]
    table = table_of(figure7(material(*runs, templates=("a", "b"))))
    assert [(row[0].text, row[3].text) for row in table.rows] == [
        ("crossner_ai", "10.0"), ("mit_movie", "-5.0"),
    ]  # fmt: skip
    with pytest.raises(UnknownNameError, match="standard runs here is called 'c'"):
        figure7(material(*runs, templates=("a", "c")))


def test_label_overlap_looks_at_other_datasets_only() -> None:
    assert "person" in overlapping_types(REAL, "crossner_ai")
    assert overlapping_types(REAL, "findvehicle") == ()


def test_figure_8_shows_the_spread_over_wordings(make_record: Any) -> None:
    assert "no numbers" in figure8(NOTHING).missing
    runs = [
        make_record("a", "crossner_ai", 60),
        make_record("a", "crossner_ai", 45, labels="raw"),
        make_record("a", "crossner_ai", 50, labels="paraphrase:1"),
        make_record("a", "mit_movie", 50),
    ]
    table = table_of(figure8(material(*runs)))
    (row,) = [[cell.text for cell in row] for row in table.rows]
    assert row == ["a, crossner_ai", "60.0", "50.0", "45.0", "45.0", "15.0"]


@pytest.mark.slow
def test_everything_is_written_in_five_formats(
    make_record: Any, tmp_path: Path
) -> None:
    runs = [
        make_record("$x_1$ & <b>", "crossner_ai", 60),
        make_record("$x_1$ & <b>", "crossner_ai", 45, labels="raw"),
        make_record("ünïcode 模型", "crossner_ai", 50, half_width=None),
    ]
    made = write_paper(material(*runs), tmp_path)
    assert [e.name for e in made if e.table is None] == ["figure7"]
    for exhibit in made:
        if exhibit.table is not None:
            for suffix in ("md", "csv", "tex", "png", "svg"):
                assert (tmp_path / f"{exhibit.name}.{suffix}").stat().st_size > 50
    with (tmp_path / "table2.csv").open(encoding="utf-8", newline="") as file:
        models = [row["model"] for row in csv.DictReader(file)]
    assert "$x_1$ & <b>" in models
    assert (
        r"\$x\_1\$ \& \textless{}b\textgreater{}"
        in (tmp_path / "table2.tex").read_text()
    )
    index = (tmp_path / "index.md").read_text()
    assert index.count("![") == len(EXHIBITS) - 1
    assert "Not made: the paper prints no numbers" in index


def test_the_camera_ready_number_of_figure_6_is_known(tmp_path: Path) -> None:
    (exhibit,) = write_paper(NOTHING, tmp_path, ["figure5b"])
    assert exhibit.name == "figure6"
    with pytest.raises(UnknownNameError, match="no figure or table is called 'fig9'"):
        write_paper(NOTHING, tmp_path, ["fig9"])
