"""Class G: a JSON object whose keys are the asked types."""

from __future__ import annotations

from typing import Any

from unibench.adapters.parsing.clean import cleaned, fenced, is_none, stripped
from unibench.adapters.parsing.json_list import (
    TEXT_FIELDS,
    TYPE_FIELDS,
    note_repairs,
    says_none,
    take_item,
    values_in,
)
from unibench.adapters.parsing.json_values import LenientReader, Pairs, list_or_text
from unibench.adapters.parsing.reading import (
    Answer,
    Reading,
    UnreadableError,
    fold,
    repeats,
    run,
)
from unibench.schema.query import Parsed


def json_object(answer: Answer) -> Parsed:
    """Read `{"type": ["mention", ...], ...}`, the answer about all asked types."""
    return run(_read, answer)


def _read(answer: Answer, reading: Reading) -> None:
    value = list_or_text(stripped(answer))
    if value is None:
        value = _mended(cleaned(answer, reading), reading)
    if isinstance(value, str):
        reading.repair("double_encoded")
        value = list_or_text(value)
    if isinstance(value, list) and not isinstance(value, Pairs):
        value = _records(value, reading)
    if not isinstance(value, Pairs):
        raise UnreadableError("prose")
    _take_object(_unwrapped(value, reading), answer, reading)
    if "cut" in reading.repairs and repeats(reading.mentions):
        reading.flag("repetition")


def _mended(text: str, reading: Reading) -> Any:
    value = list_or_text(text)
    if value is not None:
        return value
    if is_none(text):
        reading.repair("none_word")
        return Pairs()
    block = fenced(text)
    if block:
        reading.repair("fence")
        text = block
        value = list_or_text(text)
    if value is None:
        value = _objects(text, reading)
    return _inside_chatter(text, reading) if value is None else value


def _objects(text: str, reading: Reading) -> Any:
    """What the whole of `text` holds: one structure, or several objects in a row."""
    position, found = 0, []
    while position < len(text):
        reader = LenientReader(text, position)
        try:
            found.append((reader, reader.value()))
        except UnreadableError as error:
            if error.kind in {"quotes", "too_deep"} and text.startswith(("{", "[")):
                raise
            return None
        reader.skip_blanks()
        position = reader.position + (text[reader.position :][:1] == ",")
        if not isinstance(found[-1][1], list):
            return None
    return _joined(found, reading)


def _joined(found: list[tuple[LenientReader, Any]], reading: Reading) -> Any:
    for reader, _ in found:
        note_repairs(reader, reading)
    values = [value for _, value in found]
    if len(values) == 1:
        return values[0]
    if not all(isinstance(value, Pairs) for value in values):
        raise UnreadableError("ambiguous")
    reading.repair("several_objects")
    return Pairs(pair for value in values for pair in value)


def _inside_chatter(text: str, reading: Reading) -> Any:
    found = list(values_in(text, "{"))
    if not found:
        if any(True for _ in values_in(text, "[")):
            raise UnreadableError("no_types")
        raise UnreadableError("prose")
    reader, value = found[0]
    if any(other != value for _, other in found[1:]):
        raise UnreadableError("ambiguous")
    reading.repair("chatter")
    note_repairs(reader, reading)
    return value


def _records(items: list[Any], reading: Reading) -> Pairs:
    """Turn `[{"type": ..., "text": ...}, ...]` into one object."""
    pairs = Pairs()
    for item in items:
        fields = {fold(key): value for key, value in item} if _is_object(item) else {}
        labels = [fields[name] for name in TYPE_FIELDS if name in fields]
        texts = [fields[name] for name in TEXT_FIELDS if name in fields]
        if len(labels) != 1 or len(texts) != 1 or not isinstance(labels[0], str):
            raise UnreadableError("no_types")
        pairs.append((labels[0], [texts[0]]))
    if pairs:
        reading.repair("records")
    elif items == []:
        reading.repair("none_word")
    return pairs


def _is_object(item: Any) -> bool:
    return isinstance(item, Pairs)


def _unwrapped(value: Pairs, reading: Reading) -> Pairs:
    """Step into `{"entities": {...}}`, and turn `{"mention": "type"}` round."""
    if len(value) == 1 and reading.types.find(value[0][0]) is None:
        inner = value[0][1]
        if isinstance(inner, Pairs):
            reading.repair("wrapper")
            return inner
        if _is_records(inner):
            reading.repair("wrapper")
            return _records(inner, reading)
    find = reading.types.find
    if value and all(isinstance(v, str) and find(v) and not find(k) for k, v in value):
        reading.repair("reversed")
        return Pairs((label, [text]) for text, label in value)
    return value


def _is_records(inner: Any) -> bool:
    return isinstance(inner, list) and bool(inner) and all(map(_is_object, inner))


def _take_object(value: Pairs, answer: Answer, reading: Reading) -> None:
    seen: set[str] = set()
    for key, content in value:
        asked = reading.types.find(key)
        if asked is None:
            reading.drop("unasked_type", len(_members(content, None)))
            continue
        if asked != key:
            reading.repair("type_case")
        if asked in seen:
            reading.repair("repeated_key")
        seen.add(asked)
        members = _members(content, reading)
        if says_none(members, answer):
            reading.repair("none_word")
        else:
            _take_members(members, asked, reading)
    if set(reading.types.names) - seen and "none_word" not in reading.repairs:
        reading.flag("missing_type")


def _members(content: Any, reading: Reading | None) -> list[Any]:
    """The items under one key; null is empty, a single value is a list of one."""
    if content is None:
        return []
    if isinstance(content, list) and not isinstance(content, Pairs):
        return content
    if reading is not None:
        reading.repair("no_list")
    return [content]


def _take_members(items: list[Any], asked: str, reading: Reading) -> None:
    for item in items:
        if isinstance(item, list) and not isinstance(item, Pairs):
            reading.repair("nested_list")
            for inner in item:
                take_item(inner, asked, reading)
        else:
            take_item(item, asked, reading)
