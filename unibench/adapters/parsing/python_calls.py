"""Class E: a Python list of `Type(span="...")` (GoLLIE, KnowCoder).

The released readers execute the answer. This one reads it as text.
"""

from __future__ import annotations

import re

from unibench.adapters.parsing.clean import cleaned, fenced, is_none, stripped
from unibench.adapters.parsing.python_values import Call, CallReader
from unibench.adapters.parsing.reading import (
    Answer,
    Reading,
    UnreadableError,
    repeats,
    run,
)
from unibench.schema.query import Parsed

ARGUMENTS = {"", "span"}
_AGAIN = re.compile(r"results?[ \t]*=")
_MAX_STARTS = 32


def python_calls(answer: Answer) -> Parsed:
    """Read `[Person(span="Ann Lee"), ...]`; the asked types are class names."""
    return run(_read, answer)


def _read(answer: Answer, reading: Reading) -> None:
    reader = _strict(stripped(answer))
    if reader is None:
        reader = _mended(cleaned(answer, reading), reading)
    reading.repair(*reader.repairs)
    reading.drop("cut", reader.cut_items)
    for call in reader.items:
        if call is None:
            reading.drop("not_a_call")
        else:
            _take(call, reading)
    if "cut" in reading.repairs and repeats(reading.mentions):
        reading.flag("repetition")


def _strict(text: str) -> CallReader | None:
    """The reader of a text that is a list of calls and nothing else."""
    reader = CallReader(text)
    try:
        reader.read()
    except UnreadableError:
        return None
    return None if reader.repairs or reader.rest() else reader


def _mended(text: str, reading: Reading) -> CallReader:
    block = fenced(text)
    if block:
        reading.repair("fence")
        text = block
    if is_none(text):
        reading.repair("none_word")
        return CallReader("")
    return _whole(text, reading) or _inside_chatter(text, reading)


def _whole(text: str, reading: Reading) -> CallReader | None:
    """The reader of a text that starts with a list of calls."""
    reader = CallReader(text)
    try:
        reader.read()
    except UnreadableError as error:
        if error.kind == "quotes":
            raise
        return None
    rest = reader.rest()
    if rest:
        if not reader.items and not text.startswith("["):
            return None
        reading.repair("run_on" if _AGAIN.search(rest) else "chatter")
    return reader


def _inside_chatter(text: str, reading: Reading) -> CallReader:
    """The reader of the one list of calls that stands somewhere in `text`."""
    found: list[CallReader] = []
    position = 0
    for _ in range(_MAX_STARTS):
        position = text.find("[", position)
        if position < 0:
            break
        reader = CallReader(text, position)
        position += 1
        try:
            reader.read()
        except UnreadableError:
            continue
        if reader.items or not found:
            found.append(reader)
            position = max(position, reader.position)
    calls = [reader for reader in found if reader.items] or found
    if not calls:
        raise UnreadableError("prose")
    if any(other.items != calls[0].items for other in calls[1:]):
        raise UnreadableError("ambiguous")
    reading.repair("chatter")
    return calls[0]


def _take(call: Call, reading: Reading) -> None:
    if reading.types.find(call.name) is None:
        reading.drop("unasked_type", max(1, len(call.texts or ())))
        return
    if call.argument not in ARGUMENTS:
        reading.repair("argument_name")
    if not call.texts:
        reading.drop("empty_mention")
        return
    for text in call.texts:
        reading.add(call.name, text)
