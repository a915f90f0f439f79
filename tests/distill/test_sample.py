"""Sampling: uniform, the same in any order, whole or continued, stratified."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from unibench.distill.corpus.sample import (
    Kept,
    Reservoir,
    SampledPassage,
    Sampler,
    keys_of,
)
from unibench.errors import DataError

CHI2_99_DF_99 = 134.6
"""The 99 % point of chi-square with 99 degrees of freedom."""


def passage(name: str, source: str = "s") -> SampledPassage:
    return SampledPassage(id=name, source=source, document=name, tokens=1, text=name)


def sample(documents: list[tuple[str, int]], size: int, seed: int) -> list[str]:
    """Sample passages of documents, given as (name, number of passages)."""
    reservoir = Reservoir(size)
    for name, count in documents:
        for at, key in enumerate(keys_of(name, count, seed).tolist()):
            reservoir.add(key, passage(f"{name}#{at}"))
    return [entry.passage.id for entry in reservoir.kept()]


DOCUMENTS = [(f"d{n}", 1 + n % 7) for n in range(250)]  # 995 passages
DOCUMENTS.append(("last", 5))


def test_every_passage_is_as_likely_as_any_other() -> None:
    """100 cells of 10 passages; 300 samples of 50: 150 expected in each cell."""
    names = [f"{name}#{at}" for name, count in DOCUMENTS for at in range(count)]
    assert len(names) == 1000
    cells = {name: at // 10 for at, name in enumerate(names)}
    seen: Counter[int] = Counter()
    for seed in range(300):
        seen.update(cells[name] for name in sample(DOCUMENTS, 50, seed))
    expected = 300 * 50 / 100
    statistic = sum((seen[c] - expected) ** 2 / expected for c in range(100))
    # Sampling without replacement varies a little less than chi-square says.
    assert statistic < CHI2_99_DF_99
    assert statistic > 60  # and it is not too regular to be random either


def test_passages_of_one_document_are_drawn_independently() -> None:
    """Of 12 passages of a document 6 are drawn: all 66 pairs equally often."""
    pairs: Counter[tuple[str, str]] = Counter()
    draws = 3000
    for seed in range(draws):
        chosen = sorted(sample([("one", 12)], 6, seed))
        pairs.update((a, b) for a in chosen for b in chosen if a < b)
    expected = draws * (6 * 5) / (12 * 11)
    statistic = sum((n - expected) ** 2 / expected for n in pairs.values())
    assert len(pairs) == 66
    assert statistic < 95.6  # 99 % point of chi-square with 66 degrees of freedom


def test_the_order_of_the_stream_does_not_matter() -> None:
    shuffled = DOCUMENTS.copy()
    random.Random(1).shuffle(shuffled)  # noqa: S311
    assert sample(DOCUMENTS, 50, 0) == sample(shuffled, 50, 0)
    assert sample(DOCUMENTS, 50, 0) != sample(DOCUMENTS, 50, 1)


def test_a_smaller_sample_is_part_of_a_larger_one() -> None:
    assert sample(DOCUMENTS, 50, 0)[:20] == sample(DOCUMENTS, 20, 0)


def test_keys_of_a_prefix_are_a_prefix_of_the_keys() -> None:
    assert keys_of("d", 5, 3).tolist() == keys_of("d", 50, 3).tolist()[:5]


def test_a_restored_sampler_goes_on_as_if_nothing_had_happened() -> None:
    whole, first = Sampler(20, reserve=0.2), Sampler(20, reserve=0.2)
    for name, count in DOCUMENTS:
        offer(whole, name, count)
    for name, count in DOCUMENTS[:100]:
        offer(first, name, count)
    second = Sampler(20, reserve=0.2)
    second.restore(first.kept())
    for name, count in DOCUMENTS[100:]:
        offer(second, name, count)
    assert second.kept() == whole.kept()
    assert len(whole.kept()[""]) == 24


def offer(sampler: Sampler, name: str, count: int, source: str = "s") -> None:
    for at, key in enumerate(keys_of(name, count, 0).tolist()):
        reservoir = sampler.reservoir(source)
        if reservoir is not None:
            reservoir.add(key, passage(f"{name}#{at}", source))


@pytest.mark.parametrize(
    ("stratify", "quotas"),
    [
        pytest.param("equal", {"a": 4, "b": 3, "c": 3}, id="equal"),
        pytest.param({"a": 3, "b": 1}, {"a": 8, "b": 2}, id="shares"),
    ],
)
def test_strata(stratify: str, quotas: dict[str, int]) -> None:
    sampler = Sampler(10, stratify)  # type: ignore[arg-type]
    for n in range(300):
        offer(sampler, f"d{n}", 3, source="abc"[min(2, n // 100)])
    assert sampler.quotas() == quotas
    kept = sampler.kept()
    assert {name: len(kept[name]) >= n for name, n in quotas.items()} == dict.fromkeys(
        quotas, True
    )
    for name, entries in kept.items():
        assert {entry.passage.source for entry in entries} == {name}


def test_a_stratum_is_uniform_however_late_the_others_come() -> None:
    """Shrinking a reservoir keeps its smallest keys, so early sources lose nothing."""
    early, alone = Sampler(12, "equal"), Sampler(4, "equal")
    for sampler in (early, alone):
        for n in range(50):
            offer(sampler, f"a{n}", 3, source="a")
    for source in "bc":
        offer(early, source, 9, source=source)
    assert early.kept()["a"] == alone.kept()["a"]


def test_too_many_strata_are_an_error_not_a_full_memory() -> None:
    sampler = Sampler(3, "equal")
    for source in "abc":
        offer(sampler, source, 2, source)
    with pytest.raises(DataError, match="more than 3 sources, the last one 'd'"):
        offer(sampler, "d", 2, "d")


def test_the_reservoir_keeps_the_smallest_keys() -> None:
    reservoir = Reservoir(2)
    for key in (5, 3, 9, 1):
        reservoir.add(key, passage(str(key)))
    assert reservoir.kept() == [Kept(1, passage("1")), Kept(3, passage("3"))]
    assert reservoir.limit == 3
