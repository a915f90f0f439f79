"""An event loop in a thread of its own behind an ordinary iterator.

The loop goes on while whoever reads the answers is busy, so that writing them never
makes a request late. The first Ctrl-C stops the sending; what is answered within a
short grace is still handed out, so that nothing paid is lost.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from unibench.schema.query import Response

_LOG = logging.getLogger(__name__)
_UNREAD = 1000
_LOOK_S = 1.0
_JOIN_S = 5.0

Answer = tuple[int, Response]


class Job(Protocol):
    """What runs on the loop."""

    async def run(self, deliver: Callable[[int, Response], bool]) -> None:
        """Deliver (position, response) until all is done."""
        ...

    def go_on(self) -> None:
        """Deliver again, after `deliver` had asked for a pause."""
        ...

    def stop(self, grace_s: float) -> None:
        """Begin nothing more, and end after `grace_s` at the latest."""
        ...

    def left_behind(self) -> str:
        """Say what a job that was stopped leaves open, empty where that is nothing."""
        ...


def stream(job: Job, grace_s: float) -> Generator[Answer, None, None]:
    """Yield what `job` delivers, as it comes.

    Raises:
        KeyboardInterrupt: the user stopped it; what came within `grace_s` was yielded.
    """
    reader = _Reader(job)
    interrupted = False

    def stop() -> None:
        nonlocal interrupted
        interrupted = True
        _LOG.warning(
            "nothing more is asked; waiting up to %g s for the answers under way"
            " (Ctrl-C again ends at once)",
            grace_s,
        )
        reader.call(lambda: job.stop(grace_s))

    with _first_interrupt(stop):
        reader.thread.start()
        try:
            yield from reader.answers()
        finally:
            reader.call(lambda: job.stop(0))
            reader.thread.join(_JOIN_S)
            open_still = job.left_behind() if interrupted or not reader.ended else ""
            if open_still:
                _LOG.warning("%s", open_still)
    if interrupted:
        raise KeyboardInterrupt
    if reader.error is not None:
        raise reader.error


class _Reader:
    """The thread, and the way from it to the reader: batches, so that few wait."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.error: BaseException | None = None
        self.ended = False
        # a daemon: a process that ends does not wait for slow answers
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self._loop = asyncio.new_event_loop()
        self._batches: queue.SimpleQueue[list[Answer] | None] = queue.SimpleQueue()
        self._batch: list[Answer] = []
        self._made = self._read = 0
        self._held = False

    def call(self, action: Callable[[], None]) -> None:
        """Do something on the loop, unless it has ended."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(action)

    def answers(self) -> Iterator[Answer]:
        """Yield answers as they come, until the loop has ended."""
        while not self.ended:
            try:
                batch = self._batches.get(timeout=_LOOK_S)
            except queue.Empty:
                batch = []
            for answer in batch or ():
                yield answer
                self._read += 1
            self.ended = batch is None
            if self._held and self._made - self._read <= _UNREAD // 2:
                self._held = False
                self.call(self.job.go_on)

    def _serve(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self.job.run(self._deliver))
        except BaseException as error:  # it is raised where the answers are read
            self.error = error
        finally:
            self._batches.put(self._batch)
            self._batches.put(None)

    def _deliver(self, position: int, response: Response) -> bool:
        """Hand an answer over with all others of this turn of the loop."""
        if not self._batch:
            self._loop.call_soon(self._flush)
        self._batch.append((position, response))
        self._made += 1
        if self._made - self._read >= _UNREAD:
            self._held = True
        return not self._held

    def _flush(self) -> None:
        self._batches.put(self._batch)
        self._batch = []


@contextmanager
def _first_interrupt(action: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C do `action`; a second one interrupts as ever.

    Another handler than Python's own is left alone, and so are other threads.
    """
    default = signal.default_int_handler
    if not _is_main_thread() or signal.getsignal(signal.SIGINT) is not default:
        yield
        return

    def handle(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, default)
        action()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        if _is_main_thread():
            signal.signal(signal.SIGINT, default)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
