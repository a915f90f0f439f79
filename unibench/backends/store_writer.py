"""One writer for many answers: committed as they arrive, flushed many at once.

A commit is with the operating system and outlives the process, so it waits for no
disk. A second thread flushes, and what was committed before a flush outlives a power
cut after it. This is the group commit of databases (DeWitt et al. 1984, section 3): the
price of a flush is shared by everything that waited for it, so thousands of answers a
second reach the disk although every one of them is flushed.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from unibench.backends.store_file import explained
from unibench.backends.store_lines import AnswerLine, write_lines
from unibench.errors import RunError
from unibench.schema.query import Response

UNSAVED = "unsaved-*.jsonl"
"""Files beside a store with answers that it could not take; it reads them later."""

_ROOM_ANSWERS = 1000
_ROOM_CHARACTERS = 2_000_000
_RESERVE_BYTES = 16 << 20
_LOOK_S = 1.0

Commit = Callable[[Mapping[str, Response]], int]


class GroupWriter:
    """Takes answers from any thread and writes them together; a context manager.

    `put` waits when a thousand answers have come since the last flush began. Leaving
    the context writes what was taken, also after an error or an interrupt. Should the
    store not take them (a full disk, a lock), they go to a file beside it, into room
    that was reserved for them before the first one came, and the error names it.
    """

    def __init__(self, commit: Commit, flush: Callable[[], None], store: Path) -> None:
        """Take what commits answers, what flushes commits, and where the store lies.

        `commit` returns how many of the answers are new. The two are called from two
        threads, at the same time.
        """
        self._commit, self._flush, self._store = commit, flush, store
        self._changed = threading.Condition()
        # an answer goes from each of these to the next, and then to `_done`
        self._waiting: dict[str, Response] = {}
        self._committing: dict[str, Response] = {}
        self._committed: dict[str, Response] = {}
        self._flushing: dict[str, Response] = {}
        self._done: list[str] = []
        self._characters = 0  # of those whose flush has not begun
        self._closing = self._all_committed = False
        self._error: BaseException | None = None
        self.added = 0

    def __enter__(self) -> Self:
        """Reserve room for the worst and start the threads that write.

        Raises:
            RunError: there is no room; nothing was asked yet.
        """
        with explained(self._store):
            self._reserve = _reserved(self._store.parent)
        # no daemon: an interrupted program ends after its answers are written
        self._thread = threading.Thread(target=self._work, name="answers to store")
        self._flusher = threading.Thread(
            target=self._guarded, args=[self._flush_all], name="answers to disk"
        )
        self._flusher.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what was taken.

        Raises:
            RunError: the store did not take it; the message says where it is now.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self._raise_error()

    def put(self, key: str, answer: Response) -> None:
        """Take an answer; it will be written, or kept aside, whatever comes.

        Raises:
            RunError: the store takes no more answers.
        """
        with self._changed:
            while self._is_full() and self._error is None:
                self._changed.wait()
            if self._closing:
                raise RunError(f"{self._store}: an answer came after the run's end")
            self._waiting[key] = answer
            self._characters += len(answer.text)
            self._changed.notify_all()
            self._raise_error()

    def done(self, wait_s: float = 0.0) -> list[str]:
        """Return the keys that are newly on the disk.

        Waits for at most `wait_s` seconds that everything is there.
        """
        with self._changed:
            self._changed.wait_for(self._is_idle, max(wait_s, 0.0))
            done, self._done = self._done, []
            return done

    def flush(self) -> None:
        """Wait until everything that was taken is on the disk.

        Raises:
            RunError: the store takes no more answers.
        """
        with self._changed:
            self._changed.wait_for(self._is_idle)
            self._raise_error()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _is_full(self) -> bool:
        count = len(self._waiting) + len(self._committing) + len(self._committed)
        return count >= _ROOM_ANSWERS or self._characters >= _ROOM_CHARACTERS

    def _is_idle(self) -> bool:
        stages = self._waiting, self._committing, self._committed, self._flushing
        return self._error is not None or not any(stages)

    def _on_their_way(self) -> dict[str, Response]:
        """Return, in their order, the answers that are not known to be on the disk."""
        return self._flushing | self._committed | self._committing | self._waiting

    def _work(self) -> None:
        """Write until the end; the last to end, also after an interrupt."""
        self._guarded(self._commit_all)
        with self._changed:
            self._all_committed = True
            self._changed.notify_all()
        self._flusher.join()
        with self._changed:  # after an error, the others still have answers in hand
            while not self._is_over():
                self._changed.wait(_LOOK_S)
        os.close(self._reserve)
        if self._error is not None:
            self._keep_aside(self._error)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do it; an error is told to the others, who stop writing."""
        try:
            work()
        except BaseException as error:
            with self._changed:
                self._error = self._error or error
                self._changed.notify_all()

    def _commit_all(self) -> None:
        """Commit what waits until there is no more to come."""
        while self._take():
            added = self._commit(self._committing)
            with self._changed:
                self.added += added
                self._committed |= self._committing
                self._committing = {}
                self._changed.notify_all()

    def _take(self) -> bool:
        """Move what waits to what is committed; False when that was all."""
        with self._changed:
            while not (self._waiting or self._error or self._is_over()):
                self._changed.wait(_LOOK_S)
            if self._error is None:
                self._committing, self._waiting = self._waiting, {}
            return bool(self._committing)

    def _flush_all(self) -> None:
        """Flush what is committed until there is no more to come."""
        while self._take_committed():
            self._flush()
            with self._changed:
                self._done += self._flushing
                self._flushing = {}
                self._changed.notify_all()

    def _take_committed(self) -> bool:
        """Move what is committed to what is flushed; False when that was all."""
        with self._changed:
            self._changed.wait_for(lambda: self._committed or self._all_committed)
            self._flushing, self._committed = self._committed, {}
            left = [*self._committing.values(), *self._waiting.values()]
            self._characters = sum(len(answer.text) for answer in left)
            self._changed.notify_all()
            return bool(self._flushing)

    def _is_over(self) -> bool:
        """A program may also end before it comes to the end of the block."""
        return self._closing or not threading.main_thread().is_alive()

    def _keep_aside(self, error: BaseException) -> None:
        """Write the answers that the store did not take beside it."""
        path = self._store.with_name(UNSAVED.replace("*", uuid4().hex))
        now = time.time()
        left = self._on_their_way()
        lines = [AnswerLine(key, now, answer) for key, answer in left.items()]
        count = f"{len(lines)} answer{'s' * (len(lines) != 1)}"
        try:
            write_lines(path, lines)
            said = (
                f"{count} it did not take lie in {path}, where the next run reads them"
            )
        except OSError as refusal:
            said = f"{count} could not be kept either ({path}: {refusal.strerror})"
        self._error = RunError(f"{error}; {said}")
        self._error.__cause__ = error


def _reserved(folder: Path) -> int:
    """Return a file that takes room and has no name: closed, it gives it back."""
    with tempfile.TemporaryFile(dir=folder) as file:
        handle = os.dup(file.fileno())
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle, 0, _RESERVE_BYTES)
        else:
            os.write(handle, bytes(_RESERVE_BYTES))
    except BaseException:
        os.close(handle)
        raise
    return handle
