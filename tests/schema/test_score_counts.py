"""Counts add up, and ratios are defined where a denominator is empty."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.schema.score import Counts

COUNTS = st.builds(
    lambda c, p, g: Counts(min(c, p, g), p, g),
    st.integers(0, 50), st.integers(0, 50), st.integers(0, 50),
)  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "precision", "recall", "f1"),
    [
        pytest.param(Counts(), 0, 0, 0, id="nothing"),
        pytest.param(Counts(0, 3, 0), 0, 0, 0, id="only-predicted"),
        pytest.param(Counts(0, 0, 3), 0, 0, 0, id="only-gold"),
        pytest.param(Counts(1, 2, 1), 0.5, 1.0, 2 / 3, id="one-too-many"),
        pytest.param(Counts(1.5, 3, 2), 0.5, 0.75, 0.6, id="half-credit"),
    ],
)
def test_ratios(counts: Counts, precision: float, recall: float, f1: float) -> None:
    assert counts.precision == precision
    assert counts.recall == recall
    assert counts.f1 == pytest.approx(f1)


@given(COUNTS, COUNTS)
def test_adding_adds_each_part(a: Counts, b: Counts) -> None:
    total = a + b
    assert total.correct == a.correct + b.correct
    assert 0 <= total.f1 <= 1
    assert total == b + a
