"""What the line formats share: `label: value` pieces and the mending of values."""

from __future__ import annotations

import json
import re

from unibench.adapters.parsing.clean import is_none
from unibench.adapters.parsing.reading import Answer, Reading, fold

CUES = ("entity", "entities", "answer", "output", "result", "response")
_NUMBERING = re.compile(r"[ \t]*\d{1,3}[.)][ \t]+")
_BULLET = re.compile(r"[ \t]*[-*\u2022][ \t]+")
_MARKUP = "*_`"
_PAIRS = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019"}
_LABEL_WORDS = 4
"""A piece whose label is longer and was not asked is a sentence, not a label."""


def without_cue(text: str, reading: Reading) -> str:
    """Take off a cue such as `Entity:` that the answer repeats."""
    head, colon, rest = text.partition(":")
    if not colon or reading.types.find(head) or fold(head) not in CUES:
        return text
    reading.repair("cue")
    return rest.strip()


def lines_of(text: str, reading: Reading) -> list[str]:
    """Return the lines of `text` without numbers and bullets, noting which it had."""
    lines = [line for line in text.splitlines() if line.strip()]
    for kind, pattern in (("numbering", _NUMBERING), ("bullets", _BULLET)):
        if len(lines) > 1 and all(pattern.match(line) for line in lines):
            reading.repair(kind)
            return [pattern.sub("", line, count=1) for line in lines]
    return lines


def split_label(piece: str, reading: Reading) -> tuple[str, str] | None:
    """Return (label, value) at the first colon, markup removed; None without one."""
    label, colon, value = piece.partition(":")
    if not colon:
        return None
    bare = label.strip().strip(_MARKUP).strip()
    if bare != label.strip():
        reading.repair("markup")
        value = value.strip().strip(_MARKUP)
    return bare, value.strip()


def is_label(label: str, reading: Reading) -> bool:
    """Whether `label` may be the name of a type, asked or not."""
    if reading.types.find(label) is not None:
        return True
    return 0 < len(label.split()) <= _LABEL_WORDS


def reversed_pieces(
    pieces: list[str], pattern: re.Pattern[str], reading: Reading
) -> list[tuple[str, str]] | None:
    """Return (label, mention) of pieces that all put the mention first, else None."""
    found = []
    for piece in pieces:
        match = pattern.fullmatch(piece.strip())
        if match is None or reading.types.find(match[2].strip()) is None:
            return None
        found.append((match[2].strip(), match[1].strip()))
    return found or None


def unbracketed(value: str, answer: Answer, reading: Reading) -> str:
    """Take off brackets around a value, unless the passage has them too."""
    for opening, closing in ("[]", "{}"):
        if _wraps(value, opening, closing) and value not in (answer.passage or ()):
            reading.repair("brackets")
            return value[1:-1].strip()
    return value


def _wraps(value: str, opening: str, closing: str) -> bool:
    """Tell whether the first bracket closes at the end, not as in `[1], [2]`."""
    if not (value.startswith(opening) and value.endswith(closing)):
        return False
    depth = 0
    for position, character in enumerate(value):
        depth += (character == opening) - (character == closing)
        if depth == 0:
            return position == len(value) - 1
    return False


def unquoted(text: str, answer: Answer, reading: Reading) -> str:
    """Take off quotes around a mention, unless the passage has them too."""
    closing = _PAIRS.get(text[:1])
    if closing is None or len(text) < 2 or text[-1] != closing:
        return text
    if text in (answer.passage or ()):
        return text
    reading.repair("quotes")
    return text[1:-1]


def quoted_items(value: str, answer: Answer, reading: Reading) -> list[str] | None:
    """Return the items of `"a", "b"`; None where the value is not made so."""
    if not value.startswith('"') or value in (answer.passage or ()):
        return None
    try:
        items = json.loads(f"[{value}]")
    except ValueError:
        return None
    if not all(isinstance(item, str) for item in items):
        return None
    reading.repair("quotes")
    return [str(item) for item in items]


def take_none(value: str, reading: Reading) -> bool:
    """Whether the value says that there is nothing; `None` is the format's own word."""
    if not is_none(value):
        return False
    if value != "None":
        reading.repair("none_word")
    return True


def drop_cut(pieces: list[str], answer: Answer, reading: Reading) -> list[str]:
    """Drop the last piece of an answer that ended at the token limit."""
    if not answer.was_cut or not pieces:
        return pieces
    reading.repair("cut")
    reading.drop("cut")
    return pieces[:-1]
