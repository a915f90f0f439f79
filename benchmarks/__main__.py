"""Run every measurement, or those that are named: python -m benchmarks start_up."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

NAMES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("*.py")
    if path.stem not in {"__init__", "__main__", "measure"}
)


def main() -> None:
    """Import each module and call its `main`."""
    for name in sys.argv[1:] or NAMES:
        if name not in NAMES:
            sys.exit(f"no benchmark is called {name!r}; there are {', '.join(NAMES)}")
        print(f"== {name}", file=sys.stderr)
        importlib.import_module(f"benchmarks.{name}").main()


main()
