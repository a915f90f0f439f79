"""JSON files and JSON lines of a known type; every error names the file and line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeVar

import msgspec

from unibench.data.formats.base import RawFile
from unibench.errors import FormatError

T = TypeVar("T")
_BYTE = re.compile(r"\(byte (\d+)\)")


def decode_json(file: RawFile, row_type: type[T]) -> T:
    """Return the whole content of `file` as a `row_type`.

    Raises:
        FormatError: it is no JSON, or not of that type.
    """
    return _decode(file, msgspec.json.Decoder(row_type), file.text().encode(), 1)


def json_lines(file: RawFile, row_type: type[T]) -> Iterator[tuple[int, T]]:
    """Yield (line number, value) of each line that is not blank.

    Raises:
        FormatError: a line is no JSON, or not of that type.
    """
    decoder = msgspec.json.Decoder(row_type)
    for number, line in file.lines():
        if line.strip():
            yield number, _decode(file, decoder, line.encode(), number)


def json_elements(file: RawFile, row_type: type[T]) -> Iterator[tuple[int, T]]:
    """Yield (position from 0, value) of each element of the one list in `file`.

    Elements are decoded one by one: a list of Python objects would take many times
    the memory of the file.

    Raises:
        FormatError: it is no JSON list, or an element is not of that type.
    """
    decoder = msgspec.json.Decoder(row_type)
    for position, element in enumerate(decode_json(file, list[msgspec.Raw])):
        try:
            yield position, decoder.decode(element)
        except (msgspec.MsgspecError, ValueError) as error:
            raise element_error(file, position, str(error)) from error


def element_error(file: RawFile, position: int, problem: str) -> FormatError:
    """Return the error that names an element of a list, whose line is not known."""
    return FormatError(f"{file.name}: element {position} (from 0): {problem}")


def _decode(
    file: RawFile, decoder: msgspec.json.Decoder[T], content: bytes, line: int
) -> T:
    try:
        return decoder.decode(content)
    except RecursionError as error:
        raise file.error(line, "the JSON is nested too deeply") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise _explained(file, content, line, error) from error


def _explained(
    file: RawFile, content: bytes, line: int, error: Exception
) -> FormatError:
    problem = str(error)
    if match := _BYTE.search(problem):
        line += content.count(b"\n", 0, int(match[1]))
    elif "truncated" in problem:
        line += content.count(b"\n")
    if content.lstrip()[:1] == b"<":
        problem += "; this looks like a web page, not like data"
    return file.error(line, problem)
