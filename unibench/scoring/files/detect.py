"""Tell in which form a gold or prediction file is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from unibench.errors import FormatError

JSONL = "jsonl"
CONLL = "conll"
CONVERSATIONS = "conversations"
ANSWERS = "answers"
GNER = "gner"
INSTRUCTUIE = "instructuie"
FORMS = (JSONL, CONLL, CONVERSATIONS, ANSWERS, GNER, INSTRUCTUIE)


def detect_form(path: Path) -> str:
    """Return the form of a file from its first line.

    `jsonl` is our own; `conversations` and `answers` are UniversalNER's; `gner` and
    `instructuie` hold gold and answers together; anything that is no JSON is `conll`.

    Raises:
        FormatError: the file is empty, cannot be read, or is JSON of no known form.
    """
    first = _first_line(path)
    if path.suffix not in {".json", ".jsonl"} and first[:1] not in {b"{", b"["}:
        return CONLL
    if first.startswith(b"["):
        return _form_of_list(path)
    try:
        row = msgspec.json.decode(first)
    except (msgspec.MsgspecError, ValueError) as error:
        if path.suffix in {".json", ".jsonl"}:
            raise FormatError(f"{path}: line 1: {error}") from error
        return CONLL
    return _form_of_row(row, path)


def _first_line(path: Path) -> bytes:
    try:
        with path.open("rb") as lines:
            for line in lines:
                if line.strip():
                    return line.removeprefix(b"\xef\xbb\xbf").strip()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from error
    raise FormatError(f"{path}: the file is empty")


def _form_of_list(path: Path) -> str:
    try:
        items = msgspec.json.decode(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, ValueError) as error:
        if path.suffix == ".json":
            raise FormatError(f"{path}: {error}") from error
        return CONLL  # a bracket may be the first token of a sentence
    if isinstance(items, list) and items and isinstance(items[0], dict):
        return _form_of_row(items[0], path)
    return ANSWERS


def _form_of_row(row: Any, path: Path) -> str:
    keys = row.keys() if isinstance(row, dict) else set()
    if "conversations" in keys:
        return CONVERSATIONS
    if {"instance", "prediction"} <= keys:
        return GNER
    if {"Instance", "Prediction"} <= keys:
        return INSTRUCTUIE
    if "id" in keys:
        return JSONL
    raise FormatError(
        f"{path}: line 1: the keys {sorted(keys)} are of no known form; rows need at"
        " least an 'id', and 'mentions' or a 'response'"
    )
