"""Thresholds and calibration of models that give each mention a score."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from unibench.errors import ScoreError
from unibench.schema.score import Case, Counts
from unibench.scoring.profile import Notes, Profile
from unibench.scoring.profiles import find_profile
from unibench.scoring.table import tabulate_cases

GRID = tuple(step / 20 for step in range(20))
"""The thresholds that are tried unless others are given: 0, 0.05, ... 0.95."""
BINS = 10


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """The counts when only mentions with at least this score are kept."""

    threshold: float
    counts: Counts


class CalibrationBin(msgspec.Struct, frozen=True, kw_only=True):
    """Mentions with scores from `low` up to `high`: how sure, and how often right."""

    low: float
    high: float
    mentions: int
    mean_score: float
    right: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """How far scores are from the share of right mentions.

    `error` is the expected calibration error (Naeini et al. 2015): the mean distance
    of score and share in bins of equal width, weighted by mentions.
    """

    error: float
    bins: tuple[CalibrationBin, ...]


def threshold_curve(
    cases: Sequence[Case],
    profile: str = "strict_span",
    thresholds: Sequence[float] = GRID,
) -> tuple[Point, ...]:
    """Return the counts at each of `thresholds`, in ascending order.

    Raises:
        ScoreError: a predicted mention has no score.
    """
    _require_scores(cases)
    rule = find_profile(profile)
    points = []
    for threshold in sorted(set(thresholds)):
        kept = (_at_least(case, threshold) for case in cases)
        counts = tabulate_cases(kept, rule).total()
        points.append(Point(threshold=threshold, counts=counts))
    return tuple(points)


def best_threshold(
    cases: Sequence[Case],
    profile: str = "strict_span",
    *,
    split: str,
    thresholds: Sequence[float] = GRID,
) -> Point:
    """Return the point with the highest F1 on the dev split; the lowest of equals.

    Raises:
        ScoreError: the split is the test split, on which nothing may be chosen.
    """
    if split == "test":
        raise ScoreError(
            "a threshold chosen on the test split makes its score worthless; choose it"
            " on the dev split, or state a fixed one"
        )
    curve = threshold_curve(cases, profile, thresholds)
    if not curve:
        raise ScoreError("there are no thresholds to choose from")
    return max(curve, key=lambda point: (point.counts.f1, -point.threshold))


def calibration(
    cases: Sequence[Case], profile: str = "strict_span", *, bins: int = BINS
) -> Calibration:
    """Compare scores with how often mentions are right under `profile`.

    A mention is right to the extent that the rule credits it when it stands alone.

    Raises:
        ScoreError: a predicted mention has no score.
    """
    _require_scores(cases)
    rule = find_profile(profile)
    members: list[list[tuple[float, float]]] = [[] for _ in range(bins)]
    for case in cases:
        for score, right in _scored(case, rule):
            members[min(int(score * bins), bins - 1)].append((score, right))
    filled = tuple(
        _bin(number / bins, (number + 1) / bins, found)
        for number, found in enumerate(members)
    )
    total = sum(one.mentions for one in filled)
    gaps = sum(one.mentions * abs(one.mean_score - one.right) for one in filled)
    return Calibration(error=gaps / total if total else 0.0, bins=filled)


def _bin(low: float, high: float, found: list[tuple[float, float]]) -> CalibrationBin:
    size = len(found)
    return CalibrationBin(
        low=low,
        high=high,
        mentions=size,
        mean_score=sum(score for score, _ in found) / size if size else 0.0,
        right=sum(right for _, right in found) / size if size else 0.0,
    )


def _scored(case: Case, rule: Profile) -> list[tuple[float, float]]:
    found = []
    for mention in case.predicted:
        alone = msgspec.structs.replace(case, predicted=(mention,))
        cells = rule.count(alone, Notes()).values()
        predicted = sum(cell.predicted for cell in cells)
        if predicted and mention.score is not None:
            credit = sum(cell.twice_correct for cell in cells) / 2
            found.append((mention.score, credit / predicted))
    return found


def _at_least(case: Case, threshold: float) -> Case:
    kept = tuple(m for m in case.predicted if (m.score or 0.0) >= threshold)
    return msgspec.structs.replace(case, predicted=kept)


def _require_scores(cases: Sequence[Case]) -> None:
    for case in cases:
        for mention in case.predicted:
            if mention.score is None:
                raise ScoreError(
                    f"passage {case.passage.id!r}: the mention {mention.text!r} has no"
                    " score; thresholds and calibration need one for every mention"
                )
