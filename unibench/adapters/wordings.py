"""Published wordings: fetched from their authors' repositories, known by hash.

The instruction sentences of other systems are theirs and are not part of unibench. A
card names the file that holds them; `unibench models fetch` brings it. Until then an
adapter uses words of its own in the published layout.
"""

from __future__ import annotations

import ast
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from unibench.adapters.templates import sha256
from unibench.errors import BackendError
from unibench.resources import cache_root
from unibench.schema.model_card import ModelCard, WordingSource

Origin = Literal["published", "paraphrase"]
_TIMEOUT_S = 60.0
_LARGEST = 8 << 20


class Wording(msgspec.Struct, frozen=True):
    """A wording and whether it is the published one."""

    text: str
    origin: Origin


def wording(card: ModelCard, part: str, ours: str) -> Wording:
    """Return the wording of one part of a prompt.

    That is the published one where `models fetch` has brought it, else `ours`. Ours
    counts as published when its hash agrees.
    """
    source = card.wordings.get(part)
    if source is None:
        return Wording(ours, "paraphrase")
    path = cached_path(source)
    if path.is_file():
        text = path.read_bytes().decode()
        if sha256(text) == source.sha256:
            return Wording(text, "published")
        raise BackendError(
            f"{path} is not what was fetched; remove it and run 'unibench models"
            " fetch' again"
        )
    return Wording(ours, "published" if sha256(ours) == source.sha256 else "paraphrase")


def cached_path(source: WordingSource) -> Path:
    """Return where a fetched wording lies."""
    return cache_root() / "wordings" / f"{source.sha256}.txt"


def fetch_wording(source: WordingSource) -> Path:
    """Bring a published wording into the cache and return its path.

    Raises:
        BackendError: the file cannot be had, or does not hold the wording.
    """
    target = cached_path(source)
    if target.is_file():
        return target
    content = _download(source.url)
    found = next((t for t in strings_in(content) if sha256(t) == source.sha256), None)
    if found is None:
        raise BackendError(
            f"{source.url} does not hold the wording with the sha256 {source.sha256};"
            " its authors may have changed it: check the card's 'wordings'"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    partial.write_bytes(found.encode())
    partial.replace(target)
    return target


def strings_in(content: bytes) -> Iterator[str]:
    """Yield the whole text of a file and the strings of a JSON or Python file."""
    text = content.decode("utf-8", "replace")
    yield text
    yield text.rstrip("\n")
    try:
        yield from _json_strings(json.loads(text))
    except (ValueError, RecursionError):
        yield from _python_strings(text)


def _json_strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _json_strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _json_strings(member)


def _python_strings(text: str) -> Iterator[str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _download(url: str) -> bytes:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise BackendError(f"{url}: only http and https are fetched")
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as stream:  # noqa: S310
            content = stream.read(_LARGEST + 1)
    except urllib.error.HTTPError as error:
        raise BackendError(
            f"{url} answered with status {error.code}; check the card's 'wordings'"
        ) from error
    except OSError as error:
        raise BackendError(
            f"{url} cannot be reached ({error}); without it prompts are marked"
            " 'paraphrase'"
        ) from error
    if len(content) > _LARGEST:
        raise BackendError(f"{url} is larger than {_LARGEST} bytes")
    return bytes(content)
