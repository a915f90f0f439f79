"""Negative types: proportional to frequency, uniform, or none; never present ones."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from unibench.distill.mixing.negatives import NegativeSampler
from unibench.schema.distillation import Negatives

COUNTS = {f"type {n}": 1000 // n for n in range(1, 31)}  # a heavy tail of 30 types
CHI2_99_DF_29 = 49.6
CHI2_99_DF_24 = 43.0
DRAWS = 20_000


def sampler(strategy: Any, count: Any = 1, counts: Any = None) -> NegativeSampler:
    negatives = Negatives(strategy=strategy, count=count)
    return NegativeSampler(counts or COUNTS, negatives)


def statistic(seen: Counter[str], weights: dict[str, int]) -> float:
    total = sum(weights.values())
    return sum(
        (seen[name] - DRAWS * weight / total) ** 2 / (DRAWS * weight / total)
        for name, weight in weights.items()
    )


def drawn_with(strategy: str, present: set[str]) -> Counter[str]:
    draws = sampler(strategy)
    return Counter(draws.draw(present, f"seed {n}")[0] for n in range(DRAWS))


def test_frequency_draws_are_proportional_to_frequency() -> None:
    seen = drawn_with("frequency", set())
    assert statistic(seen, COUNTS) < CHI2_99_DF_29
    assert statistic(seen, dict.fromkeys(COUNTS, 1)) > 1000  # and far from uniform


def test_uniform_draws_are_uniform() -> None:
    seen = drawn_with("uniform", set())
    assert statistic(seen, dict.fromkeys(COUNTS, 1)) < CHI2_99_DF_29


def test_what_is_present_is_never_drawn_and_the_rest_keeps_its_proportions() -> None:
    present = {f"type {n}" for n in (1, 2, 3, 10, 20)}
    seen = drawn_with("frequency", present)
    left = {name: n for name, n in COUNTS.items() if name not in present}
    assert not present & seen.keys()
    assert statistic(seen, left) < CHI2_99_DF_24


def test_the_second_draw_is_proportional_to_what_is_left() -> None:
    """Two of three types 1:2:3; P(a, b) = 1/6 * 2/5 and so on, six ordered pairs."""
    counts = {"a": 1, "b": 2, "c": 3}
    draws = sampler("frequency", 2, counts)
    seen = Counter(tuple(draws.draw((), f"{n}")) for n in range(DRAWS))
    expected = {
        (x, y): counts[x] / 6 * counts[y] / (6 - counts[x]) * DRAWS
        for x in counts
        for y in counts
        if x != y
    }
    chi2 = sum((seen[p] - e) ** 2 / e for p, e in expected.items())
    assert chi2 < 15.1  # 99 % point with 5 degrees of freedom


def test_vain_draws_do_not_change_the_proportions() -> None:
    """Nearly all of the mass is present, so the rest is weighed anew."""
    counts = {"everywhere": 10**9} | {f"rare {n}": n for n in range(1, 26)}
    draws = sampler("frequency", 1, counts)
    seen = Counter(draws.draw({"everywhere"}, f"{n}")[0] for n in range(DRAWS))
    rare = {name: n for name, n in counts.items() if name != "everywhere"}
    assert statistic(seen, rare) < CHI2_99_DF_24


@pytest.mark.parametrize(
    ("strategy", "count", "present", "expected"),
    [
        pytest.param("none", 5, set(), set(), id="none"),
        pytest.param("frequency", 0, set(), set(), id="zero"),
        pytest.param("frequency", 9, {"a"}, {"b", "c"}, id="fewer-than-wanted"),
        pytest.param("uniform", 9, {"a", "x"}, {"b", "c"}, id="unknown-present"),
        pytest.param("frequency", "all", {"a"}, {"b", "c", "never"}, id="all"),
        pytest.param("frequency", 3, {"a", "b", "c"}, set(), id="all-present"),
    ],
)
def test_how_many(
    strategy: str, count: Any, present: set[str], expected: set[str]
) -> None:
    draws = sampler(strategy, count, {"a": 3, "b": 2, "c": 1, "never": 0})
    found = draws.draw(present, "seed")
    assert len(found) == len({*found})
    if count == "all" or strategy == "frequency":
        assert {*found} == expected
    else:
        assert {*found} - {"never"} == expected


def test_equal_seeds_draw_the_same() -> None:
    draws = sampler("frequency", 5)
    assert draws.draw((), "x") == draws.draw((), "x")
    assert draws.draw((), "x") != draws.draw((), "y")


def test_a_type_that_differs_in_case_only_is_present() -> None:
    draws = sampler("uniform", 5, {"Person": 1, "person": 1, "ship": 1})
    assert draws.draw({"PERSON"}, "seed") == ["ship"]
