"""Every passage is asked every type, in a stable order, under a cap."""

from __future__ import annotations

import msgspec
import pytest

from unibench.errors import RunError
from unibench.runner.plan import plan_subset
from unibench.schema.prepared import PreparedSet
from unibench.schema.text import Passage


def test_one_type_a_query_asks_absent_types_too(prepared: PreparedSet) -> None:
    plan = plan_subset(prepared, 1)
    asked = [(q.passage.id, q.entity_types) for q in plan.queries]
    assert asked == [
        (f"p{i}", (kind,)) for i in range(3) for kind in ("person", "city")
    ]
    assert plan.pairs == 6


def test_all_types_at_once(prepared: PreparedSet) -> None:
    plan = plan_subset(prepared, None)
    assert [q.entity_types for q in plan.queries] == [("person", "city")] * 3
    assert plan.pairs == 6


def test_definitions_travel_with_the_types_they_define(prepared: PreparedSet) -> None:
    plan = plan_subset(prepared, 1)
    assert [dict(q.definitions) for q in plan.queries[:2]] == [
        {},
        {"city": "a named city"},
    ]


def test_limit_takes_the_first_passages(prepared: PreparedSet) -> None:
    assert [p.id for p in plan_subset(prepared, 1, limit=2).passages] == ["p0", "p1"]


@pytest.mark.parametrize("types_per_query", [1, None])
def test_the_cap_draws_the_same_whole_passages_for_every_model(
    prepared: PreparedSet, types_per_query: int | None
) -> None:
    many = msgspec.structs.replace(
        prepared, passages=tuple(Passage(str(i), "x") for i in range(1000))
    )
    plan = plan_subset(many, types_per_query, seed=7, max_pairs=100)
    again = plan_subset(many, 1, seed=7, max_pairs=100)
    assert plan.passages == again.passages
    assert (len(plan.passages), plan.sampled_from, plan.pairs) == (50, 1000, 100)
    ids = [int(p.id) for p in plan.passages]
    assert ids == sorted(ids)
    other = plan_subset(many, 1, seed=8, max_pairs=100)
    assert other.passages != plan.passages


def test_a_split_without_passages_is_an_error(prepared: PreparedSet) -> None:
    empty = msgspec.structs.replace(prepared, passages=())
    with pytest.raises(RunError, match=r"tiny \(test\) has no passages"):
        plan_subset(empty, 1)
