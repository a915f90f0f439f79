"""Start-up: `unibench --help` beside `import click`, `llm --help`, `lm_eval --help`."""

from __future__ import annotations

import sys

from benchmarks.measure import ours, peer, time_in_turn, write_result


def main() -> None:
    """Time whole processes in turn; ratios are of the least times."""
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import click": [sys.executable, "-c", "import click"],
        "unibench --help": [ours("unibench"), "--help"],
    }
    for name, program in (("llm --help", "llm"), ("lm_eval --help", "lm_eval")):
        if path := peer(program):
            commands[name] = [path, "--help"]
    times = time_in_turn(commands)
    base = times["unibench --help"]["least_s"]
    ratios = {
        name: round(values["least_s"] / base, 2)
        for name, values in times.items()
        if name != "unibench --help"
    }
    write_result("start_up", {"times": times, "times_ours": ratios})
