"""The faults that the response store stands: what is injected, lost, paid twice.

Each row runs real processes on a real file. A child that asks writes a line into a
ledger for each request that it pays for, and prints how many answers it was told to be
on the disk. Lost is an answer that was told to be there and is not; or, where a
process ends by an error and not by force, any answer that was paid for. Repeated is a
request that was paid for again although its answer was told to be there, or, again
without force, at all. The same rows stand in docs/store.md.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.backends.test_store_versions import OLD, version_of, write_version_1
from unibench.backends.store import ResponseStore
from unibench.backends.store_care import check
from unibench.backends.store_lines import AnswerLine, write_lines
from unibench.backends.store_transfer import import_answers
from unibench.backends.store_writer import UNSAVED
from unibench.errors import RunError
from unibench.schema.query import Response, content_hash

REPOSITORY = Path(__file__).parent.parent.parent
CHANCE = random.Random(20261122)  # noqa: S311

ASKER = """
import json, resource, sys, time
from pathlib import Path
from unibench.backends import store as store_module
from unibench.backends.asking import ask_missing
from unibench.backends.store import ResponseStore
from unibench.errors import RunError
from unibench.schema.query import Response, content_hash
job = json.loads(sys.argv[1])
keys = [content_hash(i) for i in range(*job["range"])]
ledger = open(job["ledger"], "a", buffering=1)
if limit := job.get("file_limit"):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
if seconds := job.get("flush_s"):
    store_module.flush_file = lambda handle: time.sleep(seconds)
def respond(positions):
    for n, position in enumerate(positions):
        time.sleep(job.get("pause", 0))
        ledger.write(keys[position] + "\\n")
        yield n, Response("answer " * job.get("words", 1), model=job.get("model", "m"))
    time.sleep(job.get("pause_at_end", 0))
def progress(count):
    print(count, flush=True)
try:
    with ResponseStore(Path(job["store"]), busy_s=job.get("busy_s", 60)) as store:
        print(0, flush=True)
        ask_missing(keys, respond, store, progress, model="m")
except RunError as error:
    sys.exit(f"Error: {error}")
