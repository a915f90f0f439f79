"""Answers are kept as they come; nothing is asked twice; failures lose nothing."""

from __future__ import annotations

import pytest

from tests.runner.conftest import CARD, Backend, Lines, perfect
from unibench.backends.store import ResponseStore
from unibench.errors import BackendError
from unibench.runner.ask import ask, read_all
from unibench.runner.plan import plan_subset
from unibench.runner.score_run import cases_of, scores_of, tally_of
from unibench.runner.watch import Watcher
from unibench.schema.prepared import PreparedSet
from unibench.schema.query import Prediction, Query
from unibench.schema.score import Counts


class Steps(Watcher):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.readings: list[Prediction] = []

    def advance(self, count: int) -> None:
        self.steps.append(count)

    def read(self, prediction: Prediction) -> None:
        self.readings.append(prediction)


def test_an_interrupted_run_goes_on_where_it_stopped(
    prepared: PreparedSet, store: ResponseStore
) -> None:
    queries = plan_subset(prepared, 1).queries
    with pytest.raises(BackendError, match="went away"):
        ask(Lines(CARD, Backend(perfect, fail_after=4)), queries, store)
    assert len(store) == 4
    backend = Backend(perfect)
    answers = ask(Lines(CARD, backend), queries, store)
    assert len(backend.asked) == 2
    assert (answers.usage.requests, answers.usage.reused) == (2, 4)
    assert answers.usage.completion_tokens == 4


def test_equal_requests_are_asked_once_and_counted_all(
    prepared: PreparedSet, store: ResponseStore
) -> None:
    queries = plan_subset(prepared, 1).queries * 3
    backend, watch = Backend(perfect), Steps()
    answers = ask(Lines(CARD, backend), queries, store, watch)
    assert len(backend.asked) == len(watch.readings) == 6
    assert sum(watch.steps) == len(queries) == len(answers.responses)


def test_a_backend_that_leaves_queries_out_is_an_error(
    prepared: PreparedSet, store: ResponseStore
) -> None:
    class Lazy(Lines):
        def respond(self, queries):  # type: ignore[no-untyped-def]
            yield from list(super().respond(queries))[:-1]

    queries = plan_subset(prepared, 1).queries
    with pytest.raises(BackendError, match="left 1 of 6 requests without an answer"):
        ask(Lazy(CARD, Backend(perfect)), queries, store)
    assert len(store) == 5


def run(
    prepared: PreparedSet, store: ResponseStore, backend: Backend
) -> tuple[Counts, Counts, int, int]:
    adapter, plan = Lines(CARD, backend), plan_subset(prepared, 1)
    answers = ask(adapter, plan.queries, store)
    predictions = read_all(adapter, plan.queries, answers)
    cases = cases_of(prepared, plan.passages, predictions)
    scores = scores_of(cases)
    tally = tally_of(cases, predictions, scores)
    return (
        scores["uniner"].counts,
        scores["partial"].counts,
        tally.unparsed,
        tally.invented,
    )


def test_perfect_answers_score_one(prepared: PreparedSet, store: ResponseStore) -> None:
    strict, partial, unparsed, invented = run(prepared, store, Backend(perfect))
    assert strict == partial == Counts(4, 4, 4)
    assert (unparsed, invented) == (0, 0)


def test_unparsed_and_invented_are_counted(
    prepared: PreparedSet, store: ResponseStore
) -> None:
    def answer(content: str) -> str:
        if content.startswith("city"):
            return "?"
        return "Bob" if "rains" in content else perfect(content)

    strict, _, unparsed, invented = run(prepared, store, Backend(answer))
    assert strict == Counts(3, 4, 4)
    assert (unparsed, invented) == (3, 1)


def test_the_key_depends_on_model_prompt_and_decoding(prepared: PreparedSet) -> None:
    import msgspec

    from unibench.schema.model_card import Checkpoint, Decoding

    query = plan_subset(prepared, 1).queries[0]
    other_type = Query(query.passage, ("city",))
    cards = [
        CARD,
        msgspec.structs.replace(CARD, checkpoint=Checkpoint(id="test/other")),
        msgspec.structs.replace(
            CARD, checkpoint=Checkpoint(id="test/lines", revision="abc")
        ),
        msgspec.structs.replace(CARD, decoding=Decoding(max_tokens=7)),
    ]
    keys = {Lines(card, Backend(perfect)).request_key(query) for card in cards}
    keys.add(Lines(CARD, Backend(perfect)).request_key(other_type))
    assert len(keys) == 5
    renamed = msgspec.structs.replace(CARD, title="another title")
    assert Lines(renamed, Backend(perfect)).request_key(query) in keys
