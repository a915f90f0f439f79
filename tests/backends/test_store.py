"""Stored answers survive a killed process, and two runs may share them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from unibench.backends.store import ResponseStore, default_path
from unibench.errors import RunError
from unibench.schema.query import Response, content_hash

KEYS = [content_hash(i) for i in range(1200)]


def test_what_is_put_is_got_and_the_rest_is_absent(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        store.put({KEYS[0]: Response("a", latency_s=0.5), KEYS[1]: Response("é\n")})
        assert store.get(KEYS[:3]) == {
            KEYS[0]: Response("a", latency_s=0.5),
            KEYS[1]: Response("é\n"),
        }
        assert len(store) == 2


def test_many_keys_are_looked_up_in_pieces(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        store.put({key: Response(key) for key in KEYS})
        assert len(store.get([*KEYS, *KEYS])) == len(KEYS)


def test_the_default_lies_in_the_cache(tmp_path: Path) -> None:
    assert default_path() == tmp_path / "cache" / "responses.sqlite"


def test_two_processes_see_each_others_answers(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s") as one, ResponseStore(tmp_path / "s") as two:
        one.put({KEYS[0]: Response("a")})
        two.put({KEYS[1]: Response("b")})
        assert set(one.get(KEYS[:2])) == set(KEYS[:2])


WRITER = """
import sys
from unibench.backends.store import ResponseStore
from unibench.schema.query import Response, content_hash
with ResponseStore() as store:
    for i in range(1_000_000):
        store.put({content_hash(i): Response(str(i))})
        print(i, flush=True)
"""


def test_a_killed_writer_loses_nothing_it_reported(tmp_path: Path) -> None:
    environment = os.environ | {"UNIBENCH_CACHE": str(tmp_path / "cache")}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 50:
                process.send_signal(signal.SIGKILL)
                break
        reported = int(line)
    with ResponseStore() as store:
        keys = [content_hash(i) for i in range(reported + 1)]
        assert set(store.get(keys)) == set(keys)


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    ResponseStore(path).__exit__(None, None, None)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(RunError, match="store version 99, this one reads 1"):
        ResponseStore(path)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(RunError, match=r"not a database.*move it away"):
        ResponseStore(path)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        store._db.execute("PRAGMA max_page_count=4")
        with pytest.raises(RunError, match="disk is full: free some space"):
            store.put({key: Response("x" * 5000) for key in KEYS})
        assert len(store) == 0
