"""Every answer a model ever gave, by the content of the request.

One SQLite file under the cache folder, shared by all runs of a user: a run that was
interrupted, or a second run with another batch size, asks only what is missing. What
is stored stays as it is; a second answer to the same request is not taken.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from unibench.backends.store_claims import Claims
from unibench.backends.store_file import (
    ADD_MODEL,
    ADD_NEW,
    explained,
    flush_file,
    open_file,
    open_log,
    row_of,
    transaction,
)
from unibench.backends.store_lines import read_lines
from unibench.backends.store_writer import UNSAVED, GroupWriter
from unibench.resources import cache_root
from unibench.schema.query import Response

T = TypeVar("T")

BATCH = 1000
"""How many rows are read or written as one step; others may work between steps."""

_BUSY_S = 60.0
_CHUNK = 500
_FIND = (
    "SELECT r.key, m.name, r.response FROM responses r JOIN models m ON m.id = r.model"  # noqa: S608
    f" WHERE r.key IN ({','.join('?' * _CHUNK)})"
)


def default_path() -> Path:
    """Return the store shared by all runs of this user."""
    return cache_root() / "responses.sqlite"


class ResponseStore:
    """Request key (64 hex digits) -> `Response`; use it as a context manager.

    Threads may share one store. Opening it reads answers that an earlier run could
    not store and left beside it.
    """

    def __init__(self, path: Path | None = None, *, busy_s: float = _BUSY_S) -> None:
        """Open the store at `path`, or the user's own, and create it if need be.

        `busy_s` is how long to wait for another process that writes.

        Raises:
            RunError: it cannot be used; the message says why and what to do.
        """
        self.path = path or default_path()
        self._lock = threading.Lock()
        with ExitStack() as opened:
            self._db = opened.enter_context(
                closing(open_file(self.path, busy_s=busy_s))
            )
            with explained(self.path):
                self._log = open_log(self._db)
            opened.callback(os.close, self._log)
            self._take_unsaved()
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        """Return the open store."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        with self._lock:
            self._opened.close()

    def __len__(self) -> int:
        """Return the number of stored answers."""
        with self.database() as db:
            (count,) = db.execute("SELECT count(*) FROM responses").fetchone()
        return int(count)

    def get(self, keys: Iterable[str]) -> dict[str, Response]:
        """Return the answers that are there; absent keys are left out."""
        found: dict[str, Response] = {}
        decode = msgspec.json.Decoder(Response).decode
        # in the order of the index, where neighbours lie on the same page
        for chunk in batches(sorted(set(keys)), _CHUNK):
            wanted = {bytes.fromhex(key): key for key in chunk}
            padding = [None] * (_CHUNK - len(chunk))
            with self.database() as db:
                rows = db.execute(_FIND, [*wanted, *padding]).fetchall()
                for key, model, text in rows:
                    found[wanted[key]] = with_model(decode(text), model)
        return found

    def put(self, answers: Mapping[str, Response]) -> int:
        """Keep `answers` as one step and return how many of them are new.

        On return they are on the disk. A request that has an answer keeps it.
        """
        added = self.commit(answers)
        self.flush()
        return added

    def commit(self, answers: Mapping[str, Response]) -> int:
        """Do as `put`; on return they outlive this process, after `flush` a power cut.

        Threads may do either at the same time.
        """
        now = time.time()
        rows = [row_of(bytes.fromhex(k), now, answer) for k, answer in answers.items()]
        if not rows:
            return 0
        with self.database() as db, transaction(db):
            for model in {answer.model for answer in answers.values()}:
                db.execute(ADD_MODEL, [model])
            return db.executemany(ADD_NEW, rows).rowcount

    def flush(self) -> None:
        """Flush what was committed before to the disk, by this process or another."""
        with explained(self.path):
            flush_file(self._log)

    def writer(self) -> GroupWriter:
        """Return what commits answers as they come, and flushes many at once."""
        return GroupWriter(self.commit, self.flush, self.path)

    def claims(self) -> Claims:
        """Return what keeps other processes from asking the same."""
        return Claims(self.path)

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one thread; its errors become a RunError."""
        with explained(self.path), self._lock:
            yield self._db

    def _take_unsaved(self) -> None:
        """Read what an earlier run could not store, and remove it when it is safe."""
        for path in sorted(self.path.parent.glob(UNSAVED)):
            for lines in batches(read_lines(path), BATCH):
                self.put({line.key: line.response for line in lines})
            path.unlink(missing_ok=True)


def with_model(answer: Response, model: str) -> Response:
    """Return `answer` with the model's name, one string for all answers."""
    return msgspec.structs.replace(answer, model=sys.intern(model))


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield `items` in lists of `size`, the last one shorter."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch
