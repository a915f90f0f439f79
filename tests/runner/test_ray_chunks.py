"""How queries are cut into chunks, and what becomes of a lost worker's chunk."""

from __future__ import annotations

import pickle
import socket
import threading
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runner.conftest import CARD, Backend, Lines, perfect
from unibench.errors import AdapterError, BackendError, RunError
from unibench.runner.engine import EngineSettings, Model, ModelSource, source_of
from unibench.runner.ray_actors import cause_of
from unibench.runner.ray_chunks import ATTEMPTS, MAX_CHUNK, Backlog, Chunk
from unibench.runner.ray_engine import place
from unibench.runner.ray_start import check_listening
from unibench.runner.ray_worker import (
    FLUSH_ANSWERS,
    Refused,
    Worker,
    decoded,
    encoded,
    packets,
)
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Query, Response
from unibench.schema.text import Passage


def queries(sizes: list[int]) -> list[Query]:
    """A passage for each number, asked so many types."""
    return [
        Query(Passage(f"p{number}", f"text {number}"), (f"type {k}",))
        for number, size in enumerate(sizes)
        for k in range(size)
    ]


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 9))
def test_every_query_is_handed_out_once_and_no_passage_is_cut(
    sizes: list[int], workers: int
) -> None:
    asked = queries(sizes)
    backlog, taken = Backlog(asked, workers), list[int]()
    while backlog:
        chunk = backlog.take()
        taken += chunk.positions
        if chunk.positions[-1] + 1 < len(asked):
            after = asked[chunk.positions[-1] + 1].passage.id
            assert asked[chunk.positions[-1]].passage.id != after
        assert len(chunk.positions) < MAX_CHUNK + max(sizes)
    assert taken == list(range(len(asked)))


def test_chunks_shrink_towards_the_end_so_that_workers_end_together() -> None:
    backlog, sizes = Backlog(queries([1] * 4000), 4), list[int]()
    while backlog:
        sizes.append(len(backlog.take().positions))
    assert sizes[0] == 4000 // 16
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1


def test_what_killed_a_worker_is_tried_passage_by_passage_and_last() -> None:
    backlog = Backlog(queries([2, 2, 2]), 1)
    chunk = Chunk((0, 1, 2, 3))
    assert backlog.take().positions == (0, 1)
    backlog.lost(chunk, [1, 2, 3])
    assert [backlog.take() for _ in range(4)] == [
        Chunk((2, 3)), Chunk((4, 5)), Chunk((1,)), Chunk((2, 3)),
    ]  # fmt: skip
    assert not backlog


def test_a_chunk_that_was_not_begun_is_handed_out_next_and_not_blamed() -> None:
    backlog = Backlog(queries([1, 1]), 1)
    chunk = backlog.take()
    backlog.give_back(chunk)
    assert backlog.take() == chunk


def test_a_chunk_is_given_up_after_so_many_losses() -> None:
    backlog = Backlog(queries([1, 1, 1, 1, 1]), 1)
    for number in range(5):
        backlog.take()
        backlog.lost(Chunk((number,), ATTEMPTS - 1), [number])
    assert not backlog
    assert backlog.named(backlog.given_up) == "'p0', 'p1', 'p2' and 2 more"


@pytest.mark.parametrize(
    ("settings", "resources", "workers", "gpus"),
    [
        pytest.param({}, {"CPU": 8.0}, 8, 0.0, id="cpus"),
        pytest.param({"cpus": 3.0}, {"CPU": 8.0}, 2, 0.0, id="three-cpus-each"),
        pytest.param({}, {"CPU": 64.0, "GPU": 4.0}, 4, 1.0, id="one-a-gpu"),
        pytest.param({"gpus": 0.5}, {"CPU": 64.0, "GPU": 4.0}, 8, 0.5, id="half-a-gpu"),
        pytest.param({"gpus": 2.0}, {"CPU": 64.0, "GPU": 4.0}, 2, 2.0, id="two-gpus"),
        pytest.param({"cpus": 8.0}, {"CPU": 16.0, "GPU": 4.0}, 2, 1.0, id="few-cpus"),
        pytest.param({"gpus": 0.0}, {"CPU": 4.0, "GPU": 4.0}, 4, 0.0, id="no-gpu"),
        pytest.param({"workers": 9}, {"CPU": 1.0}, 9, 0.0, id="as-told"),
        pytest.param({"gpus": 1.0}, {"CPU": 4.0}, 0, 1.0, id="no-room"),
    ],
)
def test_workers_that_a_cluster_has_room_for(
    settings: dict[str, Any], resources: dict[str, float], workers: int, gpus: float
) -> None:
    found, options = place(EngineSettings(name="ray", **settings), resources)
    assert (found, options["num_gpus"]) == (workers, gpus)
    assert options["num_cpus"] == settings.get("cpus", 1.0)


def test_nobody_listening_is_known_at_once() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
        with pytest.raises(RunError, match=r"no Ray answers at .*ray start --head"):
            check_listening(address)
    check_listening("auto")


def test_answers_travel_in_packets() -> None:
    answers = [(number, Response(str(number))) for number in range(40)]
    sent = list(packets(iter(answers)))
    assert [answer for packet in sent for answer in packet] == answers
    assert max(map(len, sent)) <= FLUSH_ANSWERS


def test_answers_arrive_as_they_left_with_defaults_left_out() -> None:
    packet = [(0, Response("[]", prompt_tokens=3)), (1, Response("x", "length"))]
    arrived = decoded(encoded(packet))
    assert arrived == packet
    assert msgspec.json.encode(arrived) == msgspec.json.encode(packet)
    assert decoded(Refused("no")) == Refused("no")


def test_a_worker_builds_its_own_adapter_of_the_card() -> None:
    card = ModelCard(
        adapter="callable",
        checkpoint=Checkpoint(id="f"),
        options={"function": "tests.nowhere:f"},
    )
    source = ModelSource(name="f", card=card)
    (query,) = queries([1])
    key = source.build().request_key(query)
    (answer,) = Worker(source).answer([query], key)
    assert isinstance(answer, Refused)
    assert "'tests.nowhere:f' cannot be imported" in answer.message


class Unpicklable(Lines):
    """Holds a lock, as HTTP clients do."""

    def __init__(self) -> None:
        super().__init__(CARD, Backend(perfect))
        self.lock = threading.Lock()


def test_an_object_that_cannot_be_pickled_is_a_clear_error() -> None:
    model = Model(name="mine", adapter=Unpicklable(), from_card=False)
    with pytest.raises(AdapterError, match=r"'mine' cannot be sent .* not in __init__"):
        source_of(model, pickle)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(
            "The actor died.\n\tpid: 7\nThe actor is dead because its worker process"
            " has died. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker"
            " exits with code 2. End of file. Some common causes include: (1) ...",
            "Worker exits with code 2. End of file",
            id="killed",
        ),
        pytest.param("node lost", "node lost", id="short"),
        pytest.param("", "BackendError", id="empty"),
    ],
)
def test_the_cause_is_one_line(text: str, line: str) -> None:
    assert cause_of(BackendError(text)) == line
