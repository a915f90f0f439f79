"""Workers that answer chunks; a lost one is replaced, its chunk is tried again."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from unibench.errors import BackendError, RunError
from unibench.runner.ray_actors import Actors, Stream, WorkerLostError
from unibench.runner.ray_chunks import ATTEMPTS, Backlog, Chunk
from unibench.runner.ray_worker import Packet, Refused
from unibench.schema.query import Query, Response

PIPELINE = 2
"""Chunks that a worker holds: one in work and one to go on with."""

FIRST_WORKER_S = 900.0
"""So long a run waits for its first worker: a cluster may have to start a node."""

_LOG = logging.getLogger(__name__)
_FRUITLESS = 20
_POLL_S = 1.0


class Task:
    """A chunk in the hands of a worker, and what of it is not answered."""

    def __init__(self, chunk: Chunk, stream: Stream) -> None:
        """Take the chunk and where its answers come from."""
        self.chunk, self.stream = chunk, stream
        self.left = dict.fromkeys(chunk.positions)


class Seat:
    """One worker and the chunks it holds, the first of them in work."""

    def __init__(self, actor: Any, starting: Any) -> None:
        """Take a worker, and what tells that it has got a place."""
        self.actor, self.starting = actor, starting
        self.tasks: deque[Task] = deque()

    @property
    def waits_for(self) -> Any:
        """What there is to wait for; None when the worker has nothing to do."""
        if self.starting is not None:
            return self.starting
        return self.tasks[0].stream.waits_for if self.tasks else None


class RayPool:
    """Up to `workers` workers; each has its chunk and one more, and no others wait."""

    def __init__(self, actors: Actors, workers: int) -> None:
        """Take where workers live, and how many there are to be."""
        self.actors, self.workers = actors, workers
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
            RunError: no worker got a place.
        """
        backlog = Backlog(queries, self.workers)
        heard_at = time.monotonic()
        try:
            while backlog or any(seat.tasks for seat in self._seats):
                self._fill(backlog, key_of)
                for seat in self._wait():
                    heard_at = time.monotonic()
                    yield from self._hear(seat, backlog)
                self._give_up_waiting(heard_at)
        finally:
            self._drop_busy()
        if backlog.given_up:
            raise BackendError(
                f"{ATTEMPTS} workers died on each of these passages, which are left"
                f" out: {backlog.named(backlog.given_up)}; everything else was"
                f" answered and is kept. Last cause: {self._cause}"
            )

    def hardware(self) -> dict[str, int]:
        """Return what the workers run on, and how many of them."""
        placed = [seat.actor for seat in self._seats if seat.starting is None]
        return self.actors.hardware(placed)

    def close(self) -> None:
        """Stop all workers."""
        while self._seats:
            self._stop(self._seats[-1])

    def _fill(self, backlog: Backlog, key_of: Callable[[Query], str]) -> None:
        """Replace lost workers, and give every one that has a place its chunks."""
        while len(self._seats) < self.workers and backlog:
            actor = self.actors.start()
            self._seats.append(Seat(actor, self.actors.ready(actor)))
        for depth in range(PIPELINE):
            for seat in self._seats:
                if seat.starting is None and len(seat.tasks) == depth and backlog:
                    chunk = backlog.take()
                    asked = [backlog.queries[p] for p in chunk.positions]
                    stream = self.actors.ask(seat.actor, asked, key_of(asked[0]))
                    seat.tasks.append(Task(chunk, stream))

    def _wait(self) -> list[Seat]:
        """Return the workers that have said something."""
        seats = {s.waits_for: s for s in self._seats if s.waits_for is not None}
        return [seats[thing] for thing in self.actors.wait(list(seats), _POLL_S)]

    def _hear(self, seat: Seat, backlog: Backlog) -> Iterator[tuple[int, Response]]:
        """Yield the answers of one packet; note a worker's start, end or death."""
        try:
            packet = self._received(seat)
        except WorkerLostError as error:
            self._replace(seat, backlog, str(error))
            return
        if isinstance(packet, Refused):
            raise BackendError(packet.message)
        for index, response in packet:
            task = seat.tasks[0]
            position = task.chunk.positions[index]
            task.left.pop(position, None)
            self._fruitless = 0
            yield position, response

    def _received(self, seat: Seat) -> Packet | Refused:
        if seat.starting is not None:
            self.actors.placed(seat.starting)
            seat.starting = None
            return []
        packet = seat.tasks[0].stream.next()
        if packet is None:
            seat.tasks.popleft()
        return packet or []

    def _replace(self, seat: Seat, backlog: Backlog, cause: str) -> None:
        """Take a dead worker's chunks back; only the one in work may be to blame."""
        self.lost += 1
        self._fruitless += 1
        self._cause = cause
        for task in list(seat.tasks)[1:]:
            backlog.give_back(task.chunk)
        left = list(seat.tasks[0].left) if seat.tasks else []
        if left:
            backlog.lost(seat.tasks[0].chunk, left)
        self._stop(seat)
        _LOG.warning(
            "a worker was lost (%s); another one takes its place and asks its %d"
            " unanswered requests again",
            cause,
            len(left),
        )
        if self._fruitless > max(_FRUITLESS, 2 * self.workers):
            raise BackendError(
                f"{self._fruitless} workers died one after another without an answer;"
                f" last cause: {cause}"
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
            self._stop(seat)

    def _stop(self, seat: Seat) -> None:
        self._seats.remove(seat)
        self.actors.stop(seat.actor)
