"""The response store: two million answers, and commits beside two peers' caches.

A store of 2,000,000 answers is written through the writer that runs use, then opened,
looked up, resumed, exported and imported, each in a process of its own. Then 100,000
answers are written and read again by it and by two caches on SQLite: `diskcache`, and
`sqlitedict` as lm_eval's `--use_cache` opens it. `flushed` says whether an answer is
on the disk (fsync) before it counts as stored. `UNIBENCH_BENCH_SCALE=0.02` makes
everything smaller by that factor; the scale is part of the result.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import peer, write_result

ANSWERS = 2_000_000
LOOKED_UP = 200_000
PEER_ANSWERS = 100_000
ONE_BY_ONE = 5_000
TURNS = 3
ROOT = Path(__file__).parent.parent

COMMON = """
import hashlib, json, os, sys, time
from pathlib import Path
path, count, start = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
def key(n):
    return hashlib.sha256(str(n).encode()).hexdigest()
def text(n):
    return "[]" if n % 7 else '["Ilse Brandt %d", "Port of Rotterdam"]' % n
clock = time.perf_counter
def say(**found):
    print(json.dumps(found))
"""
OURS = (
    COMMON
    + """
from benchmarks.measure import peak_mib
from unibench.backends.asking import ask_missing
from unibench.backends.store import ResponseStore
from unibench.backends import store_care, store_transfer
from unibench.schema.query import Response
def answer(n):
    return Response(text(n), "stop", 400 + n % 99, 3, 0.01 * (n % 77), "bench/model")
began = clock()
store = ResponseStore(path)
opened = clock() - began
before = peak_mib()
"""
)
PARTS = {
    "write": """
with store.writer() as writer:
    for n in range(start, start + count):
        writer.put(key(n), answer(n))
say(seconds=clock() - began)
""",
    "write one by one": """
for n in range(start, start + count):
    store.put({key(n): answer(n)})
say(seconds=clock() - began)
""",
    "look up": """
keys = [key(n) for n in range(start, start + count)]
before, began = peak_mib(), clock()
found = store.get(keys)
say(seconds=clock() - began, found=len(found), open=opened, mib=peak_mib() - before)
""",
    "resume": """
keys = [key(n) for n in range(start, start + count)]
def respond(positions):
    for at, position in enumerate(positions):
        yield at, answer(start + position)
before, began = peak_mib(), clock()
usage = ask_missing(keys, respond, store, lambda count: None, model="m").usage
say(seconds=clock() - began, asked=usage.requests, mib=peak_mib() - before)
""",
    "show": """
began = clock()
found = store_care.holdings(store)
say(seconds=clock() - began, answers=found.all.answers, bytes=found.file_bytes)
""",
    "export": """
file = path.with_name("answers.jsonl.zst")
began = clock()
count = store_transfer.export_answers(store, file)
say(seconds=clock() - began, answers=count, bytes=file.stat().st_size,
    mib=peak_mib() - before)
""",
    "import": """
began = clock()
file = path.with_name("answers.jsonl.zst")
file = file if file.exists() else path.parent.parent / "answers.jsonl.zst"
counts = store_transfer.import_answers(store, [file])
say(seconds=clock() - began, answers=counts.added, mib=peak_mib() - before)
""",
}
DISKCACHE = (
    COMMON
    + """
import diskcache
began = clock()
cache = diskcache.Cache(str(path), sqlite_synchronous=SYNC, eviction_policy="none")
for n in range(start, start + count):
    cache[key(n)] = text(n)
cache.close()
written = clock() - began
cache = diskcache.Cache(str(path))
began = clock()
found = sum(key(n) in cache and len(cache[key(n)]) > 0
            for n in range(start, start + count))
say(write=written, read=clock() - began, found=found)
"""
)
SQLITEDICT = (
    COMMON
    + """
from sqlitedict import SqliteDict
began = clock()
with SqliteDict(str(path), autocommit=True) as cache:
    for n in range(start, start + count):
        cache[key(n)] = text(n)
written = clock() - began
with SqliteDict(str(path), autocommit=True) as cache:
    began = clock()
    found = sum(key(n) in cache and len(cache[key(n)]) > 0
                for n in range(start, start + count))
    say(write=written, read=clock() - began, found=found)
