"""Class B: `type: mention, mention | type: None` (ChatGPT and Vicuna in the paper)."""

from __future__ import annotations

import re
from collections.abc import Callable

from unibench.adapters.parsing.clean import cleaned, fenced, is_none
from unibench.adapters.parsing.labelled import (
    is_label,
    lines_of,
    quoted_items,
    reversed_pieces,
    split_label,
    take_none,
    unbracketed,
    unquoted,
    without_cue,
)
from unibench.adapters.parsing.reading import (
    Answer,
    Reading,
    UnreadableError,
    repeats,
    run,
)
from unibench.schema.query import Parsed

_REVERSED = re.compile(r"([^()]{1,400})\(([^()]{1,200})\)\.?")
_LONGEST_RUN = 8
"""So many comma pieces at most are tried as one mention by `comma: passage`."""


def type_bar(answer: Answer) -> Parsed:
    """Read the format as published: a comma and a blank divide two mentions."""
    return run(_reader(lambda value, _: value.split(", ")), answer)


def type_bar_passage(answer: Answer) -> Parsed:
    """Read the same, joining the longest run of pieces that the passage holds."""
    return run(_reader(_split_by_passage), answer)


def _reader(
    split: Callable[[str, str], list[str]],
) -> Callable[[Answer, Reading], None]:
    def read(answer: Answer, reading: Reading) -> None:
        text = cleaned(answer, reading)
        block = fenced(text)
        if block:
            reading.repair("fence")
            text = block
        text = without_cue(text, reading)
        if is_none(text):
            reading.repair("none_word")
            return
        _take_pieces(_pieces(text, answer, reading), split, (answer, reading))

    return read


def _pieces(text: str, answer: Answer, reading: Reading) -> list[tuple[str, str]]:
    """Return (label, value) for each piece of the answer."""
    lines = lines_of(text, reading)
    if len(lines) > 1 and not reading.repairs.keys() & {"numbering", "bullets"}:
        reading.repair("line_breaks")
    bars = [piece for line in lines for piece in line.split("|") if piece.strip()]
    found, chatter = [], 0
    for piece in (p for bar in bars for p in _at_semicolons(bar, reading)):
        labelled = split_label(piece, reading)
        if labelled is None or not is_label(labelled[0], reading):
            chatter += 1
        else:
            found.append(labelled)
    if answer.was_cut and chatter and split_label(bars[-1], reading) is None:
        chatter -= 1  # the last label was cut
        found.append(("", ""))
    if not any(reading.types.find(label) for label, _ in found):
        return _without_labels(text, found if not chatter else [], reading)
    if chatter:
        reading.repair("chatter")
    return found


def _without_labels(
    text: str, found: list[tuple[str, str]], reading: Reading
) -> list[tuple[str, str]]:
    """Return the pieces of an answer in which no asked type is a label."""
    pieces = re.split(r"(?<=\)),\s*", text)
    turned = reversed_pieces(pieces, _REVERSED, reading)
    if turned is not None:
        reading.repair("reversed")
        return turned
    if not found:
        raise UnreadableError("prose")
    return found


def _at_semicolons(bar: str, reading: Reading) -> list[str]:
    """Split at semicolons where every piece then starts with an asked type."""
    pieces = [piece for piece in bar.split(";") if piece.strip()]
    labels = [piece.partition(":") for piece in pieces]
    if len(pieces) < 2 or not all(
        colon and reading.types.find(label) for label, colon, _ in labels
    ):
        return [bar]
    reading.repair("semicolons")
    return pieces


def _take_pieces(
    pieces: list[tuple[str, str]],
    split: Callable[[str, str], list[str]],
    notes: tuple[Answer, Reading],
) -> None:
    answer, reading = notes
    seen: set[str | None] = set()
    for number, (label, value) in enumerate(pieces, start=1):
        asked = reading.types.find(label)
        seen.add(asked)
        if asked is not None and asked != label:
            reading.repair("type_case")
        if take_none(value, reading):
            continue
        items = _items(value, split, notes)
        if answer.was_cut and number == len(pieces):
            reading.repair("cut")
            reading.drop("cut")
            items = items[:-1]
        for item in items:
            _take(asked, item, items, notes)
    if set(reading.types.names) - seen:
        reading.flag("missing_type")
    if answer.was_cut and repeats(reading.mentions):
        reading.flag("repetition")


def _items(
    value: str,
    split: Callable[[str, str], list[str]],
    notes: tuple[Answer, Reading],
) -> list[str]:
    answer, reading = notes
    value = unbracketed(value, answer, reading)
    quoted = quoted_items(value, answer, reading)
    if quoted is not None:
        return quoted
    return [
        unquoted(item.strip(), answer, reading) for item in split(value, answer.passage)
    ]


def _take(
    asked: str | None, item: str, items: list[str], notes: tuple[Answer, Reading]
) -> None:
    _, reading = notes
    if asked is None:
        reading.drop("unasked_type")
    elif len(items) > 1 and is_none(item):
        reading.drop("empty_mention")
    else:
        reading.take(asked, item)


def _split_by_passage(value: str, passage: str) -> list[str]:
    parts, items, start = value.split(", "), [], 0
    while start < len(parts):
        longest = min(len(parts), start + _LONGEST_RUN)
        for end in range(longest, start, -1):
            joined = ", ".join(parts[start:end])
            if end == start + 1 or joined in passage:
                items.append(joined)
                start = end
                break
    return items
