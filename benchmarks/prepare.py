"""Preparing datasets from cold, a set of PolyglotNER's size, and opening it again.

The real files are those of UNIBENCH_REAL_DATA (default: ../shared/data/raw); without
them only the synthetic set is measured. Each step is a process of its own. How our
reader of columns stands beside those of `datasets` and flair: `read_columns`.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import ours, write_result
from benchmarks.read_columns import write_file

COPIES = 10  # of the 40,000 sentences that `write_file` writes
CARD = """
title: Synthetic
domain: General
license: CC0-1.0
homepage: https://example.org
citation: made by a benchmark
sources: [{title: beside the card, path: raw}]
format: {name: columns, separator: " "}
splits: {test: test.txt}
"""
REOPEN = "import unibench; print(len(unibench.load_dataset('synthetic')))"


def step(command: list[str], folder: Path) -> dict[str, float]:
    """Run one process with its cache in `folder`; seconds and peak MiB."""
    environment = os.environ | {
        "UNIBENCH_CACHE": str(folder / "cache"),
        "UNIBENCH_PATH": str(folder / "shelf"),
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    started = time.perf_counter()
    run = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if run.returncode:
        raise SystemExit(f"{command} failed:\n{run.stderr}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    known = peak if peak > before else before  # of all children so far
    return {"seconds": round(seconds, 1), "peak_mib_so_far": round(known / 1024)}


def shelf(folder: Path) -> int:
    """Write the synthetic dataset; return its bytes."""
    raw = folder / "shelf" / "dataset_cards" / "raw"
    raw.mkdir(parents=True)
    (folder / "shelf" / "label_maps").mkdir()
    (folder / "shelf" / "dataset_cards" / "synthetic.yaml").write_text(CARD, "utf-8")
    (folder / "shelf" / "label_maps" / "synthetic.yaml").write_text(
        "labels: {PER: person, ORG: organization, LOC: location}\n", "utf-8"
    )
    write_file(raw / "one.txt")
    content = (raw / "one.txt").read_bytes()
    (raw / "one.txt").unlink()
    with (raw / "test.txt").open("wb") as file:
        for _ in range(COPIES):
            file.write(content)
    return COPIES * len(content)


def main() -> None:
    """Measure and write the result."""
    unibench = ours("unibench")
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result["synthetic_mb"] = round(shelf(folder) / 1e6, 1)
        result["synthetic_sentences"] = COPIES * 40_000
        result["prepare_synthetic"] = step(
            [unibench, "data", "prepare", "synthetic"], folder
        )
        result["reopen_synthetic"] = step([sys.executable, "-c", REOPEN], folder)
    real = Path(os.environ.get("UNIBENCH_REAL_DATA", "../shared/data/raw"))
    if real.is_dir():
        size = sum(path.stat().st_size for path in real.rglob("*") if path.is_file())
        result["real_mb_as_stored"] = round(size / 1e6, 1)
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / "shelf").mkdir()
            result["prepare_all_real"] = step(
                [unibench, "data", "prepare", "--from", str(real)], Path(name)
            )
    write_result("prepare", result)
