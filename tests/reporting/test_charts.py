"""Charts: equal byte for byte when drawn twice, and like the stored references."""

from __future__ import annotations

from pathlib import Path

import pytest

from unibench.reporting.charts.bars import (
    Bar,
    Series,
    count_bars,
    difference_bars,
    grouped_bars,
)
from unibench.reporting.charts.heat import heat_table, word_table
from unibench.reporting.charts.spread import Spread, spread_lines
from unibench.reporting.charts.style import ink_on, save, text_width
from unibench.reporting.tables import Column, Table, TableCell, label, number

REFERENCES = Path(__file__).parent / "references"
TABLE = Table(
    name="t",
    title="t",
    columns=(
        Column("model", "m", numeric=False),
        Column("Movie", "a"),
        Column("AI", "b"),
    ),
    rows=(
        (label("printed one"), TableCell("90.0", 90, "printed"), number(None)),
        (
            label("measured one"),
            TableCell("9.0±2.0", 9),
            TableCell("55.0", 55, bold=True),
        ),
    ),
    sections={0: "zero-shot"},
)
SERIES = (
    Series(
        name="printed",
        measured=False,
        bars={"Law": Bar(value=20), "STEM": Bar(value=30)},
    ),
    Series(
        name="measured",
        measured=True,
        bars={
            "Law": Bar(value=25, low=20, high=31),
            "STEM": Bar(value=None, note="2 of 7 subsets run"),
        },
    ),
)
CHARTS = {
    "grouped": lambda: grouped_bars(["Law", "STEM"], SERIES, label="F1 (%)"),
    "difference": lambda: difference_bars(
        ["a", "b"],
        [Bar(value=3, low=1, high=5), Bar(value=-2)],
        marked=[True, False],
        words=("labels overlap", "no overlap"),
        label="points",
    ),
    "counts": lambda: count_bars(
        ["Law", "STEM"], [("subsets", [3, 7]), ("k", [100, 75e3])]
    ),
    "heat": lambda: heat_table(TABLE),
    "words": lambda: word_table(TABLE),
    "spread": lambda: spread_lines(
        [Spread(name="m, s", values={"natural": 50, "raw": 40, "definition": 45})],
        label="F1 (%)",
    ),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_drawn_the_same_twice_and_like_its_reference(
    name: str, tmp_path: Path
) -> None:
    from matplotlib.testing.compare import compare_images

    first = save(CHARTS[name](), tmp_path / "a", dpi=100)
    second = save(CHARTS[name](), tmp_path / "b", dpi=100)
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    expected = REFERENCES / f"{name}.png"
    difference = compare_images(str(expected), str(first[0]), tol=3)
    assert difference is None, difference


def test_names_with_odd_characters_are_drawn(tmp_path: Path) -> None:
    series = [Series(name="$x_{1 模型 <b>", measured=True, bars={"$": Bar(value=5)})]
    save(grouped_bars(["$"], series, label="%"), tmp_path / "odd")
    assert text_width("$x$") > 0


def test_letters_on_a_cell_can_be_read() -> None:
    assert ink_on("white") != "white"
    assert ink_on("black") == "white"
