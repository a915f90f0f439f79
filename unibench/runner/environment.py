"""Where a run was made: command, Python, hardware, packages."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from unibench.schema.record import Environment

_PACKAGES = (
    "unibench", "torch", "transformers", "tokenizers", "accelerate", "openai",
    "datasets", "huggingface-hub", "pyarrow", "numpy", "ray", "spacy", "gliner", "vllm",
)  # fmt: skip


def environment() -> Environment:
    """Return what can be known of this process and machine, without slow probes."""
    return Environment(
        command=this_command(),
        python=platform.python_version(),
        platform=platform.platform(),
        hardware=hardware(),
        packages=_versions(),
    )


def this_command() -> str:
    """Return the command that runs, as it can be typed again."""
    name = Path(sys.argv[0]).name
    program = ["python", "-m", "unibench"] if name == "__main__.py" else [name]
    return shlex.join([*program, *sys.argv[1:]])


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> str:
    """Return processor, cores and, where torch is loaded, the GPUs."""
    parts = [f"{_processor()}, {os.cpu_count()} cores"]
    torch = sys.modules.get("torch")  # only when a backend has loaded it already
    if torch is not None and torch.cuda.is_available():
        count = torch.cuda.device_count()
        parts.append(f"{count} x {torch.cuda.get_device_name(0)}")
    return "; ".join(parts)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text("utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
