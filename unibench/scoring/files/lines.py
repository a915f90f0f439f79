"""JSON values of a file, line by line or from one list, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from unibench.errors import FormatError
from unibench.scoring.files.rows import GoldRow, PredictionRow

T = TypeVar("T")
BOM = b"\xef\xbb\xbf"


def read_json(path: Path, value_type: type[T]) -> Iterator[tuple[str, T]]:
    """Yield (place, value) of each line, or of each item of a list over many lines.

    Raises:
        FormatError: a value is no JSON or not of that type; the message names it.
    """
    content = _content(path)
    if content.startswith(b"["):
        yield from _items(path, content, value_type)
        return
    decoder = msgspec.json.Decoder(value_type)
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            where = f"{path}: line {number}"
            try:
                yield where, decoder.decode(line)
            except (msgspec.MsgspecError, ValueError) as error:
                raise FormatError(f"{where}: {error}") from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes().removeprefix(BOM)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from error


def _items(path: Path, content: bytes, value_type: type[T]) -> Iterator[tuple[str, T]]:
    try:
        raw = msgspec.json.decode(content, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, ValueError) as error:
        raise FormatError(f"{path}: {error}") from error
    decoder = msgspec.json.Decoder(value_type)
    for number, item in enumerate(raw, start=1):
        where = f"{path}: item {number}"
        try:
            yield where, decoder.decode(item)
        except (msgspec.MsgspecError, ValueError) as error:
            raise FormatError(f"{where}: {error}") from error


def read_gold_rows(path: Path) -> list[GoldRow]:
    """Return the gold rows of a file in our own form."""
    return [
        msgspec.structs.replace(row, where=where)
        for where, row in read_json(path, GoldRow)
    ]


def read_prediction_rows(path: Path) -> list[PredictionRow]:
    """Return the prediction rows of a file in our own form.

    Raises:
        FormatError: mentions and raw answers are mixed, or a row has neither or both.
    """
    rows = [
        msgspec.structs.replace(row, where=where)
        for where, row in read_json(path, PredictionRow)
    ]
    for row in rows:
        if (row.mentions is None) == (row.response is None):
            raise FormatError(
                f"{row.where}: a prediction has either 'mentions' or a 'response'"
            )
        if (row.response is None) != (rows[0].response is None):
            kinds = "a 'response'", "'mentions'"
            here, before = kinds if row.mentions is None else kinds[::-1]
            raise FormatError(
                f"{row.where}: this row has {here}, the first one {before}; a file"
                " holds one kind"
            )
    return rows
