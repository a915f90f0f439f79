"""Means, coverage, ranks and ties, by hand."""

from __future__ import annotations

import pytest

from unibench.reporting.averages import (
    best,
    board_ranks,
    mean_of_groups,
    mean_over,
    ranks,
)
from unibench.reporting.results import Cell, Row


def cell(value: float, half: float | None = None) -> Cell:
    if half is None:
        return Cell(value=value, text=str(value))
    return Cell(value=value, text=str(value), low=value - half, high=value + half)


def test_a_mean_is_unweighted_and_tells_what_it_covers() -> None:
    mean = mean_over({"a": cell(10), "b": cell(40)}, ["a", "b", "c"])
    assert mean is not None
    assert (mean.value, mean.covered, mean.total, mean.complete) == (25, 2, 3, False)
    assert mean.low is None


def test_independent_intervals_combine_in_quadrature() -> None:
    mean = mean_over({"a": cell(10, 3), "b": cell(40, 4)}, ["a", "b"])
    assert mean is not None  # sqrt(3^2 + 4^2) / 2 = 2.5
    assert (mean.low, mean.high) == (22.5, 27.5)


def test_a_mean_over_nothing_is_none() -> None:
    assert mean_over({}, ["a"]) is None


def test_groups_that_lack_a_member_are_missing_as_a_whole() -> None:
    cells = {"a": cell(10), "b": cell(20), "c": cell(60)}
    mean = mean_of_groups(cells, [["a", "b"], ["c"], ["d", "a"]])
    assert mean is not None
    assert (mean.value, mean.covered, mean.total) == (37.5, 2, 3)
    assert mean_of_groups(cells, [["d"]]) is None


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([(30, None), (50, None), (40, None)], [3, 1, 2], id="points"),
        pytest.param([(50, None), (50, None)], [1, 1], id="equal points"),
        pytest.param([(50, 2), (47, 2), (40, 2)], [1, 1, 3], id="overlap shares"),
        pytest.param([(50, 2), (47, 2), (44, 2)], [1, 1, 2], id="chain"),
        pytest.param([(50, 2), (49, None)], [1, 1], id="point inside"),
        pytest.param([], [], id="none"),
    ],
)
def test_ranks(entries: list[tuple[float, float | None]], expected: list[int]) -> None:
    assert ranks([cell(*entry) for entry in entries]) == expected


def test_permuting_models_permutes_ranks() -> None:
    entries = [cell(50, 2), cell(47, 2), cell(20), cell(44, 2)]
    forward = ranks(entries)
    assert ranks(entries[::-1]) == forward[::-1]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([(50, 2), (47, 2), (40, 2)], {0, 1}, id="tie by interval"),
        pytest.param([(50, None), (49.9, None)], {0}, id="points"),
        pytest.param([None, (1, None)], {1}, id="missing"),
        pytest.param([None], set(), id="nothing"),
    ],
)
def test_best(
    entries: list[tuple[float, float | None] | None], expected: set[int]
) -> None:
    assert best([cell(*entry) if entry else None for entry in entries]) == expected


def row(unranked: str = "", **values: float) -> Row:
    cells = {name: cell(value) for name, value in values.items()}
    return Row(
        model="m", title="m", measured=True, profile="uniner", group="undisclosed",
        unranked=unranked, cells=cells,
    )  # fmt: skip


def test_other_coverage_and_other_settings_have_no_rank() -> None:
    rows = [row(a=10, b=10), row(a=99), row(a=50, b=50), row("first 10", a=80, b=80)]
    assert board_ranks(rows, ["a", "b"]) == {0: 2, 2: 1}
