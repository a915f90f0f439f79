"""Two callers never ask the same at one time, and never wait in a circle."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from unibench.backends.asking import ask_missing
from unibench.backends.store import ResponseStore
from unibench.backends.store_claims import Claims, claimed
from unibench.errors import BackendError
from unibench.schema.query import Response, content_hash

KEYS = [content_hash(i) for i in range(10)]


def test_what_one_holds_the_other_does_not_get(tmp_path: Path) -> None:
    with Claims(tmp_path / "s") as one, Claims(tmp_path / "s") as two:
        assert one.take(KEYS[:6]) == KEYS[:6]
        assert two.take(KEYS[4:]) == KEYS[6:]
        assert sorted(claimed(tmp_path / "s")) == [4, 6]
        assert not two.others_ended()
        one.give_back()
        assert two.others_ended()
        assert two.take(KEYS[4:]) == KEYS[4:]
    assert claimed(tmp_path / "s") == []


def test_another_store_is_another_matter(tmp_path: Path) -> None:
    with Claims(tmp_path / "s") as one, Claims(tmp_path / "t") as two:
        assert one.take(KEYS) == two.take(KEYS) == KEYS


HOLDER = """
import sys, time
from pathlib import Path
from unibench.backends.store_claims import Claims
from unibench.schema.query import content_hash
with Claims(Path(sys.argv[1])) as claims:
    print(len(claims.take([content_hash(i) for i in range(5)])), flush=True)
    time.sleep(60)
"""


def test_the_claims_of_a_killed_process_are_free(tmp_path: Path) -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path / "s")],
            stdout=subprocess.PIPE,
        ) as process,
        Claims(tmp_path / "s") as mine,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"5\n"
        assert mine.take(KEYS) == KEYS[5:]
        process.kill()
        process.wait()
        assert mine.others_ended()
        assert mine.take(KEYS) == KEYS


def test_a_forked_child_does_not_keep_the_claims_of_its_parent(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with Claims(tmp_path / "s") as mine, Claims(tmp_path / "s") as other:
        mine.take(KEYS)
        if (child := os.fork()) == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
        mine.give_back()
        assert other.take(KEYS) == KEYS
        os.close(writer)
        os.waitpid(child, 0)
    os.close(reader)


def ignore(count: int) -> None:
    pass


class Server:
    """Answers requests, remembers which, and waits for a sign before each."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.began, self.sign = threading.Event(), threading.Event()
        self.fail_after = 10**9

    def asking(self, keys: Sequence[str]):  # type: ignore[no-untyped-def]
        def respond(positions: Sequence[int]) -> Iterator[tuple[int, Response]]:
            for n, position in enumerate(positions):
                self.began.set()
                assert self.sign.wait(20)
                if len(self.asked) >= self.fail_after:
                    raise BackendError("the server went away")
                self.asked.append(keys[position])
                yield n, Response(f"answer to {keys[position]}")

        return respond


def test_the_second_of_two_runs_waits_and_pays_nothing(tmp_path: Path) -> None:
    server, other = Server(), Server()
    other.sign.set()
    with ResponseStore(tmp_path / "s") as one, ResponseStore(tmp_path / "s") as two:
        first = threading.Thread(
            target=lambda: ask_missing(
                KEYS[:8], server.asking(KEYS[:8]), one, ignore, model="m"
            )
        )
        first.start()
        assert server.began.wait(10)
        steps: list[int] = []
        wanted = [*KEYS[4:], KEYS[5]]
        threading.Timer(0.5, server.sign.set).start()
        answers = ask_missing(wanted, other.asking(wanted), two, steps.append, model="")
        first.join()
    assert server.asked == KEYS[:8]
    assert other.asked == KEYS[8:]
    assert [r.text for r in answers.responses] == [f"answer to {k}" for k in wanted]
    assert (answers.usage.requests, answers.usage.reused) == (2, 4)
    assert sum(steps) == len(wanted)


def test_the_second_takes_over_what_the_first_could_not_get(tmp_path: Path) -> None:
    server, other = Server(), Server()
    server.fail_after = 3
    other.sign.set()
    failures: list[BackendError] = []

    def fail(store: ResponseStore) -> None:
        try:
            ask_missing(KEYS, server.asking(KEYS), store, ignore, model="m")
        except BackendError as error:
            failures.append(error)

    with ResponseStore(tmp_path / "s") as one, ResponseStore(tmp_path / "s") as two:
        first = threading.Thread(target=fail, args=(one,))
        first.start()
        assert server.began.wait(10)
        threading.Timer(0.3, server.sign.set).start()
        answers = ask_missing(KEYS, other.asking(KEYS), two, ignore, model="m")
        first.join()
    assert len(failures) == 1
    assert (server.asked, other.asked) == (KEYS[:3], KEYS[3:])
    assert answers.usage.requests == 7


def test_two_that_want_the_same_in_another_order_both_end(tmp_path: Path) -> None:
    """The classic deadlock: each begins with what the other wants last."""
    done: list[int] = []
    servers = [Server(), Server()]

    def run(number: int, keys: list[str]) -> None:
        servers[number].sign.set()
        with ResponseStore(tmp_path / "s") as store:
            for part in (keys[:5], keys[5:], keys):
                respond = servers[number].asking(part)
                done.append(
                    len(ask_missing(part, respond, store, ignore, model="m").keys)
                )

    threads = [
        threading.Thread(target=run, args=(n, keys))
        for n, keys in enumerate([KEYS, KEYS[::-1]])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(done) == [5, 5, 5, 5, 10, 10]
    assert sorted(servers[0].asked + servers[1].asked) == sorted(KEYS)


def test_an_answer_that_is_imported_meanwhile_is_the_one_that_counts(
    tmp_path: Path,
) -> None:
    with ResponseStore(tmp_path / "s") as store:

        def respond(positions: Sequence[int]) -> Iterator[tuple[int, Response]]:
            store.put({KEYS[0]: Response("imported")})
            yield from ((n, Response("asked")) for n in range(len(positions)))

        answers = ask_missing(KEYS[:2], respond, store, ignore, model="m")
        assert [r.text for r in answers.responses] == ["imported", "asked"]
        assert answers.responses == tuple(store.get(KEYS[:2]).get(k) for k in KEYS[:2])


def test_those_who_ask_are_stopped_when_the_store_fails(tmp_path: Path) -> None:
    stopped = threading.Event()
    with ResponseStore(tmp_path / "s") as store:

        def respond(positions: Sequence[int]) -> Iterator[tuple[int, Response]]:
            try:
                while True:
                    yield 0, Response("again")
            finally:
                stopped.set()

        def stop(count: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            ask_missing(KEYS, respond, store, stop, model="m")
        assert stopped.is_set()
        assert set(store.get(KEYS)) == {KEYS[0]}
    assert claimed(tmp_path / "s") == []
