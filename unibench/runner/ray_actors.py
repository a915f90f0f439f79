"""The few things that a pool does with Ray: start, ask, wait, receive, stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from unibench.runner.ray_worker import Packet, Refused, decoded
from unibench.schema.query import Query


class WorkerLostError(Exception):
    """A worker died, or its node: the message is the one line that says how."""


class Stream(Protocol):
    """The packets of one chunk; `waits_for` is what `Actors.wait` takes."""

    waits_for: Any

    def next(self) -> Packet | Refused | None:
        """Return what has come, None at the end.

        Raises:
            WorkerLostError: the worker is gone.
        """
        ...


class Actors(Protocol):
    """Where workers live."""

    def start(self) -> Any:
        """Return a new worker, which may still wait for a place."""
        ...

    def ready(self, actor: Any) -> Any:
        """Return what `wait` and `placed` take to learn that a worker has a place."""
        ...

    def placed(self, starting: Any) -> None:
        """Accept that a worker has a place.

        Raises:
            WorkerLostError: it died before.
        """
        ...

    def ask(self, actor: Any, queries: Sequence[Query], key: str) -> Stream:
        """Give a worker a chunk."""
        ...

    def wait(self, things: Sequence[Any], timeout_s: float) -> Sequence[Any]:
        """Return those of `things` that have something to say, after a while none."""
        ...

    def hardware(self, actors: Sequence[Any]) -> dict[str, int]:
        """Return what workers run on, and how many of them."""
        ...

    def stop(self, actor: Any) -> None:
        """Stop a worker whatever it does."""
        ...


class RayActors:
    """Workers on the Ray that this process has joined."""

    def __init__(self, make: Callable[[], Any]) -> None:
        """Take the function that makes an actor of `ray_worker.Worker`."""
        self.start = make

    def ready(self, actor: Any) -> Any:
        """Ask the actor for a sign of life."""
        return actor.ready.remote()

    def placed(self, starting: Any) -> None:
        """Take the sign of life."""
        _received(starting)

    def ask(self, actor: Any, queries: Sequence[Query], key: str) -> Stream:
        """Take a stream, or all at once where Ray's client takes no streams."""
        if _is_client():
            return WholeStream(actor.answer_all.remote(queries, key))
        streaming = actor.answer.options(num_returns="streaming")
        return PacketStream(streaming.remote(queries, key))

    def wait(self, things: Sequence[Any], timeout_s: float) -> Sequence[Any]:
        """Wait for one, then return all that are ready, so that none is forgotten."""
        import ray

        first, _ = ray.wait(list(things), num_returns=1, timeout=timeout_s)
        if not first:
            return []
        every, _ = ray.wait(list(things), num_returns=len(things), timeout=0)
        return every or first

    def hardware(self, actors: Sequence[Any]) -> dict[str, int]:
        """Ask those that answer within seconds."""
        import ray

        asked = [actor.hardware.remote() for actor in actors]
        if not asked:
            return {}
        told, _ = ray.wait(asked, num_returns=len(asked), timeout=10.0)
        return dict(Counter(_received(reference) for reference in told))

    def stop(self, actor: Any) -> None:
        """Kill the actor's process."""
        import ray

        ray.kill(actor, no_restart=True)


class PacketStream:
    """Packets as they come."""

    def __init__(self, generator: Any) -> None:
        """Take Ray's generator of references."""
        self.waits_for = generator

    def next(self) -> Packet | Refused | None:
        """Return the packet that has come."""
        reference = next(self.waits_for, None)
        return None if reference is None else decoded(_received(reference))


class WholeStream:
    """All packets of a chunk at once."""

    def __init__(self, reference: Any) -> None:
        """Take the reference to the list of packets."""
        self.waits_for = reference
        self._packets: list[bytes | Refused] | None = None

    def next(self) -> Packet | Refused | None:
        """Return one packet after the other."""
        if self._packets is None:
            self._packets = _received(self.waits_for)[::-1]
        return decoded(self._packets.pop()) if self._packets else None


def cause_of(error: Exception) -> str:
    """Return the one line of Ray's account that says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "died" in line or "killed" in line]
    line = (telling or lines or [type(error).__name__])[-1]
    return line.partition(". Some common causes")[0].rpartition("exit detail: ")[2]


def _received(reference: Any) -> Any:
    """Return what a worker sent, and raise what it raised as if it were here."""
    import ray
    import ray.exceptions

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise WorkerLostError(cause_of(error)) from error


def _is_client() -> bool:
    import ray

    client: Any = ray.util.client.ray
    return bool(client.is_connected())