"""
)
# name: what needs to be installed, program, whether each answer is flushed
PEERS = {
    "diskcache, flushed": ("diskcache", DISKCACHE.replace("SYNC", "2"), True),
    "diskcache, as it comes": ("diskcache", DISKCACHE.replace("SYNC", "1"), False),
    "sqlitedict, as lm_eval opens it": ("sqlitedict", SQLITEDICT, False),
}


def main() -> None:
    """Measure the large store, then ours beside its peers, and write ratios."""
    scale = float(os.environ.get("UNIBENCH_BENCH_SCALE", "1"))
    with tempfile.TemporaryDirectory(dir=os.environ.get("UNIBENCH_BENCH_DIR")) as name:
        folder = Path(name)
        large = measure_large(folder, max(1000, round(ANSWERS * scale)), scale)
        beside = measure_peers(folder, max(1000, round(PEER_ANSWERS * scale)))
    write_result(
        "store", {"scale": scale, "large_store": large, "beside_peers": beside}
    )


def measure_large(folder: Path, answers: int, scale: float) -> dict[str, Any]:
    """Fill one store, then open, look up, resume, show, export and import it."""
    path = folder / "large" / "responses.sqlite"
    some = max(200, round(LOOKED_UP * scale))
    written = ours("write", path, answers, 0)
    looked_up = ours("look up", path, some, answers // 2)
    absent = ours("look up", path, some, 10 * answers)
    resumed = ours("resume", path, some, answers - some * 99 // 100)
    shown = ours("show", path, 0, 0)
    exported = ours("export", path, 0, 0)
    other = folder / "large" / "other" / "responses.sqlite"
    imported = ours("import", other, 0, 0)
    return {
        "answers": answers,
        "written_per_second_flushed": round(answers / written["seconds"]),
        "bytes_per_answer": round(shown["bytes"] / shown["answers"], 1),
        "open_ms": round(1000 * looked_up["open"], 1),
        "look_up": some,
        "look_up_s": rounded(looked_up["seconds"]),
        "look_up_mib": round(looked_up["mib"]),
        "look_up_absent_s": rounded(absent["seconds"]),
        "resume_with_1_percent_missing_s": rounded(resumed["seconds"]),
        "resume_asked": resumed["asked"],
        "resume_mib": round(resumed["mib"]),
        "show_s": rounded(shown["seconds"]),
        "export_per_second": round(exported["answers"] / exported["seconds"]),
        "export_bytes_per_answer": round(exported["bytes"] / exported["answers"], 1),
        "export_mib": round(exported["mib"]),
        "import_per_second": round(imported["answers"] / imported["seconds"]),
        "import_mib": round(imported["mib"]),
    }


def measure_peers(folder: Path, answers: int) -> dict[str, Any]:
    """Write and read the same answers with each cache in turn; keep the best turn."""
    rows: dict[str, dict[str, Any]] = {}
    few = min(answers, ONE_BY_ONE)
    for turn in range(TURNS):
        place = folder / str(turn)
        best = best_of(rows, "unibench, as runs write", flushed=True)
        best("write", answers / ours("write", place / "a" / "s", answers, 0)["seconds"])
        read = ours("look up", place / "a" / "s", answers, 0)
        best("read", read["found"] / read["seconds"])
        best = best_of(rows, "unibench, one by one", flushed=True)
        alone = ours("write one by one", place / "b" / "s", few, 0)
        best("write", few / alone["seconds"])
        for number, (name, (package, code, flushed)) in enumerate(PEERS.items()):
            if (python := peer_with(package)) is None:
                continue
            found = once([python, "-c", code], place / f"peer{number}", answers, 0)
            best = best_of(rows, name, flushed=flushed)
            best("write", answers / found["write"])
            best("read", found["found"] / found["read"])
    mine = rows["unibench, as runs write"]
    for name, row in rows.items():
        if not name.startswith("unibench"):
            row["write_ratio"] = round(
                mine["write_per_second"] / row["write_per_second"], 1
            )
            row["read_ratio"] = round(
                mine["read_per_second"] / row["read_per_second"], 1
            )
    return {"answers": answers, "turns": TURNS, "rows": rows}


def best_of(rows: dict[str, dict[str, Any]], name: str, *, flushed: bool) -> Any:
    """Return a function that keeps the highest rate of a kind in the row `name`."""
    row = rows.setdefault(name, {"flushed": flushed})

    def keep(kind: str, rate: float) -> None:
        field = f"{kind}_per_second"
        row[field] = max(row.get(field, 0), round(rate))

    return keep


def peer_with(package: str) -> str | None:
    """Return the peers' Python if it has `package`."""
    python = peer("python")
    if python is None:
        return None
    check = [python, "-c", f"import {package}"]
    tried = subprocess.run(check, capture_output=True, check=False)
    return None if tried.returncode else python


def ours(part: str, path: Path, count: int, start: int) -> dict[str, float]:
    """Run one part of the measurement on a store, in a process of its own."""
    return once([sys.executable, "-c", OURS + PARTS[part]], path, count, start)


def once(command: list[str], path: Path, count: int, start: int) -> dict[str, float]:
    """Run a program on `count` answers and return what it printed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    run = subprocess.run(
        [*command, str(path), str(count), str(start)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if run.returncode:
        raise SystemExit(run.stderr)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def rounded(seconds: float) -> float:
    """Return seconds as they are shown."""
    return round(seconds, 3)
