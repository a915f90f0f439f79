"""Every way to write a table, with the characters that break each."""

from __future__ import annotations

import csv
import io

import pytest

from unibench.reporting.tables import (
    Column,
    Table,
    TableCell,
    label,
    number,
    to_csv,
    to_json,
    to_latex,
    to_markdown,
    to_text,
)

TABLE = Table(
    name="Two models",
    title="F1 & more",
    columns=(Column("model", "model", numeric=False), Column("F1_%", "f1")),
    rows=(
        (label("a_b|<i>$x$"), TableCell("90.10", 90.1, "printed")),
        (label("c"), TableCell("44.4", 44.4444, "measured", bold=True)),
        (label("d"), number(None)),
    ),
    sections={0: "first", 2: "second"},
    notes=("100 % sure",),
)


def test_markdown_escapes_and_marks() -> None:
    lines = to_markdown(TABLE).splitlines()
    assert lines[0] == "### F1 &amp; more"
    assert lines[2:4] == ["| model | F1\\_% |", "| :--- | ---: |"]
    assert lines[4:6] == ["| **first** |  |", "| a\\_b\\|&lt;i&gt;$x$ | *90.10* |"]
    assert lines[6] == "| c | **44.4** |"
    assert lines[8] == "| d | - |"


def test_latex_escapes_and_uses_booktabs() -> None:
    text = to_latex(TABLE)
    assert r"a\_b|\textless{}i\textgreater{}\$x\$ & \textit{90.10} \\" in text
    assert r"c & \textbf{44.4} \\" in text
    assert r"\multicolumn{2}{l}{\textit{second}} \\" in text
    assert [line for line in text.splitlines() if "rule" in line] == [
        r"\toprule", r"\midrule", r"\midrule", r"\bottomrule",
    ]  # fmt: skip
    assert r"\caption{F1 \& more. 100 \% sure}" in text
    assert r"\label{tab:two-models}" in text


def test_csv_keeps_printed_digits_and_measured_values_in_full() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(TABLE))))
    assert [row["f1"] for row in rows] == ["90.10", "44.4444", ""]
    assert [row["section"] for row in rows] == ["first", "first", "second"]
    assert rows[0]["model"] == "a_b|<i>$x$"


def test_csv_and_json_have_the_bounds_of_intervals() -> None:
    cell = TableCell("44.4±1.0", 44.4, "measured", low=43.4, high=45.4)
    table = Table(name="t", title="t", columns=(Column("F1", "f1"),), rows=((cell,),))
    assert to_csv(table) == "f1,f1_low,f1_high\n44.4,43.4,45.4\n"
    assert to_json(table) == [{"f1": 44.4, "f1_low": 43.4, "f1_high": 45.4}]


def test_text_marks_the_best_with_a_star_and_keeps_sections_in_place() -> None:
    lines = to_text(TABLE).splitlines()
    assert lines.index("first") < lines.index("second")
    assert any(line.split() == ["c", "44.4*"] for line in lines)
    assert lines[-1] == "100 % sure"


def test_an_empty_table_can_be_written() -> None:
    table = Table(name="t", title="t", columns=(Column("F1", "f1"),), rows=())
    for text in (to_text(table), to_markdown(table), to_latex(table), to_csv(table)):
        assert "F1" in text or "f1" in text
    assert to_json(table) == []


def test_a_row_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells, 1 columns"):
        Table(
            name="t",
            title="t",
            columns=(Column("a", "a"),),
            rows=((label("x"), label("y")),),
        )
