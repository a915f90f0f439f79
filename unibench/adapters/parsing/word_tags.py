"""Class D: every word with a tag, `word(B-type) word(O)` (GNER)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from unibench.adapters.parsing.align import align
from unibench.adapters.parsing.clean import cleaned, fenced
from unibench.adapters.parsing.reading import (
    Answer,
    Reading,
    UnreadableError,
    fold,
    run,
)
from unibench.schema.query import Parsed
from unibench.schema.text import Mention, Span

_GROUP = re.compile(r"\(([^()\n]{1,200})\)")
_PREFIXED = re.compile(r"([BIESLU])-(.+)", re.IGNORECASE | re.DOTALL)
_BIOES = {"E": "I", "L": "I", "S": "B", "U": "B"}


class _Piece(NamedTuple):
    """A generated word and its tag: `B` or `I` with an asked type, or `O`."""

    word: str
    prefix: str
    entity_type: str


def word_tags(answer: Answer) -> Parsed:
    """Read tagged words and align them with the words of the passage."""
    return run(_read, answer)


def _read(answer: Answer, reading: Reading) -> None:
    text = cleaned(answer, reading)
    block = fenced(text)
    if block:
        reading.repair("fence")
        text = block
    words = [answer.passage[span.start : span.end] for span in answer.words]
    pieces, rest = _tagged(text, reading)
    if not pieces:
        raise UnreadableError("no_tags")
    _note_cut(rest, answer, reading)
    pieces = _mended_words(pieces, words, reading)
    tags = _consistent(pieces, reading)
    _note_differences(pieces, words, reading)
    partners = align([fold(p.word) for p in pieces], [fold(word) for word in words])
    aligned = [(tags[at] if at is not None else ("O", "")) for at in partners]
    for mention in _mentions(aligned, answer):
        reading.mentions.append(mention)


def _tagged(text: str, reading: Reading) -> tuple[list[_Piece], str]:
    """Return the pieces of the answer and the text after the last tag."""
    pieces, end = [], 0
    for group in _GROUP.finditer(text):
        tag = _tag(group[1], reading)
        if tag is None:
            continue
        word = text[end : group.start()].strip()
        end = group.end()
        if word:
            pieces.append(_Piece(word, *tag))
    return pieces, text[end:].strip()


def _tag(content: str, reading: Reading) -> tuple[str, str] | None:
    """Return (prefix, type) of what stands in brackets; None if that is no tag."""
    if content in {"O", "o"}:
        if content == "o":
            reading.repair("tag_case")
        return "O", ""
    match = _PREFIXED.fullmatch(content)
    if match is not None and reading.types.find(match[2]) is not None:
        return _prefixed(match[1], match[2], reading)
    if ", " in content:
        parts = [_tag(part.strip(), reading) for part in content.split(",")]
        if None in parts:
            return None
        reading.repair("double_tag")
        reading.drop("ambiguous")
        return "O", ""
    if match is None:
        asked = reading.types.find(content)
        if asked is None:
            return None
        reading.repair("no_prefix")
        return "N", asked
    return _prefixed(match[1], match[2], reading)


def _prefixed(prefix: str, name: str, reading: Reading) -> tuple[str, str]:
    upper = prefix.upper()
    if upper != prefix:
        reading.repair("tag_case")
    if upper in _BIOES:
        reading.repair("bioes")
        upper = _BIOES[upper]
    asked = reading.types.find(name)
    if asked is None:
        if upper == "B":
            reading.drop("unasked_type")
        return "O", ""
    if asked != name and upper == prefix:
        reading.repair("type_case")
    return upper, asked


def _note_cut(rest: str, answer: Answer, reading: Reading) -> None:
    """Count the word that the token limit, or the end, cut in two."""
    if rest and (answer.was_cut or "(" in rest):
        reading.repair("cut")
        reading.drop("cut")
    elif answer.was_cut:
        reading.repair("cut")


def _mended_words(
    pieces: list[_Piece], words: Sequence[str], reading: Reading
) -> list[_Piece]:
    """Mend what stands before a tag: commas between, chatter, two words joined."""
    if len(pieces) > 1 and all(piece.word.startswith(",") for piece in pieces[1:]):
        stripped = [piece._replace(word=piece.word[1:].strip()) for piece in pieces[1:]]
        pieces = [pieces[0], *(piece for piece in stripped if piece.word)]
        reading.repair("commas")
    known = {fold(word) for word in words}
    neighbours = " " + " ".join(map(fold, words)) + " "
    mended: list[_Piece] = []
    for number, piece in enumerate(pieces):
        parts = piece.word.split()
        if len(parts) == 1 or fold(piece.word) in known:
            mended.append(piece)
        elif f" {fold(piece.word)} " in neighbours:
            reading.repair("words_joined")
            mended += _spread(piece, parts)
        elif number == 0 and fold(parts[-1]) in known:
            reading.repair("chatter")
            mended.append(piece._replace(word=parts[-1]))
        else:
            mended.append(piece)
    return mended


def _spread(piece: _Piece, parts: list[str]) -> list[_Piece]:
    """Give each of several words its own tag."""
    later = "I" if piece.prefix == "B" else piece.prefix
    first, *rest = parts
    return [piece._replace(word=first), *(_Piece(w, later, piece[2]) for w in rest)]


def _consistent(pieces: Sequence[_Piece], reading: Reading) -> list[tuple[str, str]]:
    """Return tags in which every mention starts with B, noting the repairs."""
    tags: list[tuple[str, str]] = []
    previous = ""
    for piece in pieces:
        prefix, name = piece.prefix, piece.entity_type
        if prefix == "N":
            prefix = "I" if name == previous else "B"
        elif prefix == "I" and name != previous:
            reading.repair("type_switch" if previous else "orphan_i")
            prefix = "B"
        tags.append((prefix, name))
        previous = name
    return tags


def _note_differences(
    pieces: Sequence[_Piece], words: Sequence[str], reading: Reading
) -> None:
    """Say how the generated words differ from the passage's."""
    written = [fold(piece.word) for piece in pieces]
    expected = [fold(word) for word in words]
    if written == expected:
        return
    size = len(expected)
    if written[:size] == expected and written[size:] == expected[: len(written) - size]:
        reading.flag("repetition")
    elif sorted(written) == sorted(expected):
        reading.flag("order_changed")
    elif len(written) == size:
        reading.flag("words_changed")
    else:
        reading.flag("words_missing" if len(written) < size else "words_added")


def _mentions(aligned: Sequence[tuple[str, str]], answer: Answer) -> list[Mention]:
    """Read mentions from the tags of the passage's own words."""
    found: list[tuple[str, int, int]] = []
    previous = ""
    for (prefix, name), span in zip(aligned, answer.words, strict=True):
        if prefix == "I" and name == previous and found:
            found[-1] = (name, found[-1][1], span.end)
        elif name:
            found.append((name, span.start, span.end))
        previous = name
    return [
        Mention(name, answer.passage[start:end], (Span(start, end),))
        for name, start, end in found
    ]
