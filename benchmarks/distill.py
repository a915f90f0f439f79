"""Distillation: streaming, duplicates, answers read, negatives, a teacher over HTTP.

The stream is a generated file of JSON lines. Three readers sample 50,000 passages of
it, each in a process of its own: ours, ours counting every passage, and the same loop
written with `datasets` in streaming mode and the same cutting of passages. The rest
is timed in this process. `--scale 0.02` (or UNIBENCH_BENCH_SCALE) makes everything
smaller by that factor; the scale is part of the result. The full size (a stream of
2 GB, 50,000 passages and answers) takes about 20 minutes on two cores, and 3 GB of
room in TMPDIR.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measure import peak_mib, peer, write_result

STREAM_MB = 2000
PASSAGES = 50_000
TYPES = 13_000
NEGATIVES = 10
ROOT = Path(__file__).parent.parent

OURS = """
import json, sys, time
from pathlib import Path
from unibench.distill.corpus.documents import parts_of
from unibench.distill.corpus.stream import PassageStream, State
from unibench.distill.work import Progress
from unibench.schema.distillation import CorpusSource, PassageRecipe
from benchmarks.measure import peak_mib
path, size, skip = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "skip"
corpus = (CorpusSource(name="c", files=(path.name,)),)
recipe = PassageRecipe(corpus=corpus, tokenizer="words", sample=size, reserve=0,
                       test_overlap=None, skip_unsampled=skip)
started = time.perf_counter()
parts = parts_of(corpus, path.parent)
state = State(settings={}, parts=[])
stream = PassageStream(recipe, parts, state, seed=0, overlap=None)
stream.read(Progress(), lambda: None, 1e9)
seconds = time.perf_counter() - started
counts = stream.counts
print(json.dumps([seconds, counts["documents"], counts["passages_cut"], peak_mib()]))
"""
DATASETS = """
import json, random, sys, time
import datasets
from unibench.distill.corpus.chunks import cut_all
from unibench.distill.corpus.tokens import Words
from benchmarks.measure import peak_mib
path, size = sys.argv[1], int(sys.argv[2])
started = time.perf_counter()
rows = datasets.load_dataset("json", data_files=path, split="train", streaming=True)
draw, kept, seen, documents, words = random.Random(0), [], 0, 0, Words()
for row in rows:
    documents += 1
    text = row["text"]
    for chunk in cut_all([text], 256, words)[0]:
        seen += 1
        if len(kept) < size:
            kept.append(text[chunk.start:chunk.end])
        elif (at := draw.randrange(seen)) < size:
            kept[at] = text[chunk.start:chunk.end]
seconds = time.perf_counter() - started
print(json.dumps([seconds, documents, seen, peak_mib()]))
"""
DATASKETCH = """
import json, re, sys, time
from datasketch import MinHash, MinHashLSH
texts = json.load(open(sys.argv[1]))
started = time.perf_counter()
index, kept = MinHashLSH(threshold=0.8, num_perm=128), 0
for number, text in enumerate(texts):
    words = re.findall(r"\\w+", text.casefold())
    grams = {" ".join(words[i:i + 5]).encode() for i in range(len(words) - 4)}
    sketch = MinHash(num_perm=128)
    sketch.update_batch(list(grams))
    if not index.query(sketch):
        index.insert(number, sketch)
        kept += 1
