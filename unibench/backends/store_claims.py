"""Claims: requests that one process asks now, so that no other pays for them too.

A claim is a file of request keys, held under a lock of the operating system
(flock) for as long as its process asks. The system gives the lock back when the
process ends, however it ends, so a claim is alive exactly if its lock is held: no
heartbeat, no clock, no process number that another program may get.

Nobody waits while holding a claim: a caller takes what is free, asks it, stores the
answers, gives the claim back, and only then waits for what others hold. So there is no
circle of waiting. And nobody asks what another has answered: answers are stored before
their claim is given back, and looked up after it was taken.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from uuid import uuid4
from weakref import WeakSet

from unibench.backends.store_file import explained

_KEY_BYTES = 32
_PATTERN = "*.keys"
_held: WeakSet[IO[bytes]] = WeakSet()


class Claims:
    """What one caller asks; leaving the context gives it back."""

    def __init__(self, store: Path) -> None:
        """Take the store whose requests are claimed."""
        self._store = store
        self._folder = _folder(store)
        self._mine: IO[bytes] | None = None
        self._others: list[Path] = []

    def __enter__(self) -> Self:
        """Return the claims, of which there are none yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give back what is held."""
        self.give_back()

    def take(self, keys: Sequence[str]) -> list[str]:
        """Claim those of `keys` that nobody else has claimed, and return them.

        An answer to them may have come since they were looked up: look again.
        """
        self.give_back()
        with explained(self._store), self._alone():
            free = {bytes.fromhex(key): key for key in keys}
            self._others = []
            for path in self._folder.glob(_PATTERN):
                if _is_free(path):
                    path.unlink(missing_ok=True)  # its process is gone
                elif _remove(free, path):
                    self._others.append(path)
            if free:
                self._write(b"".join(free))
        return list(free.values())

    def give_back(self) -> None:
        """Let others ask; the answers are stored, or will not come."""
        if self._mine is not None:
            Path(self._mine.name).unlink(missing_ok=True)
            self._mine.close()
            self._mine = None

    def others_ended(self) -> bool:
        """Tell whether one of those that held something at the last `take` ended."""
        with explained(self._store):
            return any(_is_free(path) for path in self._others)

    def _write(self, content: bytes) -> None:
        path = self._folder / f"{uuid4().hex}.keys"
        self._mine = path.open("wb", buffering=0)
        _held.add(self._mine)
        fcntl.flock(self._mine, fcntl.LOCK_EX)
        self._mine.write(content)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Look at claims and make one as one step, for a moment only."""
        self._folder.mkdir(exist_ok=True)
        with (self._folder / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def claimed(store: Path) -> list[int]:
    """Return how many requests each caller is asking now."""
    sizes = []
    with explained(store):
        for path in _folder(store).glob(_PATTERN):
            with suppress(FileNotFoundError):  # given back meanwhile
                if not _is_free(path):
                    sizes.append(path.stat().st_size // _KEY_BYTES)
    return sizes


def _folder(store: Path) -> Path:
    """Hidden, and not named like the database's own files."""
    return store.with_name(f".{store.name}.claims")


def _is_free(path: Path) -> bool:
    """Tell whether the process that claimed these keys gave them back or is gone."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True


def _remove(free: dict[bytes, str], path: Path) -> bool:
    """Take the keys in a claim out of `free`; tell whether there were any."""
    before = len(free)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False  # given back meanwhile
    for start in range(0, len(content), _KEY_BYTES):
        free.pop(content[start : start + _KEY_BYTES], None)
    return len(free) < before


def _forget() -> None:
    """Close claims in a forked child, which would otherwise outlive its parent's."""
    for file in list(_held):
        file.close()


os.register_at_fork(after_in_child=_forget)
