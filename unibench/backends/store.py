"""Every answer a model ever gave, by the content of the request.

One SQLite file under the cache folder, shared by all runs of a user: a run that was
interrupted, or a second run with another batch size, asks only what is missing.
SQLite's write-ahead log lets many processes read while one writes, and keeps every
committed answer when a process is killed.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from unibench.errors import RunError
from unibench.resources import cache_root
from unibench.schema.query import Response

_BUSY_S = 60.0
_CHUNK = 500
_VERSION = 1
_ROOM_BYTES = 1 << 16
_TABLE = """
CREATE TABLE IF NOT EXISTS responses (
    key BLOB PRIMARY KEY, model TEXT NOT NULL, created REAL NOT NULL,
    response BLOB NOT NULL
) WITHOUT ROWID
"""


def default_path() -> Path:
    """Return the store shared by all runs of this user."""
    return cache_root() / "responses.sqlite"


class ResponseStore:
    """Request key (64 hex digits) -> `Response`; use it as a context manager."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the store at `path`, or the user's own, and create it if need be."""
        self.path = path or default_path()
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._check_version()
            self._db.execute(_TABLE)

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
        self._db.close()

    def __len__(self) -> int:
        """Return the number of stored answers."""
        (count,) = self._db.execute("SELECT count(*) FROM responses").fetchone()
        return int(count)

    def get(self, keys: Sequence[str]) -> dict[str, Response]:
        """Return the answers that are there; absent keys are left out."""
        found: dict[str, Response] = {}
        decode = msgspec.json.Decoder(Response).decode
        with self._explained():
            for chunk in _chunks(keys):
                marks = ",".join("?" * len(chunk))
                with closing(
                    self._db.execute(
                        f"SELECT key, response FROM responses WHERE key IN ({marks})",  # noqa: S608
                        [bytes.fromhex(key) for key in chunk],
                    )
                ) as rows:
                    found |= {key.hex(): decode(value) for key, value in rows}
        return found

    def put(self, answers: Mapping[str, Response]) -> None:
        """Keep `answers`; they are safe from a killed process on return."""
        now = time.time()
        rows = [
            (bytes.fromhex(key), answer.model, now, msgspec.json.encode(answer))
            for key, answer in answers.items()
        ]
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(
                    "INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?)", rows
                )
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk has rolled back already
                    self._db.execute("ROLLBACK")
                raise

    def _check_version(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.execute(f"PRAGMA user_version={_VERSION}")
        elif version != _VERSION:
            raise RunError(
                f"{self.path} was written by another version of unibench (store"
                f" version {version}, this one reads {_VERSION}); move it away or set"
                " UNIBENCH_CACHE to another folder"
            )

    def _no_room(self) -> bool:
        """A full disk is 'disk I/O error' to SQLite when it opens its log."""
        try:
            return shutil.disk_usage(self.path.parent).free < _ROOM_BYTES
        except OSError:
            return False

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what SQLite says into what the user can do."""
        try:
            yield
        except sqlite3.Error as error:
            advice = "move it away or set UNIBENCH_CACHE to another folder"
            text = str(error)
            if "full" in text or self._no_room():
                advice = "the disk is full: free some space and run it again"
            elif "locked" in text:
                advice = "another process is writing to it: wait, or stop that one"
            raise RunError(
                f"the response store {self.path} cannot be used ({text}); {advice}"
            ) from error


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    unique = list(dict.fromkeys(keys))
    for start in range(0, len(unique), _CHUNK):
        yield unique[start : start + _CHUNK]
