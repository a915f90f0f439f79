"""Class C: `type: mention; type: mention` or `None` (InstructUIE, B2NER)."""

from __future__ import annotations

import re
from collections.abc import Callable

from unibench.adapters.parsing.clean import cleaned, fenced, is_none
from unibench.adapters.parsing.labelled import (
    drop_cut,
    is_label,
    lines_of,
    reversed_pieces,
    split_label,
    unbracketed,
    unquoted,
    without_cue,
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

_REVERSED = re.compile(r"([^:]{1,400}):([^:]{1,200})")
_FULL_WIDTH = {"\uff1a": ":", "\uff1b": ";"}


def type_pairs(answer: Answer) -> Parsed:
    """Read the format as published: every semicolon ends a piece."""
    return run(_reader(lambda pieces, _: pieces), answer)


def type_pairs_passage(answer: Answer) -> Parsed:
    """Read the same, joining a piece without label to the one before it.

    That is done where the passage holds the two with their semicolon.
    """
    return run(_reader(_joined_by_passage), answer)


def _reader(
    join: Callable[[list[str], Answer], list[str]],
) -> Callable[[Answer, Reading], None]:
    def read(answer: Answer, reading: Reading) -> None:
        text = cleaned(answer, reading)
        block = fenced(text)
        if block:
            reading.repair("fence")
            text = block
        if text == "None":
            return
        text = _narrow(without_cue(text, reading), reading)
        if is_none(text):
            reading.repair("none_word")
            return
        _read_pieces(join(_split(text, answer, reading), answer), answer, reading)
        if answer.was_cut and repeats(reading.mentions):
            reading.flag("repetition")

    return read


def _narrow(text: str, reading: Reading) -> str:
    """Replace full-width colons and semicolons where there is no other."""
    if ":" in text or not any(wide in text for wide in _FULL_WIDTH):
        return text
    reading.repair("full_width")
    for wide, narrow in _FULL_WIDTH.items():
        text = text.replace(wide, narrow)
    return text


def _split(text: str, answer: Answer, reading: Reading) -> list[str]:
    whole = unbracketed(text, answer, reading)
    lines = lines_of(whole, reading)
    if len(lines) > 1 and not reading.repairs.keys() & {"numbering", "bullets"}:
        reading.repair("line_breaks")
    pieces = [piece.strip() for line in lines for piece in line.split(";")]
    return drop_cut([piece for piece in pieces if piece], answer, reading)


def _read_pieces(pieces: list[str], answer: Answer, reading: Reading) -> None:
    turned = reversed_pieces(pieces, _REVERSED, reading)
    if turned is not None and not all(
        reading.types.find(piece.partition(":")[0]) for piece in pieces
    ):
        reading.repair("reversed")
        for label, text in turned:
            reading.add(label, text)
        return
    labelled = [(piece, _labelled(piece, answer, reading)) for piece in pieces]
    if pieces and not any(found for _, found in labelled):
        if all(is_none(piece) for piece in pieces):
            return
        raise UnreadableError("prose")
    for piece, found in labelled:
        if found is not None:
            _take(*found, answer, reading)
        elif is_none(piece):
            reading.repair("none_word")
        else:
            reading.drop("no_colon")


def _labelled(piece: str, answer: Answer, reading: Reading) -> tuple[str, str] | None:
    """Return (label, value), mending brackets and a missing colon."""
    found = split_label(unbracketed(piece, answer, reading), reading)
    if found is not None:
        return found if is_label(found[0], reading) else None
    for name in reading.types.names:
        head = piece[: len(name)]
        if fold(head) == fold(name) and piece[len(name) :][:1] == " ":
            reading.repair("missing_colon")
            return head, piece[len(name) :].strip()
    return None


def _take(label: str, value: str, answer: Answer, reading: Reading) -> None:
    asked = reading.types.find(label)
    if asked is None:
        reading.drop("unasked_type")
        return
    if asked != label:
        reading.repair("type_case")
    if is_none(value):
        reading.repair("none_word")
        return
    if ", " in value:
        reading.flag("comma")
    reading.take(asked, unquoted(value, answer, reading))


def _joined_by_passage(pieces: list[str], answer: Answer) -> list[str]:
    joined: list[str] = []
    for piece in pieces:
        if joined and ":" not in piece:
            value = joined[-1].partition(":")[2].strip()
            for between in ("; ", ";", " ; "):
                if f"{value}{between}{piece}" in answer.passage:
                    joined[-1] += f"{between}{piece}"
                    break
            else:
                joined.append(piece)
        else:
            joined.append(piece)
    return joined
