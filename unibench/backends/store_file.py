"""The file of the response store: its schema, its versions, what its errors mean.

Safety comes in two steps. With a write-ahead log and `synchronous=NORMAL` a commit
hands its bytes to the operating system, so it outlives the process, and is flushed
only when SQLite merges the log (sqlite.org/pragma.html#pragma_synchronous). Flushing
the log, as is done here, makes every commit before it outlive a power cut too. Where
SQLite merged the log meanwhile, it has flushed log and database itself.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from unibench.errors import RunError
from unibench.schema.query import Response

VERSION = 2
APPLICATION_ID = 0x756E6942
"""Stands in the file's header and tells it from other programs' databases."""

_ROOM_BYTES = 1 << 16
_RETRY_S = 0.02
_CHUNK = 1000
_LOG_PAGES = 16_000
_MOVE = "move it away or set UNIBENCH_CACHE to another folder"
_SCHEMA = (
    "CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    # A table in the order of arrival and a small index over random keys: long answers
    # stay out of the tree that every look-up and every insertion walks through.
    """CREATE TABLE responses (
        id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,
        model INTEGER NOT NULL REFERENCES models, created REAL NOT NULL,
        prompt_tokens INTEGER, completion_tokens INTEGER, response BLOB NOT NULL
    )""",
)
ADD_MODEL = "INSERT INTO models (name) VALUES (?) ON CONFLICT DO NOTHING"
ADD = (
    "INSERT INTO responses"
    " (key, model, created, prompt_tokens, completion_tokens, response)"
    " VALUES (?, (SELECT id FROM models WHERE name = ?), ?, ?, ?, ?)"
)
ADD_NEW = ADD + " ON CONFLICT (key) DO NOTHING"
ADD_OVER = ADD + (
    " ON CONFLICT (key) DO UPDATE SET model = excluded.model,"
    " created = excluded.created, prompt_tokens = excluded.prompt_tokens,"
    " completion_tokens = excluded.completion_tokens, response = excluded.response"
)

Row = tuple[bytes, str, float, int | None, int | None, bytes]


def row_of(key: bytes, created: float, answer: Response) -> Row:
    """Return what `ADD` takes; the model's name is kept once, beside the answers."""
    return (
        key,
        answer.model,
        created,
        answer.prompt_tokens,
        answer.completion_tokens,
        msgspec.json.encode(msgspec.structs.replace(answer, model="")),
    )


def open_file(path: Path, *, busy_s: float) -> sqlite3.Connection:
    """Open the store at `path`; create it, or bring it to this version, if need be.

    Raises:
        RunError: it cannot be read or written, is no store, or is a newer one.
    """
    with explained(path):
        _make_folder(path.parent)
        db = sqlite3.connect(
            path, timeout=busy_s, isolation_level=None, check_same_thread=False
        )
        try:
            version = _version_of(db, path)
            if version == 0:  # later it would only take the write lock
                db.execute("PRAGMA auto_vacuum=INCREMENTAL")
            _use_log(db, path, busy_s)
            db.execute("PRAGMA synchronous=NORMAL")
            db.execute("PRAGMA fullfsync=ON")  # where fsync leaves data in the drive
            db.execute("PRAGMA checkpoint_fullfsync=ON")
            db.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
            if version != VERSION:
                with transaction(db):
                    _make_current(db, path)
        except BaseException:
            db.close()
            raise
    return db


def open_log(db: sqlite3.Connection) -> int:
    """Return a descriptor of the log of `db`, which stays the same until `db` closes.

    Only the log may be opened beside SQLite: closing a descriptor of the database
    would give SQLite's locks on it back (sqlite.org/howtocorrupt.html, section 2.2).
    """
    db.execute("SELECT count(*) FROM models").fetchone()  # now SQLite has it open
    (_, _, name) = db.execute("PRAGMA database_list").fetchone()
    return os.open(f"{name}-wal", os.O_RDONLY)


