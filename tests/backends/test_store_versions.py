"""Stores of other versions: an older one is brought up to date, a newer one refused."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from unibench.backends.store import ResponseStore
from unibench.backends.store_care import check, holdings, prune
from unibench.backends.store_file import open_file
from unibench.errors import RunError
from unibench.schema.query import Response, content_hash

# the statements of version 1, as it wrote them
VERSION_1 = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA user_version=1",
    """CREATE TABLE IF NOT EXISTS responses (
    key BLOB PRIMARY KEY, model TEXT NOT NULL, created REAL NOT NULL,
    response BLOB NOT NULL
) WITHOUT ROWID""",
)
OLD = {
    content_hash(i): Response(
        "word " * (i % 40), prompt_tokens=i, latency_s=0.1, model=f"m{i % 3}"
    )
    for i in range(2500)
}


def write_version_1(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in VERSION_1:
            db.execute(statement)
        db.execute("BEGIN IMMEDIATE")
        db.executemany(
            "INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?)",
            [
                (bytes.fromhex(key), answer.model, 1e9 + n, msgspec.json.encode(answer))
                for n, (key, answer) in enumerate(OLD.items())
            ],
        )
        db.execute("COMMIT")


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        return int(version)


def test_a_store_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    write_version_1(path)
    with ResponseStore(path) as store:
        assert store.get(OLD) == OLD
        assert [row.state for row in check(store)] == ["ok"] * 3
        whole = holdings(store).all
    assert version_of(path) == 2
    assert (whole.answers, whole.prompt_tokens) == (2500, sum(range(2500)))
    assert (whole.oldest, whole.newest) == (1e9, 1e9 + 2499)
    with ResponseStore(path) as again:
        assert again.get(OLD) == OLD


def test_an_old_store_shrinks_when_it_is_pruned(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    write_version_1(path)
    with ResponseStore(path) as store:
        before = holdings(store).file_bytes
        prune(store, before=1e9 + 2000)
        assert (len(store), holdings(store).file_bytes < before / 2) == (500, True)


def test_several_may_bring_it_up_to_date_at_once(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    write_version_1(path)
    found: list[int] = []

    def open_it() -> None:
        with ResponseStore(path) as store:
            found.append(len(store))

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [2500] * 4


def test_an_old_store_that_cannot_be_read_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    write_version_1(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO responses VALUES (x'00', 'm', 2e9, x'7b')")
    with pytest.raises(RunError, match=r"s\.sqlite cannot be used .*truncated"):
        ResponseStore(path)
    assert version_of(path) == 1
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM responses").fetchone() == (2501,)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        pytest.param(
            ["PRAGMA user_version=99", "PRAGMA application_id=0x756E6942"],
            "newer unibench .store version 99, this one reads up to 2.; upgrade",
            id="newer",
        ),
        pytest.param(
            ["CREATE TABLE notes (text TEXT)"], "another program's", id="foreign"
        ),
        pytest.param(
            ["PRAGMA user_version=2", "CREATE TABLE responses (a)"],
            "another program's",
            id="foreign-with-our-number",
        ),
        pytest.param(
            ["PRAGMA user_version=1", "CREATE TABLE notes (text TEXT)"],
            "another program's",
            id="foreign-with-the-old-number",
        ),
    ],
)
def test_what_is_no_store_of_ours_is_refused_and_left_alone(
    tmp_path: Path, statements: list[str], said: str
) -> None:
    path = tmp_path / "s.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)
    before = path.read_bytes()
    with pytest.raises(RunError, match=said):
        ResponseStore(path)
    assert path.read_bytes() == before


def test_another_run_may_make_the_store_while_it_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version and tables are of one state, though another makes them in between."""
    path = tmp_path / "responses.sqlite"
    met: list[str] = []

    class Slow(sqlite3.Connection):
        def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
            if sql == "PRAGMA application_id" and not met:
                met.append(sql)
                with suppress(RunError):  # it may have to wait for us
                    open_file(path, busy_s=0.01).close()
            return super().execute(sql, *rest)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Slow))
    open_file(path, busy_s=1).close()
    assert met
    with ResponseStore(path) as store:
        assert len(store) == 0
