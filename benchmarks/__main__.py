"""Run every measurement, or those that are named: python -m benchmarks start_up.

`--scale 0.02` makes those smaller that have a size; `--results DIR` writes elsewhere
than over the committed results.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

NAMES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("*.py")
    if path.stem not in {"__init__", "__main__", "measure"}
)


def main() -> None:
    """Import each module and call its `main`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--scale", type=float, help="1 is the full size, the default")
    parser.add_argument("--results", help="folder for the results")
    chosen = parser.parse_args()
    if chosen.scale is not None:
        os.environ["UNIBENCH_BENCH_SCALE"] = str(chosen.scale)
    if chosen.results is not None:
        os.environ["UNIBENCH_BENCH_RESULTS"] = chosen.results
    sys.argv[1:] = chosen.names
    for name in chosen.names or NAMES:
        if name not in NAMES:
            sys.exit(f"no benchmark is called {name!r}; there are {', '.join(NAMES)}")
        print(f"== {name}", file=sys.stderr)
        importlib.import_module(f"benchmarks.{name}").main()


main()
