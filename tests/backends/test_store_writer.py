"""Answers are committed at once and flushed many at once; nothing taken is lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from unibench.backends import store_file
from unibench.backends.store import ResponseStore
from unibench.backends.store_lines import read_lines
from unibench.backends.store_writer import UNSAVED, GroupWriter
from unibench.errors import RunError
from unibench.schema.query import Response, content_hash

KEYS = [content_hash(i) for i in range(5000)]


class Disk:
    """Notes commits and flushes; one of the two waits until it may go on, and fails."""

    def __init__(self, slow: str, error: Exception | None = None) -> None:
        self.commits: list[list[str]] = []
        self.flushed: list[int] = []
        self.slow, self.error = slow, error
        self.changed = threading.Condition()
        self.started, self.may_go_on = threading.Event(), threading.Event()

    def writer(self, store: Path) -> GroupWriter:
        return GroupWriter(self.commit, self.flush, store)

    def commit(self, answers: Mapping[str, Response]) -> int:
        self.work("commit")
        with self.changed:
            self.commits.append(list(answers))
            self.changed.notify_all()
        return len(answers)

    def flush(self) -> None:
        before = self.committed()
        self.work("flush")
        self.flushed.append(before)

    def committed(self) -> int:
        return sum(map(len, self.commits))

    def wait_for_commits(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.committed() == count, 10)

    def work(self, name: str) -> None:
        if name == self.slow:
            self.started.set()
            assert self.may_go_on.wait(10)
            if self.error is not None:
                raise self.error


def test_what_arrives_during_a_commit_is_one_commit(tmp_path: Path) -> None:
    disk = Disk("commit")
    with disk.writer(tmp_path / "s") as writer:
        writer.put(KEYS[0], Response("a"))
        assert disk.started.wait(10)
        for key in KEYS[1:100]:
            writer.put(key, Response("a"))
        assert writer.done() == []
        disk.may_go_on.set()
        writer.flush()
        assert writer.done() == KEYS[:100]
        assert writer.done() == []
    assert disk.commits == [KEYS[:1], KEYS[1:100]]
    assert writer.added == 100


def test_a_slow_flush_holds_no_commit_back_and_is_shared(tmp_path: Path) -> None:
    disk = Disk("flush")
    with disk.writer(tmp_path / "s") as writer:
        writer.put(KEYS[0], Response("a"))
        assert disk.started.wait(10)
        for key in KEYS[1:100]:
            writer.put(key, Response("a"))
        disk.wait_for_commits(100)
        assert writer.done(0.05) == []
        disk.may_go_on.set()
        writer.flush()
        assert writer.done() == KEYS[:100]
    assert disk.flushed == [1, 100]


def test_done_is_what_was_committed_before_a_flush_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.sqlite"
    log = path.with_name("s.sqlite-wal")
    safe = [0]

    def flush_file(handle: int) -> None:
        size = log.stat().st_size
        flush(handle)
        safe.append(size)

    flush = store_file.flush_file
    monkeypatch.setattr("unibench.backends.store.flush_file", flush_file)
    told: list[tuple[int, list[str]]] = []
    with ResponseStore(path) as store:
        with store.writer() as writer:
            for number, key in enumerate(KEYS[:200]):
                writer.put(key, Response("a"))
                if number % 20 == 19:
                    writer.flush()
                    told.append((safe[-1], writer.done()))
        database, content = path.read_bytes(), log.read_bytes()
    assert [key for _, keys in told for key in keys] == KEYS[:200]
    known: list[str] = []
    for number, (size, keys) in enumerate(told):  # the power goes after this flush
        known += keys
        cut = tmp_path / f"{number}.sqlite"
        cut.write_bytes(database)
        cut.with_name(f"{cut.name}-wal").write_bytes(content[:size])
        with ResponseStore(cut) as store:
            assert set(store.get(KEYS)) == set(known)


def test_put_is_flushed_on_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    log = tmp_path / "s.sqlite-wal"
    monkeypatch.setattr(
        "unibench.backends.store.flush_file",
        lambda handle: sizes.append(os.fstat(handle).st_size),
    )
    with ResponseStore(tmp_path / "s.sqlite") as store:
        for key in KEYS[:3]:
            store.put({key: Response("a")})
            assert sizes[-1] == log.stat().st_size
    assert sorted(set(sizes)) == sizes  # it grew each time


@pytest.mark.parametrize("slow", ["commit", "flush"])
@pytest.mark.parametrize(
    ("text", "room"),
    [
        pytest.param("short", 1000, id="answers"),
        pytest.param("x" * 100_000, 20, id="characters"),
    ],
)
def test_a_slow_disk_holds_the_asking_back(
    tmp_path: Path, text: str, room: int, slow: str
) -> None:
    disk = Disk(slow)
    taken: list[str] = []
    with disk.writer(tmp_path / "s") as writer:

        def ask() -> None:
            for key in KEYS[: room + 50]:
                writer.put(key, Response(text))
                taken.append(key)

        writer.put(KEYS[-1], Response("in the first step"))
        assert disk.started.wait(10)
        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(0.3)
        in_room = slow == "commit" and room == 1000  # no flush has begun on the first
        assert len(taken) == room - in_room
        disk.may_go_on.set()
        asking.join()
    assert sum(map(len, disk.commits)) == room + 51


def test_many_threads_may_bring_answers(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        with store.writer() as writer:

            def bring(part: list[str]) -> None:
                for key in part:
                    writer.put(key, Response(key))

            threads = [
                threading.Thread(target=bring, args=(KEYS[n::8],)) for n in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(store) == len(KEYS)


def test_leaving_by_an_error_writes_what_was_taken(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite") as store:
        with pytest.raises(KeyboardInterrupt), store.writer() as writer:
            for key in KEYS[:30]:
                writer.put(key, Response("a"))
            raise KeyboardInterrupt
        assert len(store) == 30


@pytest.mark.parametrize("slow", ["commit", "flush"])
def test_what_the_store_does_not_take_is_kept_aside(tmp_path: Path, slow: str) -> None:
    disk = Disk(slow, RunError("the disk is full"))
    with (
        pytest.raises(RunError, match=r"the disk is full; 3 answers it did not take"),
        disk.writer(tmp_path / "s.sqlite") as writer,
    ):
        writer.put(KEYS[0], Response("a"))
        assert disk.started.wait(10)
        writer.put(KEYS[1], Response("b"))
        disk.may_go_on.set()
        with pytest.raises(RunError, match="the disk is full"):
            writer.flush()
        writer.put(KEYS[2], Response("c"))
    (path,) = tmp_path.glob(UNSAVED)
    lines = list(read_lines(path))
    assert [line.key for line in lines] == KEYS[:3]
    assert [line.response.text for line in lines] == ["a", "b", "c"]
    with ResponseStore(tmp_path / "s.sqlite") as store:
        assert set(store.get(KEYS)) == set(KEYS[:3])
    assert list(tmp_path.glob(UNSAVED)) == []


def test_nothing_stays_behind(tmp_path: Path) -> None:
    with Disk("nothing").writer(tmp_path / "s") as writer:
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RunError, match="after the run's end"):
        writer.put(KEYS[0], Response("a"))
