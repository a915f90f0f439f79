"""Workers of a Ray that answer chunks; a lost one is replaced, its chunk retried."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from unibench.errors import BackendError, RunError
from unibench.runner.ray_chunks import ATTEMPTS, Backlog, Chunk
from unibench.runner.ray_worker import Packet, Refused
from unibench.schema.query import Query, Response

_LOG = logging.getLogger(__name__)

PIPELINE = 2
"""Chunks that a worker holds: one in work and one to go on with."""

FIRST_WORKER_S = 900.0
"""So long a run waits for its first worker: a cluster may have to start a node."""

_HURT = 10
_POLL_S = 1.0


class Seat:
    """One worker and the chunks it holds, the first of them in work."""

    def __init__(self, actor: Any) -> None:
        """Take an actor that may still wait for a place."""
        self.actor = actor
        self.starting: Any = actor.ready.remote()
        self.tasks: deque[Task] = deque()

    @property
    def waits_for(self) -> Any:
        """What Ray will say next about this worker; None when it has nothing to do."""
        if self.starting is not None:
            return self.starting
        return self.tasks[0].stream.waits_for if self.tasks else None


class Task:
    """A chunk in the hands of a worker."""

    def __init__(self, chunk: Chunk, stream: Stream) -> None:
        """Take the chunk and where its answers come from."""
        self.chunk, self.stream = chunk, stream
        self.left = dict.fromkeys(range(len(chunk.positions)))


class Stream:
    """The packets of one chunk, as they come or, from a client, all at once."""

    def __init__(self, actor: Any, queries: Sequence[Query], key: str) -> None:
        """Ask the worker."""
        self._whole = _is_client()
        self._packets: list[Packet | Refused] | None = None
        method = actor.answer_all if self._whole else actor.answer
        streaming = {} if self._whole else {"num_returns": "streaming"}
        self.waits_for = method.options(**streaming).remote(queries, key)

    def next(self) -> Packet | Refused | None:
        """Return what has come, None at the end; call it when Ray says it is there."""
        import ray

        if not self._whole:
            reference = next(self.waits_for, None)
            packet: Packet | Refused | None = (
                None if reference is None else ray.get(reference)
            )
            return packet
        if self._packets is None:
            self._packets = ray.get(self.waits_for)[::-1]
        return self._packets.pop() if self._packets else None


class RayPool:
    """Up to `workers` actors; each has its chunk and one more, and no others wait."""

    def __init__(self, make_actor: Callable[[], Any], workers: int) -> None:
        """Take the function that starts an actor."""
        self._make_actor, self.workers = make_actor, workers
        self._seats: list[Seat] = []
        self._fruitless = 0
        self._cause = ""
        self.lost = 0

    def run(
        self, queries: Sequence[Query], key_of: Callable[[Query], str]
    ) -> Iterator[tuple[int, Response]]:
        """Yield (position, answer) as they come.

        Raises:
            BackendError: a worker refused, workers die without answering, or a chunk
                killed several; everything else was yielded before.
            RunError: Ray gave no worker a place.
        """
        backlog = Backlog(queries, self.workers)
        waiting_since = time.monotonic()
        try:
            while backlog or any(seat.tasks for seat in self._seats):
                self._fill(backlog, key_of)
                for seat in self._wait():
                    waiting_since = time.monotonic()
                    yield from self._hear(seat, backlog)
                self._give_up_waiting(waiting_since)
        finally:
            self._drop_busy()
        if backlog.given_up:
            raise BackendError(
                f"{ATTEMPTS} workers died on each of these passages, which are left"
                f" out: {backlog.named(backlog.given_up)}; everything else was"
                f" answered and is kept. Last cause: {self._cause}"
            )

    def hardware(self, timeout_s: float = 10.0) -> dict[str, int]:
        """Return what the workers run on, and how many of them."""
        import ray

        asked = [s.actor.hardware.remote() for s in self._seats if s.starting is None]
        if not asked:
            return {}
        told, _ = ray.wait(asked, num_returns=len(asked), timeout=timeout_s)
        return dict(Counter(ray.get(told)))

    def close(self) -> None:
        """Stop all workers."""
        while self._seats:
            self._kill(self._seats[-1])

    def _fill(self, backlog: Backlog, key_of: Callable[[Query], str]) -> None:
        """Replace lost workers, and give every one that has a place its chunks."""
        while len(self._seats) < self.workers and backlog:
            self._seats.append(Seat(self._make_actor()))
        for depth in range(PIPELINE):
            for seat in self._seats:
                if seat.starting is None and len(seat.tasks) == depth and backlog:
                    chunk = backlog.take()
                    queries = [backlog.queries[p] for p in chunk.positions]
                    stream = Stream(seat.actor, queries, key_of(queries[0]))
                    seat.tasks.append(Task(chunk, stream))

    def _wait(self) -> list[Seat]:
        """Return the workers that have said something; all of them, to be fair."""
        import ray

        heard = {s.waits_for: s for s in self._seats if s.waits_for is not None}
        first, _ = ray.wait(list(heard), num_returns=1, timeout=_POLL_S)
        if not first:
            return []
        every, _ = ray.wait(list(heard), num_returns=len(heard), timeout=0)
        return [heard[reference] for reference in every or first]

    def _hear(self, seat: Seat, backlog: Backlog) -> Iterator[tuple[int, Response]]:
        """Yield the answers of one packet; note a worker's start, end or death."""
        import ray.exceptions as failures

        try:
            packet = self._received(seat)
        except failures.RayTaskError as error:
            raise error.cause from error
        except failures.RayError as error:
            self._bury(seat, backlog, error)
            return
        if isinstance(packet, Refused):
            raise BackendError(packet.message)
        for index, response in packet:
            task = seat.tasks[0]
            task.left.pop(index, None)
            self._fruitless = 0
            yield task.chunk.positions[index], response

    def _received(self, seat: Seat) -> Packet | Refused:
        import ray

        if seat.starting is not None:
            ray.get(seat.starting)
            seat.starting = None
            return []
        packet = seat.tasks[0].stream.next()
        if packet is None:
            seat.tasks.popleft()
        return packet or []

    def _bury(self, seat: Seat, backlog: Backlog, error: Exception) -> None:
        """Take a dead worker's chunks back; only the one in work may be to blame."""
        self.lost += 1
        self._fruitless += 1
        self._cause = cause_of(error)
        for task in list(seat.tasks)[1:]:
            backlog.give_back(task.chunk)
        left: list[int] = []
        if seat.tasks:
            head = seat.tasks[0]
            left = [head.chunk.positions[index] for index in head.left]
        if left:
            backlog.lost(head.chunk, left)
        _LOG.warning(
            "a worker was lost (%s); another one takes its place and asks its %d"
            " unanswered requests again",
            self._cause,
            len(left),
        )
        self._kill(seat)
        if self._fruitless > max(_HURT, 2 * self.workers):
            raise BackendError(
                f"{self._fruitless} workers died one after another without an answer;"
                f" last cause: {self._cause}"
            )

    def _give_up_waiting(self, since: float) -> None:
        placed = any(seat.starting is None for seat in self._seats)
        if not placed and time.monotonic() - since > FIRST_WORKER_S:
            raise RunError(
                f"Ray gave no worker a place in {FIRST_WORKER_S:.0f} s; 'ray status'"
                " shows what is taken. Ask for less with --worker-cpus, --worker-gpus"
            )

    def _drop_busy(self) -> None:
        """After an error or an interrupt, stop those that would go on answering."""
        for seat in [seat for seat in self._seats if seat.tasks]:
            self._kill(seat)

    def _kill(self, seat: Seat) -> None:
        import ray

        self._seats.remove(seat)
        ray.kill(seat.actor, no_restart=True)


def _is_client() -> bool:
    """Ray's client (ray://) takes no streams."""
    import ray

    client: Any = ray.util.client.ray
    return bool(client.is_connected())


def cause_of(error: Exception) -> str:
    """Return the one line of Ray's account that says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "died" in line or "killed" in line]
    line = (telling or lines or [type(error).__name__])[-1]
    return line.partition(". Some common causes")[0].rpartition("exit detail: ")[2]