"""


class Outcome(NamedTuple):
    """What a fault did: answers lost, requests paid for again, what was said."""

    lost: int
    repeated: int
    said: str = ""


class Place:
    """A store, a ledger of what was paid for, and children that ask."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "responses.sqlite"
        self.ledger = folder / "ledger.txt"

    def start(self, count: int | tuple[int, int], **job: Any) -> subprocess.Popen[str]:
        import json

        numbers = (0, count) if isinstance(count, int) else count
        job = {"store": str(self.path), "ledger": str(self.ledger), **job}
        command = json.dumps(job | {"range": numbers})
        return subprocess.Popen(
            [sys.executable, "-c", ASKER, command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )

    def finish(self, count: int | tuple[int, int], **job: Any) -> str:
        """Ask to the end; the child must not fail."""
        out, err = self.start(count, **job).communicate(timeout=60)
        assert "Error" not in err, err
        return out

    def paid(self) -> Counter[str]:
        there = self.ledger.exists()
        return Counter(self.ledger.read_text().split() if there else ())

    def stored(self) -> set[str]:
        with ResponseStore(self.path) as store:
            assert [row.state for row in check(store)] == ["ok"] * 3
            with store.database() as db:
                return {key.hex() for (key,) in db.execute("SELECT key FROM responses")}

    def twice(self) -> int:
        return sum(count - 1 for count in self.paid().values())


def told(out: str) -> int:
    """How many answers a child said to be on the disk."""
    return sum(int(line) for line in out.split())


def killed_writer(place: Place) -> Outcome:
    """Kill the same run eight times at random moments, then let it end."""
    lost, repeated, before = 0, 0, set[str]()
    for number in range(8):
        place.ledger = place.folder / f"ledger{number}.txt"
        with place.start(4000, pause=0.0005) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(CHANCE.uniform(0, 0.25))
            child.kill()
            safe = told(child.stdout.read())
        stored = place.stored()
        lost += max(0, safe - len(stored)) + len(before - stored)
        repeated += len(place.paid().keys() & before)
        before = stored
    place.finish(4000)
    return Outcome(lost + 4000 - len(place.stored()), repeated)


def killed_before_flush(place: Place) -> Outcome:
    """Kill a run whose first flush does not end; nothing is told to be on the disk."""
    with place.start(500, flush_s=600, pause_at_end=600) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with ResponseStore(place.path) as store:
            give_up = time.monotonic() + 60
            while len(store) < 500 and time.monotonic() < give_up:
                time.sleep(0.01)
        child.kill()
        assert told(child.stdout.read()) == 0
    lost = len(place.paid().keys() - place.stored())
    place.finish(500)
    return Outcome(lost, place.twice())


def torn_log(place: Place) -> Outcome:
    """What was not flushed when the power went may be anything: garble it."""
    keys = [content_hash(i) for i in range(900)]
    log = place.path.with_name(place.path.name + "-wal")
    lost = 0
    with ResponseStore(place.path) as store:
        store.put({key: Response("safe") for key in keys[:300]})
        safe = log.stat().st_size
        store.put({key: Response("not told yet") for key in keys[300:]})
        end = log.stat().st_size
        for number in range(12):
            copy = Place(place.folder / f"copy{number}")
            copy.folder.mkdir()
            shutil.copy(place.path, copy.path)
            torn = log.read_bytes()[: CHANCE.randrange(safe, end)]
            start = CHANCE.randrange(safe, len(torn) + 1)
            torn = torn[:start] + CHANCE.randbytes(len(torn) - start)
            copy.path.with_name(log.name).write_bytes(torn)
            lost += len(set(keys[:300]) - copy.stored())
    return Outcome(lost, 0)


def killed_claimer(place: Place) -> Outcome:
    """The second run waits for the first, which is killed; it asks the rest."""
    with place.start(3000, pause=0.01) as first:
        assert first.stdout is not None
        safe = told(first.stdout.readline() + first.stdout.readline())
        place.ledger = place.folder / "second.txt"
        with place.start(3000) as second:
            assert second.stderr is not None
            waits = second.stderr.readline()
            time.sleep(CHANCE.uniform(0, 0.5))
            first.kill()
            safe += told(first.stdout.read())
            out, _ = second.communicate(timeout=60)
    assert "another run is asking" in waits
    assert told(out) == 3000
    paid_by_first = {content_hash(i) for i in range(safe)}
    repeated = len(place.paid().keys() & paid_by_first)
    return Outcome(3000 - len(place.stored()), repeated)


def same_requests(place: Place) -> Outcome:
    """Three runs want the same, the third only a part of it."""
    children = [
        place.start(wanted, pause=0.002) for wanted in ((0, 250), (0, 250), (100, 300))
    ]
    outs = [child.communicate(timeout=60) for child in children]
    assert [told(out) for out, _ in outs] == [250, 250, 200], outs
    return Outcome(300 - len(place.stored()), place.twice())


def other_models(place: Place) -> Outcome:
    """Two runs of two models write one store at full speed, new for both."""
    children = [
        place.start((n * 5000, n * 5000 + 5000), model=f"model {n}") for n in range(2)
    ]
    outs = [child.communicate(timeout=60) for child in children]
    assert [told(out) for out, _ in outs] == [5000, 5000], outs
    return Outcome(10_000 - len(place.stored()), place.twice())


def interrupted(place: Place) -> Outcome:
    """Ctrl-C ends a run; every answer that came before is on the disk."""
    with place.start(4000, pause=0.001) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.stdout.readline()
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
    lost = len(place.paid().keys() - place.stored())
    place.finish(4000)
    return Outcome(lost, place.twice())


def locked_store(place: Place) -> Outcome:
    """Another program holds the write lock for longer than a run waits."""
    place.finish(10)
    with closing(sqlite3.connect(place.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        child = place.start(2000, pause=0.001, busy_s=0.5)
        _, err = child.communicate(timeout=60)
        other.execute("ROLLBACK")
    lost = len(place.paid().keys() - place.stored())
    place.finish(2000)
    assert not list(place.folder.glob(UNSAVED))
    return Outcome(lost, place.twice(), err)


def file_limit(place: Place) -> Outcome:
    """The system lets no file grow beyond 17 MiB."""
    child = place.start(8000, words=500, file_limit=17 << 20)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 1
    lost = len(place.paid().keys() - place.stored())
    place.finish(8000)
    return Outcome(lost, place.twice(), err)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of that size, where this process may make one."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs"]
    if (
        mount is None
        or umount is None
        or subprocess.run(
            [mount, *options, str(folder)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("this process may not mount a file system")
    try:
        yield folder
    finally:
        subprocess.run([umount, str(folder)], check=True)


def full_disk(place: Place) -> Outcome:
    """The disk is full in the middle of a run, then grows."""
    with small_disk(place.folder / "disk", "36m") as disk:
        here = Place(disk)
        here.ledger = place.ledger
        child = here.start(8000, words=500)
        _, err = child.communicate(timeout=60)
        assert child.returncode == 1
        mount = shutil.which("mount") or ""
        grow = [mount, "-o", "remount,size=200m", str(disk)]
        subprocess.run(grow, check=True)
        lost = len(here.paid().keys() - here.stored())
        here.finish(8000, words=500)
        return Outcome(lost, here.twice(), err)


def full_at_start(place: Place) -> Outcome:
    """The disk has no room when a run begins: nothing is asked."""
    with small_disk(place.folder / "disk", "4m") as disk:
        here = Place(disk)
        here.ledger = place.ledger
        _, err = here.start(100).communicate(timeout=60)
        return Outcome(0, here.paid().total(), err)


def read_only(place: Place) -> Outcome:
    """The folder may not be written; the store in it stays as it is."""
    place.finish(10)
    before = place.path.read_bytes()
    folder, user = place.folder / "closed", os.geteuid()
    folder.mkdir()
    shutil.copy(place.path, folder)
    folder.chmod(0o555)
    for part in (folder, *folder.parents[:-2]):
        if not user and part.stat().st_uid == 0 and not part.stat().st_mode & 0o5:
            part.chmod(part.stat().st_mode | 0o055)  # pytest's folders are private
    try:
        if user == 0:
            os.seteuid(65534)  # nobody: root may write everywhere
        with pytest.raises(RunError) as raised, ResponseStore(folder / "x.sqlite"):
            pass
        with pytest.raises(RunError), ResponseStore(folder / place.path.name) as store:
            store.put({content_hash(99): Response("x")})
    finally:
        os.seteuid(user)
        folder.chmod(0o755)
    same = (folder / place.path.name).read_bytes() == before
    return Outcome(0 if same else 10, 0, str(raised.value))


def refused(content: Callable[[Place], None]) -> Callable[[Place], Outcome]:
    """A file that is no store, or a damaged one, is refused and left as it is."""

    def fault(place: Place) -> Outcome:
        content(place)
        before = place.path.read_bytes()
        _, err = place.start(10).communicate(timeout=60)
        same = place.path.read_bytes() == before
        return Outcome(0 if same else 1, place.paid().total(), err)

    return fault


def garbage(place: Place) -> None:
    place.path.write_bytes(b"this is no database" * 1000)


def newer(place: Place) -> None:
    place.finish(10)
    place.ledger.unlink()
    with closing(sqlite3.connect(place.path)) as db:
        db.execute("PRAGMA user_version=99")


def cut(place: Place) -> None:
    place.finish(3000)
    place.ledger.unlink()
    content = place.path.read_bytes()
    place.path.write_bytes(content[: len(content) // 2])


def killed_upgrade(place: Place) -> Outcome:
    """Kill the upgrade of a store of version 1 at random moments."""
    lost = 0
    code = "import sys; from pathlib import Path; from unibench.backends.store import"
    code += " ResponseStore; print(1, flush=True); ResponseStore(Path(sys.argv[1]))"
    for number in range(4):
        here = Place(place.folder / str(number))
        here.folder.mkdir()
        write_version_1(here.path)
        with subprocess.Popen(
            [sys.executable, "-c", code, str(here.path)],
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(CHANCE.uniform(0, 0.06))
            child.kill()
        assert version_of(here.path) in {1, 2}
        lost += len(OLD.keys() - here.stored())
    return Outcome(lost, 0)


def killed_import(place: Place) -> Outcome:
    """Kill an import at a random moment, and import again."""
    keys = [content_hash(i) for i in range(20_000)]
    file = place.folder / "x.jsonl"
    write_lines(file, (AnswerLine(key, 1.0, Response("a")) for key in keys))
    code = "import sys; from unibench.cli import main; main(sys.argv[1:])"
    environment = os.environ | {"UNIBENCH_CACHE": str(place.folder)}
    with subprocess.Popen(
        [sys.executable, "-c", code, "store", "import", str(file)],
        cwd=REPOSITORY,
        env=environment,
    ) as child:
        while not place.path.exists() and child.poll() is None:
            time.sleep(0.01)
        time.sleep(CHANCE.uniform(0.05, 0.3))
        child.kill()
    with ResponseStore(place.path) as store:
        counts = import_answers(store, [file])
    assert counts.added + counts.same == 20_000
    return Outcome(len(set(keys) - place.stored()), counts.conflicts_kept)


FAULTS: dict[str, tuple[Callable[[Place], Outcome], str]] = {
    "kill -9 of a writing run": (killed_writer, ""),
    "kill -9 of a run on a slow disk": (killed_before_flush, ""),
    "power cut": (torn_log, ""),
    "kill -9 of the run that another waits for": (killed_claimer, ""),
    "two runs at once, the same requests": (same_requests, ""),
    "two runs at once, other models": (other_models, ""),
    "Ctrl-C": (interrupted, ""),
    "full disk in a run": (
        full_disk,
        r"^Error: .*the disk is full: free some space.*lie in .*unsaved-",
    ),
    "full disk before a run": (full_at_start, "^Error: .*the disk is full"),
    "a limit on the size of files": (file_limit, r"^Error: .*lie in .*unsaved-"),
    "read-only folder": (read_only, "folder may not be written"),
    "another program holds the lock": (
        locked_store,
        r"^Error: .*another process is writing to it.*lie in .*unsaved-",
    ),
    "a file that is no store": (refused(garbage), "^Error: .*not a database"),
    "half of a store": (refused(cut), "^Error: .*(damaged|malformed)"),
    "a store of a newer version": (refused(newer), "^Error: .*newer unibench"),
    "kill -9 of the upgrade from version 1": (killed_upgrade, ""),
    "kill -9 of an import": (killed_import, ""),
}


@pytest.mark.parametrize("name", FAULTS)
def test_nothing_is_lost_and_nothing_is_paid_twice(name: str, tmp_path: Path) -> None:
    fault, said = FAULTS[name]
    outcome = fault(Place(tmp_path))
    assert (outcome.lost, outcome.repeated) == (0, 0), outcome
    assert re.search(said, outcome.said), outcome.said
    assert "Traceback" not in outcome.said


def test_the_page_shows_this_matrix() -> None:
    text = (REPOSITORY / "docs" / "store.md").read_text("utf-8")
    section = text.partition("## Faults")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)
    assert rows[1:] == list(FAULTS)  # below the header
