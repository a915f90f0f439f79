"""What the pool does when workers die, refuse, are slow to start or not there.

`Hall` stands for Ray: workers in this process, which take turns and die on the texts
that a test names. The pool against a real Ray is in test_ray_engine.py.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unibench.errors import BackendError, RunError
from unibench.runner import ray_pool
from unibench.runner.ray_actors import WorkerLostError
from unibench.runner.ray_chunks import ATTEMPTS
from unibench.runner.ray_pool import PIPELINE, RayPool
from unibench.runner.ray_worker import Packet, Refused
from unibench.schema.query import Query, Response
from unibench.schema.text import Passage


class Worker:
    """Holds its streams in the order they were asked; dead, it only says so."""

    def __init__(self, hall: Hall) -> None:
        self.hall, self.alive = hall, True
        self.streams: list[Desk] = []


class Desk:
    """The answers of one chunk, a packet for each query."""

    def __init__(self, worker: Worker, queries: Sequence[Query]) -> None:
        self.worker, self.waits_for = worker, self
        self.todo = list(enumerate(queries))

    def next(self) -> Packet | Refused | None:
        hall = self.worker.hall
        if not self.worker.alive:
            raise WorkerLostError("killed")
        if not self.todo:
            self.worker.streams.remove(self)
            return None
        index, query = self.todo.pop(0)
        text = query.passage.text
        hall.asked[text] += 1
        if hall.asked[text] <= hall.kills.get(text, 0):
            self.worker.alive = False
            raise WorkerLostError(f"killed by {text}")
        if text in hall.refused:
            return Refused("no such weights")
        return [(index, Response(text))]


class Hall:
    """`kills` says how often a text kills its worker; None of `places` are taken."""

    def __init__(self, kills: dict[str, int] | None = None, places: int = 99) -> None:
        self.kills, self.places = kills or {}, places
        self.refused: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.workers: list[Worker] = []
        self.most_held = 0

    def start(self) -> Worker:
        self.workers.append(Worker(self))
        return self.workers[-1]

    def ready(self, actor: Worker) -> Any:
        return (actor, "ready")

    def placed(self, starting: Any) -> None:
        pass

    def ask(self, actor: Worker, queries: Sequence[Query], key: str) -> Desk:
        assert key == f"key of {queries[0].passage.text}"
        actor.streams.append(Desk(actor, queries))
        self.most_held = max(self.most_held, len(actor.streams))
        return actor.streams[-1]

    def wait(self, things: Sequence[Any], timeout_s: float) -> list[Any]:
        alive = [worker for worker in self.workers if worker.alive][: self.places]
        return [t for t in things if not isinstance(t, tuple) or t[0] in alive]

    def hardware(self, actors: Sequence[Any]) -> dict[str, int]:
        return {"hall": len(actors)}

    def stop(self, actor: Worker) -> None:
        actor.alive = False

    def left(self) -> int:
        return sum(worker.alive for worker in self.workers)


def run(pool: RayPool, texts: Sequence[str]) -> Iterator[tuple[int, Response]]:
    queries = [Query(Passage(text, text), ("city",)) for text in texts]
    return pool.run(queries, lambda query: f"key of {query.passage.text}")


@given(
    st.integers(1, 5),
    st.dictionaries(st.integers(0, 99), st.integers(1, ATTEMPTS - 1), max_size=4),
    st.integers(1, 100),
)
@settings(deadline=None, max_examples=50)
def test_every_query_is_answered_once_whoever_dies(
    workers: int, kills: dict[int, int], count: int
) -> None:
    texts = [str(number) for number in range(count)]
    hall = Hall({str(number): times for number, times in kills.items()})
    pool = RayPool(hall, workers)
    answers = list(run(pool, texts))
    assert sorted(position for position, _ in answers) == list(range(count))
    assert all(response.text == texts[position] for position, response in answers)
    dead = sum(times for number, times in kills.items() if number < count)
    assert pool.lost == dead
    # Asked twice is what had killed a worker, and nothing that was answered.
    assert all(
        asked == 1 + hall.kills.get(text, 0) for text, asked in hall.asked.items()
    )
    assert hall.most_held <= PIPELINE
    assert hall.left() <= workers
    pool.close()
    assert hall.left() == 0


def test_what_always_kills_is_given_up_and_all_else_is_kept() -> None:
    texts = [str(number) for number in range(50)]
    hall = Hall({"7": 99, "20": 99})
    answers: list[tuple[int, Response]] = []
    with pytest.raises(BackendError, match=r"3 workers died .* '7', '20'; everything"):
        answers.extend(run(RayPool(hall, 2), texts))
    # A list that is extended by an iterator that raises has what came before.
    assert {position for position, _ in answers} == set(range(50)) - {7, 20}
    assert hall.asked["7"] == hall.asked["20"] == 1 + ATTEMPTS  # once among others


def test_workers_that_die_on_everything_are_an_error_soon() -> None:
    texts = [str(number) for number in range(500)]
    hall = Hall(dict.fromkeys(texts, 99))
    with pytest.raises(BackendError, match="21 workers died one after another"):
        list(run(RayPool(hall, 2), texts))
    assert hall.left() <= 2


def test_a_refusal_ends_the_run_and_stops_the_busy() -> None:
    hall = Hall()
    hall.refused = {"3"}
    with pytest.raises(BackendError, match="no such weights"):
        list(run(RayPool(hall, 2), [str(number) for number in range(40)]))
    assert hall.left() == 0


def test_a_reader_that_stops_stops_the_workers() -> None:
    hall = Hall()
    answers = run(RayPool(hall, 2), [str(number) for number in range(40)])
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert hall.left() == 0


def test_workers_without_a_place_do_not_hold_up_the_others() -> None:
    hall = Hall(places=1)
    answers = list(run(RayPool(hall, 4), [str(number) for number in range(40)]))
    assert len(answers) == 40
    assert [bool(worker.streams) for worker in hall.workers] == [False] * 4


def test_no_place_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_pool, "FIRST_WORKER_S", 0.0)
    with pytest.raises(RunError, match=r"Ray gave no worker a place .*'ray status'"):
        list(run(RayPool(Hall(places=0), 2), ["a"]))


def test_a_loss_is_told_and_the_pool_goes_on_with_the_next_subset(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hall = Hall({"a": 1})
    pool = RayPool(hall, 1)
    with caplog.at_level(logging.WARNING, "unibench"):
        assert len(list(run(pool, ["a", "b"]))) == 2
    assert "a worker was lost (killed by a)" in caplog.text
    assert len(list(run(pool, ["c"]))) == 1
    assert len(hall.workers) == 2
    assert pool.hardware() == {"hall": 1}
