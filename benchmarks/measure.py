"""Run commands in turn, take their times, write ratios with date and hardware."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = Path(os.environ.get("UNIBENCH_BENCH_RESULTS", HERE / "results"))
PEERS = Path(os.environ.get("UNIBENCH_PEERS", HERE.parent / ".venv-peers"))


def peer(program: str) -> str | None:
    """Return the path of a peer's program, None where peers are not installed."""
    path = PEERS / "bin" / program
    return str(path) if path.exists() else None


def ours(program: str) -> str:
    """Return the path of a program of the environment that runs the benchmark."""
    return str(Path(sys.executable).with_name(program))


def time_in_turn(
    commands: Mapping[str, Sequence[str]], runs: int = 8
) -> dict[str, dict[str, float]]:
    """Time whole processes, A B C A B C ..., after one uncounted round.

    Returns seconds of wall clock (least, median) and peak memory in MiB a command.
    """
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    memory: dict[str, float] = dict.fromkeys(commands, 0.0)
    for turn in range(runs + 1):
        for name, command in commands.items():
            elapsed, peak = _run(command)
            if turn:
                seconds[name].append(elapsed)
                memory[name] = max(memory[name], peak)
    return {
        name: {
            "least_s": round(min(values), 4),
            "median_s": round(statistics.median(values), 4),
            "peak_mib": round(memory[name], 1),
        }
        for name, values in seconds.items()
    }


def _run(command: Sequence[str]) -> tuple[float, float]:
    """Seconds and peak MiB of one run; the child's own usage, not its siblings'."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=-1) as process:
        assert process.stderr is not None  # noqa: S101
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    elapsed = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{command} failed:\n{errors.decode()}")
    return elapsed, usage.ru_maxrss / 1024


def write_result(name: str, result: Mapping[str, Any]) -> None:
    """Print a result and write it to results/NAME.json with date and hardware."""
    full = {
        "benchmark": name,
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": f"{_processor()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        **result,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(full, indent=2)
    (RESULTS / f"{name}.json").write_text(text + "\n", "utf-8")
    print(text)


def peak_mib() -> float:
    """Return this process's peak memory in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