print(json.dumps([time.perf_counter() - started, kept]))
"""


def main() -> None:
    """Measure everything and write ratios."""
    scale = float(os.environ.get("UNIBENCH_BENCH_SCALE", "1"))
    passages = max(200, round(PASSAGES * scale))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["UNIBENCH_CACHE"] = str(folder / "cache")
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "stream": lambda: measure_stream(
                folder, round(STREAM_MB * scale), passages
            ),
            "duplicates": lambda: measure_duplicates(folder, passages),
            "pipeline": lambda: measure_pipeline(folder, passages),
            "negatives": lambda: measure_negatives(passages),
        }
        result: dict[str, Any] = {"scale": scale}
        for part, measure in parts.items():
            with timed() as spent:
                result[part] = measure()
            print(f"{part}: {spent():.0f} s", file=sys.stderr)
        result["peak_mib_of_this_process"] = round(peak_mib())
    write_result("distill", result)


def vocabulary() -> list[str]:
    """Return 20,000 made-up words, every tenth with a capital."""
    draw = random.Random(5)  # noqa: S311
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [
        "".join(draw.choices(letters, k=draw.randint(2, 9))) for _ in range(20_000)
    ]
    return [w.capitalize() if n % 10 == 0 else w for n, w in enumerate(words)]


def texts(megabytes: float) -> Iterator[str]:
    """Yield documents of 1 to 60 sentences, so many megabytes in all."""
    draw, words, made = random.Random(6), vocabulary(), 0.0  # noqa: S311
    while made < megabytes * 1e6:
        sentences = (
            " ".join(draw.choices(words, k=draw.randint(5, 30))).capitalize() + "."
            for _ in range(draw.randint(1, 60))
        )
        text = " ".join(sentences)
        made += len(text)
        yield text


def measure_stream(folder: Path, megabytes: int, size: int) -> dict[str, Any]:
    """Sample the generated stream with each reader; the passages seen must agree."""
    path = folder / "stream.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for text in texts(max(megabytes, 10)):
            file.write(json.dumps({"text": text}) + "\n")
    readers = {
        "unibench": (OURS, "skip"),
        "unibench, every passage counted": (OURS, "all"),
        "datasets": (DATASETS, "all"),
    }
    found = {
        name: run_once(sys.executable, code, folder, str(path), str(size), mode)
        for name, (code, mode) in readers.items()
    }
    seen = {int(found[name][2]) for name in list(readers)[1:]}
    if len(seen) != 1:
        raise SystemExit(f"the readers cut other passages: {found}")
    base = found["unibench"][0]
    bytes_read = path.stat().st_size
    path.unlink()  # the rest needs the room
    return {
        "file_mb": round(bytes_read / 1e6),
        "documents": int(found["datasets"][1]),
        "passages": seen.pop(),
        "sample": size,
        "seconds": {name: round(run[0], 2) for name, run in found.items()},
        "mb_per_second": {
            name: round(bytes_read / 1e6 / run[0], 1) for name, run in found.items()
        },
        "peak_mib": {name: round(run[3]) for name, run in found.items()},
        "times_ours": {
            name: round(run[0] / base, 2)
            for name, run in found.items()
            if name != "unibench"
        },
    }


def run_once(python: str, code: str, home: Path, *arguments: str) -> list[float]:
    """Run one reader in a process of its own; return what it printed."""
    run = subprocess.run(
        [python, "-W", "ignore", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT), "HOME": str(home)},
    )
    if run.returncode:
        raise SystemExit(run.stderr)
    values: list[float] = json.loads(run.stdout.splitlines()[-1])
    return values


def measure_duplicates(folder: Path, size: int) -> dict[str, Any]:
    """Find near duplicates among passages a tenth of which repeat an earlier one."""
    from unibench.distill.corpus.duplicates import DuplicateFilter
    from unibench.schema.distillation import Duplicates

    made = passages_with_copies(size)
    with timed() as ours:
        seen = DuplicateFilter(Duplicates(near=0.8))
        verdicts = Counter(seen.check(text) for text in made)
    result: dict[str, Any] = {
        "passages": size,
        "found": {kind: n for kind, n in sorted(verdicts.items()) if kind},
        "seconds": {"unibench": round(ours(), 2)},
    }
    python = peer("python")
    check = [python or "", "-c", "import datasketch"]
    if (
        python
        and not subprocess.run(check, capture_output=True, check=False).returncode
    ):
        path = folder / "passages.json"
        path.write_text(json.dumps(made), "utf-8")
        seconds, kept = run_once(python, DATASKETCH, folder, str(path))
        result["seconds"]["datasketch"] = round(seconds, 2)
        result["kept_by_datasketch"] = kept
        result["times_ours"] = {"datasketch": round(seconds / ours(), 2)}
    return result


def passages_with_copies(size: int) -> list[str]:
    """Return passages of 180 words; 1 in 20 repeats one, 1 in 20 changes a word."""
    draw, words = random.Random(8), vocabulary()  # noqa: S311
    made: list[str] = []
    for number in range(size):
        chosen = draw.choices(words, k=180)
        if made and number % 20 < 2:
            chosen = draw.choice(made).split()
            if number % 20:
                chosen[draw.randrange(len(chosen))] = "changed"
        made.append(" ".join(chosen))
    return made


def measure_pipeline(folder: Path, size: int) -> dict[str, Any]:
    """Run all stages on a corpus of its own, the teacher a stub on loopback."""
    from tests.distill.stub_teacher import stub_teacher
    from unibench.distill.recipes import load_job, run_stage
    from unibench.distill.work import STAGES, Progress

    recipe = write_recipe(folder / "pipeline", size)
    seconds: dict[str, float] = {}
    counts: dict[str, Any] = {}
    with stub_teacher(error_share=0.1) as teacher:
        job = load_job(str(recipe), folder / "work", base_urls=[teacher.url])
        for stage in STAGES:
            with timed() as spent:
                counts[stage] = run_stage(stage, job, Progress()).counts
            seconds[stage] = round(spent(), 2)
        with timed() as spent:
            for stage in STAGES:
                run_stage(stage, job, Progress())
        asked = len(teacher.requests)
    return {
        "passages": counts["passages"]["sampled"],
        "requests": asked,
        "kept_answers": counts["filter"]["kept"],
        "rejected": counts["filter"]["rejected"],
        "entities": counts["filter"]["entities"],
        "types": counts["stats"]["types"],
        "queries": counts["conversations"]["positive_queries"]
        + counts["conversations"]["negative_queries"],
        "seconds": seconds | {"all again, as no-op": round(spent(), 2)},
        "answers_read_per_second": round(asked / seconds["filter"]),
        "answers_asked_per_second": round(asked / seconds["label"]),
    }


def write_recipe(folder: Path, size: int) -> Path:
    """Write a corpus of one-passage documents, a teacher's card and a recipe."""
    folder.mkdir()
    draw, words = random.Random(9), vocabulary()  # noqa: S311
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as file:
        for _ in range(round(size * 1.02)):
            text = " ".join(draw.choices(words, k=draw.randint(40, 200))) + "."
            file.write(json.dumps({"text": text}) + "\n")
    card = {
        "adapter": "json_types",
        "checkpoint": {"id": "stub/teacher", "revision": "1"},
        "backend": {"name": "openai", "base_url": "http://127.0.0.1:9/v1"},
    }
    (folder / "teacher.yaml").write_text(yaml.safe_dump(card), "utf-8")
    recipe = {
        "kind": "distillation",
        "title": "A benchmark",
        "passages": {
            "corpus": [{"name": "c", "files": ["corpus.jsonl"]}],
            "tokenizer": "words",
            "sample": size,
            "test_overlap": None,
        },
        "teacher": {"model": "teacher.yaml"},
        "conversations": {"negatives": {"count": NEGATIVES}},
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), "utf-8")
    return folder / "recipe.yaml"


def measure_negatives(conversations: int) -> dict[str, Any]:
    """Draw 10 negatives a conversation over 13,000 types with a heavy tail."""
    from unibench.distill.mixing.negatives import NegativeSampler
    from unibench.schema.distillation import Negatives

    counts = {f"type {n}": max(1, 40_000 // n) for n in range(1, TYPES + 1)}
    sampler = NegativeSampler(counts, Negatives(count=NEGATIVES))
    present = {f"type {n}" for n in (1, 2, 3, 40, 500)}
    with timed() as spent:
        drawn = sum(len(sampler.draw(present, str(n))) for n in range(conversations))
    return {
        "types": TYPES,
        "conversations": conversations,
        "drawn": drawn,
        "seconds": round(spent(), 2),
        "drawn_per_second": round(drawn / spent()),
    }


@contextmanager
def timed() -> Iterator[Callable[[], float]]:
    """Give a function that returns the seconds that the block took."""
    started = time.perf_counter()
    ended: list[float] = []
    try:
        yield lambda: ended[0]
    finally:
        ended.append(time.perf_counter() - started)
