"""Which requests lie in which batch: a small SQLite file that survives a kill.

A batch is written down before the server hears of it, and once more before it is
created, so that after a crash at any moment it is known which batches may exist there.
"""

from __future__ import annotations

import fcntl
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

from unibench.errors import RunError
from unibench.resources import cache_root

State = Literal["prepared", "creating", "submitted", "settled"]
UNDER_WAY = ""
ANSWERED = "answered"
NOT_ASKED = ("expired", "cancelled", "rejected")
"""Ends of a request that the model never saw; any other but an answer is a try."""
_BUSY_S = 60.0
_CHUNK = 500
_VERSION = 1


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as we know it.

    `id` is ours and travels as the batch's metadata; `batch_id` and `status` are the
    server's. `state` is `prepared` (nothing was asked), `creating` (it may exist at
    the server), `submitted` (it exists) or `settled` (its answers are in the store).
    `expected_*_tokens` were estimated before; the other tokens are what the server
    reported. `note` says why it ended as it did.
    """

    id: str
    server: str
    model: str
    endpoint: str
    state: State = "prepared"
    created: float = 0.0
    requests: int = 0
    expected_prompt_tokens: int = 0
    expected_completion_tokens: int = 0
    file_id: str = ""
    batch_id: str = ""
    status: str = ""
    done: int = 0
    answered: int = 0
    unanswered: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    note: str = ""


class Tried(msgspec.Struct, frozen=True):
    """How often a request failed in batches, and how it was asked at last."""

    times: int
    reason: str
    flags: str


_COLUMNS = [field.name for field in msgspec.structs.fields(Batch)]
_TABLES = (
    "CREATE TABLE IF NOT EXISTS batches"
    f" (id TEXT PRIMARY KEY, {', '.join(_COLUMNS[1:])})",
    "CREATE TABLE IF NOT EXISTS requests (key BLOB, batch TEXT, flags TEXT,"
    " outcome TEXT, PRIMARY KEY (key, batch)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS requests_of ON requests (batch, outcome)",
)
_INSERT = (
    f"INSERT INTO batches ({', '.join(_COLUMNS)})"  # noqa: S608
    f" VALUES ({', '.join('?' * len(_COLUMNS))})"
)


def batch_folder() -> Path:
    """Return the folder of the ledger and of the files that are sent and received."""
    return cache_root() / "batches"


class BatchLedger:
    """Batches and the keys of their requests; use it as a context manager."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the ledger at `path`, or the user's own, and create it if need be."""
        self.path = path or batch_folder() / "ledger.sqlite"
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode=WAL")
            # What a server may bill is on the disk before the server hears of it.
            self._db.execute("PRAGMA synchronous=FULL")
            self._check_version()
            for table in _TABLES:
                self._db.execute(table)

    def __enter__(self) -> Self:
        """Return the open ledger."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the ledger."""
        self._db.close()

    @contextmanager
    def alone(self, folder: Path) -> Iterator[None]:
        """Keep other processes from the batches whose files lie in `folder`.

        Raises:
            RunError: another process works on them now.
        """
        with (folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunError(
                    "another process works on the batches of this model at this server;"
                    " wait for it, or stop that one"
                ) from error
            yield

    def batches(self, server: str = "", model: str = "") -> list[Batch]:
        """Return the batches, the oldest first; all of them, or those of one model."""
        with self._explained(), closing(self._db.execute("SELECT * FROM batches")) as r:
            found = [msgspec.convert(dict(row), Batch) for row in r]
        chosen = [
            batch
            for batch in found
            if server in ("", batch.server) and model in ("", batch.model)
        ]
        return sorted(chosen, key=lambda batch: batch.created)

    def add(self, batch: Batch, requests: Iterable[tuple[str, str]]) -> Batch:
        """Write down a prepared batch and its requests: (key, flags)."""
        batch = msgspec.structs.replace(batch, created=time.time())
        rows = [
            (bytes.fromhex(key), batch.id, flags, UNDER_WAY) for key, flags in requests
        ]
        with self._transaction() as db:
            db.execute(_INSERT, msgspec.structs.astuple(batch))
            db.executemany("INSERT INTO requests VALUES (?, ?, ?, ?)", rows)
        return batch

    def update(self, batch: Batch, **changes: Any) -> Batch:
        """Write down what changed of a batch and return it."""
        changed = msgspec.structs.replace(batch, **changes)
        marks = ", ".join(f"{name} = ?" for name in changes)
        with self._transaction() as db:
            db.execute(
                f"UPDATE batches SET {marks} WHERE id = ?",  # noqa: S608
                [*changes.values(), batch.id],
            )
        return changed

    def drop(self, batch: Batch) -> None:
        """Forget a batch and its requests, as if they had never been sent."""
        with self._transaction() as db:
            db.execute("DELETE FROM requests WHERE batch = ?", [batch.id])
            db.execute("DELETE FROM batches WHERE id = ?", [batch.id])

    def settle(self, batch: Batch, outcomes: Mapping[str, str]) -> None:
        """Write down how requests of a batch ended: `ANSWERED`, or a reason."""
        rows = [(why, bytes.fromhex(key), batch.id) for key, why in outcomes.items()]
        with self._transaction() as db:
            db.executemany(
                "UPDATE requests SET outcome = ? WHERE key = ? AND batch = ?", rows
            )

    def settle_rest(self, batch: Batch, outcome: str) -> int:
        """Give every request that is still under way the same end; return how many."""
        with self._transaction() as db:
            return db.execute(
                "UPDATE requests SET outcome = ? WHERE batch = ? AND outcome = ''",
                [outcome, batch.id],
            ).rowcount

    def reopen(self, batch: Batch) -> Batch:
        """Let the answers of a settled batch be collected once more."""
        with self._transaction() as db:
            db.execute(
                "UPDATE requests SET outcome = '' WHERE batch = ? AND outcome = ?",
                [batch.id, ANSWERED],
            )
        return self.update(batch, state="submitted")

    def requests_of(self, batch: Batch) -> dict[str, str]:
        """Return key -> the flags that its answer will have."""
        query = "SELECT key, flags FROM requests WHERE batch = ?"
        with self._explained(), closing(self._db.execute(query, [batch.id])) as rows:
            return {row["key"].hex(): row["flags"] for row in rows}

    def outcomes_of(self, batch: Batch) -> dict[str, int]:
        """Return how many requests of a batch ended how."""
        query = (
            "SELECT outcome, count(*) AS n FROM requests WHERE batch = ?"
            " GROUP BY outcome"
        )
        with self._explained(), closing(self._db.execute(query, [batch.id])) as rows:
            return {row["outcome"]: row["n"] for row in rows}

    def lying_in(self, keys: Sequence[str], outcome: str) -> dict[str, str]:
        """Return key -> our id of a batch, for keys that ended so in one."""
        return {
            row["key"].hex(): row["batch"]
            for row in self._rows(keys)
            if row["outcome"] == outcome
        }

    def under_way(self, keys: Sequence[str]) -> dict[str, Batch]:
        """Return key -> the batch that may be asking it now."""
        lying = self.lying_in(keys, UNDER_WAY)
        known = {batch.id: batch for batch in self.batches()} if lying else {}
        return {
            key: known[name]
            for key, name in lying.items()
            if name in known and known[name].state != "prepared"
        }

    def tried(self, keys: Sequence[str]) -> dict[str, Tried]:
        """Return what is known of keys whose requests failed in batches."""
        found: dict[str, Tried] = {}
        for row in self._rows(keys):
            if row["outcome"] not in (UNDER_WAY, ANSWERED, *NOT_ASKED):
                key = row["key"].hex()
                times = found[key].times + 1 if key in found else 1
                found[key] = Tried(times, row["outcome"], row["flags"])
        return found

    def _rows(self, keys: Sequence[str]) -> Iterator[sqlite3.Row]:
        for start in range(0, len(keys), _CHUNK):
            chunk = [bytes.fromhex(key) for key in keys[start : start + _CHUNK]]
            marks = ",".join("?" * len(chunk))
            query = f"SELECT * FROM requests WHERE key IN ({marks})"  # noqa: S608
            with self._explained(), closing(self._db.execute(query, chunk)) as rows:
                yield from rows.fetchall()

    def _check_version(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.execute(f"PRAGMA user_version={_VERSION}")
        elif version != _VERSION:
            raise RunError(
                f"{self.path} was written by another version of unibench (ledger"
                f" version {version}, this one reads {_VERSION}); collect its batches"
                " with that one, or set UNIBENCH_CACHE to another folder"
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            advice = (
                "free some space on the disk and run it again"
                if "full" in str(error)
                else "if it is damaged, the batches are still listed at the server"
            )
            raise RunError(
                f"the ledger of batches {self.path} cannot be used ({error}); {advice}"
            ) from error
