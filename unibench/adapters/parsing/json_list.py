"""Class A: a JSON list of strings, about one asked type (UniNER, SLIMER)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unibench.adapters.parsing.clean import cleaned, fenced, is_none, stripped
from unibench.adapters.parsing.json_values import (
    LenientReader,
    Number,
    Pairs,
    list_or_text,
)
from unibench.adapters.parsing.reading import (
    Answer,
    Reading,
    UnreadableError,
    fold,
    repeats,
    run,
)
from unibench.schema.query import Parsed

TEXT_FIELDS = ("text", "name", "mention", "entity", "span", "value")
TYPE_FIELDS = ("type", "label", "entity_type", "category", "class")
_MAX_STARTS = 32
_BULLETS = ("- ", "* ", "\u2022 ", "\u2013 ")


def json_list(answer: Answer) -> Parsed:
    """Read `["mention", ...]`, the answer to a query about one type."""
    return run(_read, answer)


def _read(answer: Answer, reading: Reading) -> None:
    value = list_or_text(stripped(answer))
    if value is None:
        value = _mended(cleaned(answer, reading), answer, reading)
    if isinstance(value, str) and not isinstance(value, Number):
        reading.repair("double_encoded")
        value = list_or_text(value)
    if isinstance(value, Pairs):
        value = _keyed(value, reading)
    if not isinstance(value, list):
        raise UnreadableError("prose")
    _take_items(value, answer, reading)
    if "cut" in reading.repairs and repeats(reading.mentions):
        reading.flag("repetition")


def _mended(text: str, answer: Answer, reading: Reading) -> Any:
    """The value of `text` after the repairs of the class, in their order."""
    value = list_or_text(text)
    if value is not None:
        return value
    if is_none(text):
        reading.repair("none_word")
        return []
    block = fenced(text)
    if block:
        reading.repair("fence")
        text = block
        value = list_or_text(text)
    if value is None:
        value = lenient(text, reading)
    if value is None:
        value = _bullets(text, reading)
    return _inside_chatter(text, reading) if value is None else value


def lenient(text: str, reading: Reading) -> Any:
    """The one value that the whole of `text` holds, mended; None without one."""
    reader = LenientReader(text)
    try:
        value = reader.value()
    except UnreadableError as error:
        if error.kind in {"quotes", "too_deep"} and text.startswith(("[", "{")):
            raise
        return None
    reader.skip_blanks()
    if reader.position < len(text) or not isinstance(value, list):
        return None
    note_repairs(reader, reading)
    return value


def note_repairs(reader: LenientReader, reading: Reading) -> None:
    """Take over what the lenient reader mended."""
    reading.repair(*reader.repairs)
    reading.drop("cut", reader.cut_items)


def _inside_chatter(text: str, reading: Reading) -> Any:
    """The one list that stands somewhere in `text`."""
    found = list(values_in(text, "["))
    if not found:
        raise UnreadableError("prose")
    reader, value = found[0]
    if any(other != value for _, other in found[1:]):
        raise UnreadableError("ambiguous")
    reading.repair("chatter")
    note_repairs(reader, reading)
    return value


def values_in(text: str, openings: str) -> Iterator[tuple[LenientReader, Any]]:
    """Yield the structures of quoted strings in `text`, at most so many starts."""
    position = 0
    for _ in range(_MAX_STARTS):
        starts = [at for o in openings if (at := text.find(o, position)) >= 0]
        if not starts:
            return
        reader = LenientReader(text, min(starts), bare_words=False)
        position = min(starts) + 1
        try:
            value = reader.value()
        except UnreadableError:
            continue
        if not value or any(not isinstance(item, Number) for item in value):
            yield reader, value
            position = reader.position


def _bullets(text: str, reading: Reading) -> list[Any] | None:
    """The items of a text in which every line is a bullet."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not all(line.startswith(_BULLETS) for line in lines):
        return None
    reading.repair("bullets")
    return [line[2:].strip() for line in lines]


def _keyed(value: Pairs, reading: Reading) -> list[Any]:
    """The list under the asked type, where the answer is an object."""
    reading.repair("keyed")
    items: list[Any] = []
    found = False
    for key, content in value:
        asked = reading.types.find(key)
        members = content if isinstance(content, list) else [content]
        if asked is None:
            reading.drop("unasked_type", len(members))
            continue
        found = True
        if asked != key:
            reading.repair("type_case")
        items += members
    if value and not found:
        raise UnreadableError("no_types")
    return items


def _take_items(items: list[Any], answer: Answer, reading: Reading) -> None:
    if items and all(_is_pair(item) for item in items):
        _take_pairs(items, reading)
        return
    if says_none(items, answer):
        reading.repair("none_word")
        return
    for item in items:
        take_item(item, answer.types.names[0], reading)


def says_none(items: list[Any], answer: Answer) -> bool:
    """Whether the only item says "none"; a passage may hold that word as a mention."""
    if len(items) != 1 or not isinstance(items[0], str):
        return False
    return is_none(items[0]) and items[0] not in (answer.passage or ())


def take_item(item: Any, asked: str, reading: Reading) -> None:
    """Take one item of a list: a string, or what models write instead."""
    if isinstance(item, Number):
        reading.repair("number")
        reading.take(asked, item)
    elif isinstance(item, str):
        if not item.strip():
            reading.repair("empty_mention")
        reading.take(asked, item)
    elif item is None:
        reading.repair("null")
        reading.drop("not_a_string")
    elif isinstance(item, Pairs):
        _take_object(item, asked, reading)
    else:
        reading.drop("not_a_string")


def _is_pair(item: Any) -> bool:
    pair = isinstance(item, list) and not isinstance(item, Pairs) and len(item) == 2
    return pair and all(isinstance(part, str) for part in item)


def _take_pairs(items: list[Any], reading: Reading) -> None:
    if not any(reading.types.find(label) for _, label in items):
        raise UnreadableError("ambiguous")
    reading.repair("pairs")
    for text, label in items:
        reading.add(label, text)


def _take_object(item: Pairs, asked: str, reading: Reading) -> None:
    """Take an object: its text field, or its only string; its type must be asked."""
    fields = {fold(key): value for key, value in item if isinstance(value, str)}
    labels = [fields.pop(name) for name in TYPE_FIELDS if name in fields]
    texts = [fields[name] for name in TEXT_FIELDS if name in fields]
    texts = texts or list(fields.values())
    if len(texts) != 1 or len(labels) > 1:
        reading.drop("not_a_string")
        return
    reading.repair("objects")
    if labels:
        reading.add(labels[0], texts[0])
    else:
        reading.take(asked, texts[0])