def flush_file(handle: int) -> None:
    """Flush a file's content to the disk, also out of the drive's own memory."""
    if sys.platform == "darwin":  # where fsync leaves data in the drive
        fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(handle)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block does, all of it or, on any error, nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk has rolled back already
            db.execute("ROLLBACK")
        raise


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite or the system says into what the user can do.

    Raises:
        RunError: instead of sqlite3.Error, OSError and an answer that is no JSON.
    """
    try:
        yield
    except (sqlite3.Error, OSError, msgspec.DecodeError) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        raise RunError(
            f"the response store {path} cannot be used ({text}); {_advice(error, path)}"
        ) from error


def sync_folder(folder: Path) -> None:
    """Flush the names in `folder` to the disk: a new or renamed file stays there."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    """Make `folder` and what lies above it, so that it outlives a power cut too."""
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    for part in reversed(missing):
        part.mkdir(exist_ok=True)
        sync_folder(part.parent)


def _use_log(db: sqlite3.Connection, path: Path, busy_s: float) -> None:
    """Turn the log on; SQLite does not wait for others here, so this does."""
    give_up = time.monotonic() + busy_s
    while True:
        try:
            (mode,) = db.execute("PRAGMA journal_mode=WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            if not _is(error, "SQLITE_BUSY") or time.monotonic() > give_up:
                raise
            time.sleep(_RETRY_S)
    if mode != "wal":
        raise RunError(
            f"the folder of {path} cannot hold a write-ahead log, as some network"
            " drives; set UNIBENCH_CACHE to a folder on a disk of this machine"
        )


def _version_of(db: sqlite3.Connection, path: Path) -> int:
    """Return the version of one state of the file, whatever others do meanwhile."""
    db.execute("BEGIN")
    try:
        return _check_version(db, path)
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _check_version(db: sqlite3.Connection, path: Path) -> int:
    """Return the version, 0 for a new file; refuse what is newer or no store."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (owner,) = db.execute("PRAGMA application_id").fetchone()
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    ours = {0: not tables, 1: "responses" in tables}.get(
        version, owner == APPLICATION_ID
    )
    if not ours:
        raise RunError(f"{path} is another program's database; {_MOVE}")
    if version > VERSION:
        raise RunError(
            f"{path} was written by a newer unibench (store version {version}, this"
            f" one reads up to {VERSION}); upgrade unibench, or {_MOVE}"
        )
    return int(version)


def _make_current(db: sqlite3.Connection, path: Path) -> None:
    """Create the tables or bring them to this version, inside one transaction."""
    version = _check_version(db, path)  # another process may have been faster
    if version == VERSION:
        return
    if version == 1:
        db.execute("ALTER TABLE responses RENAME TO responses_1")
    for statement in _SCHEMA:
        db.execute(statement)
    if version == 1:
        _copy_version_1(db)
    db.execute(f"PRAGMA user_version={VERSION}")
    db.execute(f"PRAGMA application_id={APPLICATION_ID}")


def _copy_version_1(db: sqlite3.Connection) -> None:
    """Take the answers of version 1, whose only table had no column for tokens."""
    decode = msgspec.json.Decoder(Response).decode
    with closing(
        db.execute(
            "SELECT key, model, created, response FROM responses_1 ORDER BY created"
        )
    ) as old:
        while rows := old.fetchmany(_CHUNK):
            for model in {row[1] for row in rows}:
                db.execute(ADD_MODEL, [model])
            db.executemany(
                ADD, [row_of(key, made, decode(text)) for key, _, made, text in rows]
            )
    db.execute("DROP TABLE responses_1")


def _advice(error: Exception, path: Path) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    if _is_full(error) or _no_room(path):
        return "the disk is full: free some space and run it again"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "another process is writing to it: wait, or stop that one"
    refused = name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM"))
    if refused or isinstance(error, PermissionError):
        return "it or its folder may not be written: allow it, or " + _MOVE
    if name.startswith("SQLITE_CORRUPT") or isinstance(error, msgspec.DecodeError):
        return (
            "it is damaged: save what can be read with 'unibench store export', "
            + _MOVE
            + ", and import what was saved"
        )
    return _MOVE


def _is(error: Exception, name: str) -> bool:
    return str(getattr(error, "sqlite_errorname", "")).startswith(name)


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return _is(error, "SQLITE_FULL")


def _no_room(path: Path) -> bool:
    """A full disk is 'disk I/O error' to SQLite when it opens its log."""
    try:
        return shutil.disk_usage(path.parent).free < _ROOM_BYTES
    except OSError:
        return False
