"""Conversations as the paper's Figures 2 and 3 show them, turn by turn."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from unibench.adapters.uniner import UniNER
from unibench.backends.replay import ReplayBackend
from unibench.distill.mixing.mixture import InstancePart, Pool, sampled, taken
from unibench.distill.mixing.negatives import NegativeSampler
from unibench.distill.mixing.queries import Instance, Template, ask_about, by_type
from unibench.schema.conversation import Conversation
from unibench.schema.distillation import Component, ConversationRecipe, Negatives
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Query
from unibench.schema.text import Mention, Passage, Span

INSTANCE = Instance(
    "p1",
    "Ann met Bo in Lund. Ann left.",
    (
        Mention("city", "Lund"),
        Mention("person", "Bo"),
        Mention("person", "Ann"),
        Mention("person", "Ann", (Span(20, 23),)),
    ),
)
COUNTS = {"person": 5, "city": 3, "ship": 2, "metal": 1}


def ask(count: int = 1, order: str = "o", **options: Any) -> Conversation:
    negatives = NegativeSampler(COUNTS, Negatives(count=count))
    template = Template(**options)
    return ask_about(
        INSTANCE, template, negatives, draw_seed="d", order_seed=order
    ).conversation


def test_one_type_a_query() -> None:
    found = ask(count=0, order="a")
    turns = [(turn.speaker, turn.value) for turn in found.conversations]
    assert turns[:2] == [
        ("human", "Text: Ann met Bo in Lund. Ann left."),
        ("gpt", "I've read this text."),
    ]
    assert {(q.value, a.value) for q, a in found.pairs} == {
        ("What describes person in the text?", '["Ann", "Bo"]'),
        ("What describes city in the text?", '["Lund"]'),
    }
    assert found.answers == (3, 5)


def test_a_negative_type_has_an_empty_list() -> None:
    found = {q.value: a.value for q, a in ask(count=2).pairs}
    assert found["What describes ship in the text?"] == "[]"
    assert found["What describes metal in the text?"] == "[]"
    assert len(found) == 4


def test_all_types_in_one_query() -> None:
    ((query, answer),) = ask(count=2, query="all_types").pairs
    types = query.value.removeprefix("What describes ").removesuffix(" in the text?")
    assert sorted(types.split(", ")) == ["city", "metal", "person", "ship"]
    assert list(json.loads(answer.value)) == types.split(", ")
    assert json.loads(answer.value)["person"] == ["Ann", "Bo"]


def test_definitions_stand_in_place_of_types() -> None:
    found = ask(count=0, wording={"city": "a named city"})
    assert "What describes a named city in the text?" in {
        q.value for q, _ in found.pairs
    }


def test_mentions_are_in_the_order_of_the_passage_each_once() -> None:
    assert by_type(INSTANCE) == {"city": ["Lund"], "person": ["Ann", "Bo"]}


def test_a_mention_that_is_absent_comes_last() -> None:
    instance = Instance("p", "Bo sat.", (Mention("x", "Cy"), Mention("x", "Bo")))
    assert by_type(instance) == {"x": ["Bo", "Cy"]}


@pytest.mark.parametrize(
    ("limit", "types"),
    [
        pytest.param(3, {"person", "city", "ship", "metal"}, id="negatives-first"),
        pytest.param(1, {"person", "city"}, id="then-positives"),
    ],
)
def test_queries_beyond_the_limit_are_left_out(limit: int, types: set[str]) -> None:
    found = ask(count=2, max_queries=limit)
    asked = {q.value.split(" in the")[0].split()[-1] for q, _ in found.pairs}
    assert len(asked) == limit
    assert asked <= types
    assert limit == 1 or {"person", "city"} <= asked


@pytest.mark.parametrize(
    "dataset_name",
    [
        pytest.param("", id="figure-2"),
        pytest.param("mit-movie", id="figure-3"),
    ],
)
def test_training_turns_are_those_that_the_adapter_asks(dataset_name: str) -> None:
    """A model is trained on the very turns that it is evaluated with."""
    card = ModelCard(
        adapter="uniner",
        checkpoint=Checkpoint(id="x"),
        backend={"name": "replay", "file": "none.jsonl"},
        options={"dataset_names": {"s": dataset_name}} if dataset_name else {},
    )
    adapter = UniNER(card, ReplayBackend(card))
    query = Query(Passage("p", INSTANCE.text), ("city",), {}, subset="s")
    asked = [m.content for m in adapter.render(query).messages[1:]]
    found = ask(count=0, dataset_name=dataset_name)
    ((question, _),) = [p for p in found.pairs if "city" in p[0].value]
    opening = [turn.value for turn in found.conversations[:2]]
    assert [*opening, question.value] == asked


def part(
    size: int = 40,
    component: Component | None = None,
    recipe: ConversationRecipe | None = None,
) -> InstancePart:
    instances = [
        Instance(f"p{n}", INSTANCE.text, INSTANCE.mentions) for n in range(size)
    ]
    pool = Pool(instances=instances, counts=COUNTS, identity="i")
    return InstancePart(
        component or Component(distilled=True), recipe or ConversationRecipe(), pool, 0
    )


def test_each_epoch_has_its_own_order() -> None:
    made = part()
    first, again, second = (made.conversation(0, e, 0).conversation for e in (0, 0, 1))
    assert first == again
    assert {*first.pairs} == {*second.pairs}
    orders = {tuple(made.conversation(0, e, 0).conversation.pairs) for e in range(12)}
    assert len(orders) > 1


def test_fresh_negatives_differ_between_epochs() -> None:
    recipe = ConversationRecipe(
        fresh_negatives=True, negatives=Negatives(count=1, strategy="uniform")
    )
    made = part(recipe=recipe)
    seen = {
        frozenset(q.value for q, _ in made.conversation(0, e, 0).conversation.pairs)
        for e in range(20)
    }
    assert len(seen) == 2  # ship or metal


@pytest.mark.parametrize(
    ("weight", "size", "counts"),
    [
        pytest.param(1.0, 40, {1: 40}, id="once"),
        pytest.param(2.0, 80, {2: 40}, id="twice"),
        pytest.param(0.5, 20, {1: 20}, id="half"),
        pytest.param(1.25, 50, {1: 30, 2: 10}, id="a-quarter-more"),
    ],
)
def test_weights(weight: float, size: int, counts: dict[int, int]) -> None:
    made = part(component=Component(distilled=True, weight=weight))
    chosen = list(taken(made, "seed"))
    times = Counter(index for index, _ in chosen)
    assert len(chosen) == len({*chosen}) == size
    assert Counter(times.values()) == counts


def test_a_limit_draws_a_random_part() -> None:
    assert len(part(component=Component(distilled=True, limit=7))) == 7
    assert sampled(10, 3, "a") == sampled(10, 3, "a") != sampled(10, 3, "b")
