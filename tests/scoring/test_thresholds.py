"""Threshold curves, the choice of a threshold, calibration."""

from __future__ import annotations

import pytest

from unibench.errors import ScoreError
from unibench.schema.score import Case, Counts
from unibench.schema.text import Mention, Passage
from unibench.scoring.stats.thresholds import (
    best_threshold,
    calibration,
    threshold_curve,
)


def case(number: str, gold: str, *predicted: tuple[str, float | None]) -> Case:
    ours = tuple(Mention("x", text) for text in gold.split())
    theirs = tuple(Mention("x", text, (), score) for text, score in predicted)
    return Case(Passage(number, "", ours), ("x",), theirs)


CASES = [
    case("1", "a b", ("a", 0.9), ("b", 0.6), ("c", 0.3)),
    case("2", "d", ("d", 0.7), ("e", 0.65)),
]


def test_curve() -> None:
    curve = threshold_curve(CASES, "uniner", [0.7, 0.0, 0.5, 1.0])
    assert [(point.threshold, point.counts) for point in curve] == [
        (0.0, Counts(3, 5, 3)),
        (0.5, Counts(3, 4, 3)),
        (0.7, Counts(2, 2, 3)),
        (1.0, Counts(0, 0, 3)),
    ]


def test_best_threshold_is_the_lowest_of_equals_and_never_of_the_test_split() -> None:
    best = best_threshold(CASES, "uniner", split="dev")
    assert best.threshold == 0.35  # F1 6/7 from 0.35 to 0.6
    with pytest.raises(ScoreError, match="chosen on the test split"):
        best_threshold(CASES, "uniner", split="test")


def test_calibration() -> None:
    found = calibration(CASES, "uniner", bins=2)
    low, high = found.bins
    assert (low.mentions, low.mean_score, low.right) == (1, 0.3, 0)
    assert (high.mentions, high.right) == (4, 0.75)
    assert high.mean_score == pytest.approx(0.7125)
    assert found.error == pytest.approx((1 * 0.3 + 4 * 0.0375) / 5)


def test_mentions_without_a_score_are_refused() -> None:
    with pytest.raises(ScoreError, match="passage '9': the mention 'a' has no score"):
        calibration([case("9", "a", ("a", None))], "uniner")
