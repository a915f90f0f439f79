"""Answers from many threads reach the disk in few commits; nothing taken is lost."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from unibench.backends.store import ResponseStore
from unibench.backends.store_lines import read_lines
from unibench.backends.store_writer import UNSAVED, GroupWriter
from unibench.errors import RunError
from unibench.schema.query import Response, content_hash

KEYS = [content_hash(i) for i in range(5000)]


class Disk:
    """Counts commits; holds the first one until it may go on; may be full."""

    def __init__(self, error: Exception | None = None) -> None:
        self.commits: list[list[str]] = []
        self.error = error
        self.started, self.may_go_on = threading.Event(), threading.Event()

    def write(self, answers: Mapping[str, Response]) -> int:
        self.started.set()
        assert self.may_go_on.wait(10)
        if self.error is not None:
            raise self.error
        self.commits.append(list(answers))
        return len(answers)


def test_what_arrives_while_the_disk_is_busy_is_one_commit(tmp_path: Path) -> None:
    disk = Disk()
    with GroupWriter(disk.write, tmp_path / "s") as writer:
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


@pytest.mark.parametrize(
    ("text", "room"),
    [
        pytest.param("short", 1000, id="answers"),
        pytest.param("x" * 100_000, 20, id="characters"),
    ],
)
def test_a_slow_disk_holds_the_asking_back(
    tmp_path: Path, text: str, room: int
) -> None:
    disk = Disk()
    taken: list[str] = []
    with GroupWriter(disk.write, tmp_path / "s") as writer:

        def ask() -> None:
            for key in KEYS[: room + 50]:
                writer.put(key, Response(text))
                taken.append(key)

        writer.put(KEYS[-1], Response("in the first commit"))
        assert disk.started.wait(10)
        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(0.3)
        assert len(taken) == room
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


def test_what_the_store_does_not_take_is_kept_aside(tmp_path: Path) -> None:
    disk = Disk(RunError("the disk is full"))
    with (
        pytest.raises(RunError, match=r"the disk is full; 3 answers it did not take"),
        GroupWriter(disk.write, tmp_path / "s.sqlite") as writer,
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
    disk = Disk()
    disk.may_go_on.set()
    with GroupWriter(disk.write, tmp_path / "s") as writer:
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RunError, match="after the run's end"):
        writer.put(KEYS[0], Response("a"))
