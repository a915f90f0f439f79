"""One writer for many answers: what arrives while the disk is busy is one commit.

This is the group commit of databases (DeWitt et al. 1984, section 3): the price of a
flush is shared by everything that waited for it, so thousands of answers a second
reach the disk although every one of them is flushed.
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

Write = Callable[[Mapping[str, Response]], int]


class GroupWriter:
    """Takes answers from any thread and writes them together; a context manager.

    `put` waits while a thousand answers are on their way to the disk. Leaving the
    context writes what was taken, also after an error or an interrupt. Should the
    store not take them (a full disk, a lock), they go to a file beside it, into room
    that was reserved for them before the first one came, and the error names it.
    """

    def __init__(self, write: Write, store: Path) -> None:
        """Take the function that commits answers, and where the store lies."""
        self._write, self._store = write, store
        self._changed = threading.Condition()
        self._waiting: dict[str, Response] = {}
        self._characters = 0
        self._writing: Mapping[str, Response] = {}
        self._done: list[str] = []
        self._closing = False
        self._error: BaseException | None = None
        self.added = 0

    def __enter__(self) -> Self:
        """Reserve room for the worst and start the thread that writes.

        Raises:
            RunError: there is no room; nothing was asked yet.
        """
        with explained(self._store):
            self._reserve = _reserved(self._store.parent)
        # no daemon: an interrupted program ends after its answers are written
        self._thread = threading.Thread(target=self._work, name="answers to disk")
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
        full = len(self._waiting) >= _ROOM_ANSWERS
        return full or self._characters >= _ROOM_CHARACTERS

    def _is_idle(self) -> bool:
        return self._error is not None or not (self._waiting or self._writing)

    def _work(self) -> None:
        """Write until the end; the last act of the thread, also after an interrupt."""
        try:
            while self._take():
                added = self._write(self._writing)
                with self._changed:
                    self.added += added
                    self._done += self._writing
                    self._writing = {}
                    self._changed.notify_all()
        except BaseException as error:
            self._give_up(error)
        finally:
            os.close(self._reserve)
        if self._error is not None:
            self._keep_aside(self._error)

    def _take(self) -> bool:
        """Move what waits to what is written; False when there is no more to come."""
        with self._changed:
            while not (self._waiting or self._is_over()):
                self._changed.wait(_LOOK_S)
            self._writing, self._waiting, self._characters = self._waiting, {}, 0
            self._changed.notify_all()
            return bool(self._writing)

    def _is_over(self) -> bool:
        """A program may also end before it comes to the end of the block."""
        return self._closing or not threading.main_thread().is_alive()

    def _give_up(self, error: BaseException) -> None:
        """Say so to the others and wait for what they still have in hand."""
        with self._changed:
            self._waiting = {**self._writing, **self._waiting}
            self._writing, self._error = {}, error
            self._changed.notify_all()
            while not self._is_over():
                self._changed.wait(_LOOK_S)

    def _keep_aside(self, error: BaseException) -> None:
        """Write the answers that the store did not take beside it."""
        path = self._store.with_name(UNSAVED.replace("*", uuid4().hex))
        now = time.time()
        lines = [AnswerLine(key, now, answer) for key, answer in self._waiting.items()]
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
