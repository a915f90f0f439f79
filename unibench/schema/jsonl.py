"""Read and write JSON lines; every error names the file and the line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import jsonlines
import msgspec

from unibench.errors import FormatError

T = TypeVar("T")


def read_rows(path: Path, row_type: type[T]) -> Iterator[T]:
    """Yield each line of `path` as a `row_type`.

    Raises:
        FormatError: a line is no JSON or not of that type; the message names it.
    """
    decoder = msgspec.json.Decoder(row_type)
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _decode(decoder, line, f"{path}: line {number}")
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from error


def write_rows(path: Path, rows: Iterable[Any]) -> int:
    """Write `rows` to `path` as JSON lines, all or nothing; return their number."""
    count = 0
    partial = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with jsonlines.open(partial, "w", dumps=_encode) as writer:
            for row in rows:
                writer.write(row)
                count += 1
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _decode(decoder: msgspec.json.Decoder[T], line: bytes, where: str) -> T:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, ValueError) as error:
        raise FormatError(f"{where}: {error}") from error


def _encode(row: Any) -> str:
    return msgspec.json.encode(row).decode()
