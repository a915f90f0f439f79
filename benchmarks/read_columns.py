"""Reading a CoNLL file: our `columns` format beside `datasets` and flair.

Each reader runs in a process of its own on the same synthetic file of four columns
(IOB2, 40,000 sentences) and counts sentences and mentions; the counts must agree.
Seconds are of reading alone, after imports.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import peer, write_result

SENTENCES = 40_000
ROUNDS = 3

OURS = """
import json, sys, time
from pathlib import Path
from unibench.data.formats.base import RawFile
from unibench.data.formats.columns import Columns
from benchmarks.measure import peak_mib
path = Path(sys.argv[1])
started = time.perf_counter()
format = Columns(Columns.Options(separator=" "))
passages = list(format.read([RawFile(path.name, lambda: path.open("rb"))]))
seconds = time.perf_counter() - started
mentions = sum(len(p.mentions) for p in passages)
print(json.dumps([seconds, len(passages), mentions, peak_mib()]))
"""
DATASETS = """
import json, sys, time, tempfile
import datasets
from benchmarks.measure import peak_mib
datasets.disable_progress_bars()
started = time.perf_counter()
with tempfile.TemporaryDirectory() as cache:
    rows = datasets.load_dataset(
        "conll", data_files=sys.argv[1], split="train", cache_dir=cache,
        column_names=["tokens", "pos", "chunk", "ner"])
    mentions = sum(t.startswith("B-") for tags in rows["ner"] for t in tags)
    seconds = time.perf_counter() - started
    print(json.dumps([seconds, len(rows), mentions, peak_mib()]))
"""
FLAIR = """
import json, logging, sys, time
from pathlib import Path
import flair
from flair.datasets import ColumnDataset
from benchmarks.measure import peak_mib
logging.disable(logging.CRITICAL)
started = time.perf_counter()
rows = ColumnDataset(Path(sys.argv[1]), {0: "text", 3: "ner"}, in_memory=True)
mentions = sum(len(s.get_spans("ner")) for s in rows)
seconds = time.perf_counter() - started
print(json.dumps([seconds, len(rows), mentions, peak_mib()]))
"""


def write_file(path: Path) -> None:
    """Write the synthetic file: made-up words, three types, seeded."""
    draw = random.Random(13)  # noqa: S311
    words = [f"w{draw.randrange(10**6)}" for _ in range(20_000)]
    with path.open("w", encoding="utf-8") as file:
        for _ in range(SENTENCES):
            previous = "O"
            for _ in range(draw.randint(5, 30)):
                kind = draw.choice(("O", "O", "O", "B-PER", "B-ORG", "B-LOC", "I"))
                if kind == "I":
                    kind = "O" if previous == "O" else f"I-{previous[2:]}"
                file.write(f"{draw.choice(words)} NN B-NP {kind}\n")
                previous = kind
            file.write("\n")


def read_once(python: str, code: str, path: Path) -> list[float]:
    """Run one reader in a process of its own; return what it printed."""
    run = subprocess.run(
        [python, "-W", "ignore", "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parent.parent), "HOME": str(path.parent)},
    )
    if run.returncode:
        raise SystemExit(run.stderr)
    values: list[float] = json.loads(run.stdout.splitlines()[-1])
    return values


def main() -> None:
    """Read in turn, check that the counts agree, write seconds and ratios."""
    readers = {
        "unibench": (sys.executable, OURS),
        "datasets": (sys.executable, DATASETS),
    }
    if python := peer("python"):
        readers["flair"] = (python, FLAIR)
    found: dict[str, list[list[float]]] = {name: [] for name in readers}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "synthetic.conll"
        write_file(path)
        size = path.stat().st_size
        for _ in range(ROUNDS):
            for name, (python, code) in readers.items():
                found[name].append(read_once(python, code, path))
    counts = {name: [int(n) for n in runs[0][1:3]] for name, runs in found.items()}
    if len({tuple(count) for count in counts.values()}) != 1:
        raise SystemExit(f"the readers disagree: {counts}")
    seconds = {name: min(run[0] for run in runs) for name, runs in found.items()}
    write_result(
        "read_columns",
        {
            "file_mb": round(size / 1e6, 1),
            "sentences_and_mentions": counts["unibench"],
            "seconds": {name: round(value, 3) for name, value in seconds.items()},
            "peak_mib": {
                name: round(max(run[3] for run in runs)) for name, runs in found.items()
            },
            "times_ours": {
                name: round(value / seconds["unibench"], 2)
                for name, value in seconds.items()
                if name != "unibench"
            },
        },
    )
