"""Intervals, paired tests, ranks and averages."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from unibench.errors import ScoreError
from unibench.schema.score import Case, Counts
from unibench.schema.text import Mention, Passage
from unibench.scoring.api import score_cases
from unibench.scoring.profiles import find_profile
from unibench.scoring.stats.averages import (
    macro_f1,
    mean_over_groups,
    mean_over_subsets,
    micro_over,
    type_averages,
    weighted_f1,
)
from unibench.scoring.stats.bootstrap import distinct, generator, resampled
from unibench.scoring.stats.compare import (
    changed_queries,
    compare_cases,
    compare_tables,
    detectable_difference,
    holm,
    tabulate_pair,
)
from unibench.scoring.stats.ranks import rank_models
from unibench.scoring.table import Table, tabulate_cases

TYPES = ("person", "place")


def model(
    skill: float, passages: int = 120, *, seed: int = 0, documents: int = 0
) -> list[Case]:
    """A model that finds each gold mention with probability `skill`."""
    gold = random.Random(99)  # noqa: S311
    own = random.Random(seed)  # noqa: S311
    cases = []
    for number in range(passages):
        mentions = tuple(
            Mention(gold.choice(TYPES), f"m{k}") for k in range(gold.randint(0, 4))
        )
        predicted = tuple(
            m if own.random() < skill else Mention(m.entity_type, "wrong")
            for m in mentions
        )
        document = f"d{number % documents}" if documents else ""
        passage = Passage(str(number), "", mentions, document)
        cases.append(Case(passage, TYPES, predicted))
    return cases


def table(cases: Sequence[Case], profile: str = "uniner") -> Table:
    return tabulate_cases(cases, find_profile(profile))


def test_every_number_has_an_interval_that_holds_it() -> None:
    result = score_cases(model(0.6))
    assert result.interval is not None
    assert result.intervals is not None
    assert result.interval == result.intervals.f1
    assert result.interval.low < result.f1 < result.interval.high
    assert result.intervals.precision.low < result.precision
    assert result.recall < result.intervals.recall.high
    assert set(result.type_intervals) == set(TYPES)
    for name, found in result.type_intervals.items():
        assert found.f1.low <= result.by_type[name].f1 <= found.f1.high


def test_intervals_are_those_of_a_plain_bootstrap() -> None:
    cases = model(0.6)
    result = score_cases(cases, resamples=20_000)
    parts = [score_cases([case], resamples=0).counts for case in cases]
    counts = np.array([[2 * c.correct, c.predicted, c.gold] for c in parts])
    draws = np.random.default_rng(5).integers(0, len(cases), (20_000, len(cases)))
    sums = counts[draws].sum(axis=1)
    f1 = sums[:, 0] / (sums[:, 1] + sums[:, 2])
    low, high = np.quantile(f1, [0.025, 0.975])
    assert result.interval is not None
    assert result.interval.low == pytest.approx(low, abs=0.004)
    assert result.interval.high == pytest.approx(high, abs=0.004)


def test_the_seed_decides_and_the_order_of_passages_does_not() -> None:
    cases = model(0.6)
    first = score_cases(cases)
    assert score_cases(cases[::-1]).intervals == first.intervals
    assert score_cases(cases[::-1]).type_intervals == first.type_intervals
    assert score_cases(cases, seed=1).intervals != first.intervals


def test_documents_are_drawn_whole() -> None:
    alone = score_cases(model(0.6))
    in_two = score_cases(model(0.6, documents=2))
    assert alone.counts == in_two.counts
    assert alone.interval is not None
    assert in_two.interval is not None
    # two documents can only be drawn as both, or one of them twice
    f1s = {
        score_cases([c for c in model(0.6) if int(c.passage.id) % 2 == half]).f1
        for half in (0, 1)
    }
    assert {in_two.interval.low, in_two.interval.high} == f1s


def test_large_data_are_resampled_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    units = distinct(np.array([[2, 1, 1], [0, 1, 2], [2, 2, 2]] * 5))
    whole = resampled(units, 100, generator(0))
    monkeypatch.setattr("unibench.scoring.stats.bootstrap.CHUNK", 21)
    assert (resampled(units, 100, generator(0)) == whole).all()


def test_nothing_to_score_has_zeros() -> None:
    result = score_cases([Case(Passage("1", "It rains"), TYPES)])
    assert result.f1 == 0
    assert result.interval is not None
    assert (result.interval.low, result.interval.high) == (0, 0)
    assert score_cases([]).interval is None


def test_compare_finds_a_clear_difference_and_no_unclear_one() -> None:
    clear = compare_cases(model(0.4), model(0.9, seed=1))
    assert clear.difference > 0.3
    assert clear.interval.low > 0
    assert clear.p_value == pytest.approx(1 / 1001)
    same = compare_cases(model(0.6), model(0.6))
    assert (same.difference, same.p_value) == (0, 1)
    unclear = compare_cases(model(0.6, seed=1), model(0.6, seed=2))
    assert unclear.interval.low < 0 < unclear.interval.high
    assert unclear.p_value > 0.05
    assert unclear.detectable > abs(unclear.difference)


def test_compare_is_symmetric_and_blind_to_order() -> None:
    a, b = model(0.5), model(0.6, seed=1)
    there, back = compare_cases(a, b), compare_cases(b, a)
    assert there.difference == pytest.approx(-back.difference)
    assert there.p_value == pytest.approx(back.p_value, abs=0.03)
    assert compare_cases(a[::-1], b) == there


def test_false_alarms_are_as_rare_as_they_should_be() -> None:
    alarms = sum(
        compare_cases(
            model(0.6, 60, seed=2 * k), model(0.6, 60, seed=2 * k + 1), resamples=200
        ).p_value
        <= 0.05
        for k in range(200)
    )
    assert 2 <= alarms <= 20  # 10 expected; either bound has a chance below 1 in 500


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ScoreError, match=r"passage '119' was given to one model only"):
        compare_cases(model(0.5), model(0.5)[:-1])
    other = model(0.5)
    other[3] = Case(Passage("3", "", (Mention("person", "Eve"),)), TYPES)
    with pytest.raises(ScoreError, match="passage '3' has other gold"):
        compare_cases(model(0.5), other)
    with pytest.raises(ScoreError, match="two rules"):
        compare_tables({"x": (table(model(0.5)), table(model(0.5), "partial"))})


def test_changed_queries_lists_the_largest_first() -> None:
    def case(number: str, *texts: str) -> Case:
        gold = (Mention("person", "Ann"), Mention("person", "Bo"))
        predicted = tuple(Mention("person", text) for text in texts)
        return Case(Passage(number, "", gold), ("person",), predicted)

    first = [case("1", "Ann"), case("2", "Ann", "Bo"), case("3", "Bo")]
    second = [case("3", "Ann"), case("2"), case("1", "Ann", "Bo")]
    changes = changed_queries(*tabulate_pair(first, second, "uniner"))
    assert [c.passage for c in changes] == ["2", "1"]  # 3 is another hit, same counts
    assert changes[0].first == Counts(2, 2, 2)
    assert changes[0].second == Counts(0, 0, 2)


def test_overall_difference_is_that_of_the_means() -> None:
    pairs = {
        "x": tabulate_pair(model(0.4), model(0.7, seed=1), "uniner"),
        "y": tabulate_pair(model(0.5, 40), model(0.6, 40, seed=1), "uniner"),
    }
    found = compare_tables(pairs)
    x, y = found.subsets
    assert found.overall.difference == pytest.approx((x.difference + y.difference) / 2)
    assert found.overall.name == "mean over 2 subsets"
    assert x.adjusted_p_value == pytest.approx(min(1, 2 * x.p_value))
    turned = compare_tables(dict(reversed(pairs.items())))
    assert turned.overall.p_value == found.overall.p_value


def test_holm() -> None:  # worked by hand: 4 x 0.01, 3 x 0.015, then no smaller
    given = {"a": 0.04, "b": 0.01, "c": 0.015, "d": 0.5}
    expected = {"a": 0.08, "b": 0.04, "c": 0.045, "d": 0.5}
    assert holm(given) == pytest.approx(expected)


def test_detectable_difference() -> None:
    # 1.96 + 0.84 standard errors (Cohen's textbook constants)
    assert detectable_difference(0.01) == pytest.approx(0.0280, abs=1e-4)


def test_ranks_groups_and_permutation() -> None:
    skills = {"poor": 0.2, "fair": 0.6, "also fair": 0.6, "good": 0.95}
    tables = {
        name: {"x": table(model(skill, seed=k))}
        for k, (name, skill) in enumerate(skills.items())
    }
    ranks = rank_models(tables)
    places = {rank.model: (rank.best, rank.worst) for rank in ranks}
    assert places["good"] == (1, 1)
    assert places["fair"] == places["also fair"] == (2, 3)
    assert places["poor"] == (4, 4)
    groups = {rank.model: rank.groups for rank in ranks}
    assert groups["fair"] == groups["also fair"] == "b"
    assert (groups["good"], groups["poor"]) == ("a", "c")
    assert rank_models(dict(reversed(tables.items()))) == ranks
    alone = rank_models({"good": tables["good"]})
    assert [(r.best, r.worst, r.groups) for r in alone] == [(1, 1, "a")]


def test_ranks_refuse_other_coverage() -> None:
    one = {"x": table(model(0.5))}
    with pytest.raises(ScoreError, match=r"cover different subsets \(one lacks 'y'\)"):
        rank_models({"a": one, "b": {**one, "y": table(model(0.5))}})


def test_averages_are_named_by_what_they_cover() -> None:
    tables = {"x1": table(model(0.4)), "x2": table(model(0.8)), "y": table(model(0.9))}
    f1 = {name: one.total().f1 for name, one in tables.items()}
    over = mean_over_subsets(tables, ["x1", "x2", "y"])
    assert over.name == "mean over 3 subsets"
    assert over.value == pytest.approx(sum(f1.values()) / 3)
    assert over.interval is not None
    assert over.interval.low < over.value < over.interval.high
    groups = {"x": ["x1", "x2"], "y": ["y"]}
    by_dataset = mean_over_groups(tables, groups, kind="datasets")
    assert by_dataset.value == pytest.approx(((f1["x1"] + f1["x2"]) / 2 + f1["y"]) / 2)
    assert by_dataset.name == "mean over 2 datasets"
    assert by_dataset.complete
    part = mean_over_groups({"y": tables["y"]}, groups)
    assert (part.covered, part.total, part.missing) == (1, 2, ("x",))
    assert not part.complete
    with pytest.raises(ScoreError, match="none of the 2 domains"):
        mean_over_groups({}, groups)


def test_macro_weighted_and_micro() -> None:
    by_type = {"a": Counts(1, 1, 1), "b": Counts(1, 3, 3), "c": Counts(0, 2, 0)}
    by_type["never"] = Counts()
    assert macro_f1(by_type) == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert weighted_f1(by_type) == pytest.approx((1 + 3 * (1 / 3)) / 4)
    one, two = table(model(0.4)), table(model(0.8))
    assert micro_over([one, two]) == one.total() + two.total()
    macro, weighted = type_averages(one)
    assert macro.value == pytest.approx(macro_f1(one.by_type()))
    assert macro.interval is not None
    assert weighted.interval is not None
    assert macro.interval.low < macro.value < macro.interval.high
    assert weighted.interval.low < weighted.value < weighted.interval.high


def test_merged_shards_equal_the_whole(make_case: Callable[..., Case]) -> None:
    cases = model(0.6, documents=7)
    whole, shards = table(cases), table(cases[40:])
    shards.merge(table(cases[:40]))
    assert shards.total() == whole.total()
    assert shards.by_type() == whole.by_type()
    ours, theirs = score_cases(cases), score_cases(cases[40:] + cases[:40])
    assert ours.intervals == theirs.intervals
    with pytest.raises(ScoreError, match="passage '0' is in both shards"):
        shards.merge(table(cases[:1]))
    with pytest.raises(ScoreError, match="cannot be added"):
        shards.merge(table([make_case("x")], "partial"))
