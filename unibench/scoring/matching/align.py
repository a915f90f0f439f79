"""From strings to spans: where a mention that a model wrote stands in a passage.

The rule, version 1. A run of white space equals any other; both sides are compared
in Unicode form NFC. Matches that begin and end at word boundaries are preferred, and
among these the same letters before letters that differ in case only; where there is
none, a match inside a word is taken, in the same order. Matches are taken from the
left and do not overlap. `all` keeps every one, `first` the first, `count` as many as
the model wrote the string. A string without a match is invented.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from unibench.schema.text import Span


def find_spans(text: str, mention: str) -> tuple[Span, ...]:
    """Return every place of `mention` in `text`, from the left; none if invented."""
    wanted = " ".join(mention.split())
    if not wanted or len(wanted) > 4 * len(text):
        return ()  # NFC shortens a string to a third of its length at most
    if text.isascii() and wanted.isascii():
        return _search(text, wanted)
    return _search_nfc(text, wanted)


def occurs(text: str, mention: str) -> bool:
    """Tell whether `mention` stands somewhere in `text`."""
    if mention in text:
        return bool(mention.strip())
    return bool(find_spans(text, mention))


def _search(text: str, wanted: str) -> tuple[Span, ...]:
    """Search both in form NFC, without patterns where no blank run can differ."""
    if " " not in wanted or _regular(text):
        if found := _whole_words(text, wanted):
            return found
        if text.isascii() and wanted.lower() not in text.lower():
            return ()
    for pattern in _patterns(wanted):
        if found := tuple(Span(*m.span()) for m in pattern.finditer(text)):
            return found
    return ()


@lru_cache(maxsize=64)
def _regular(text: str) -> bool:
    """Tell whether all white space is single blanks."""
    return " ".join(text.split()) == text


def _whole_words(text: str, wanted: str) -> tuple[Span, ...]:
    """Return the places at word boundaries, spelt the same."""
    found = []
    before, after = _is_word(wanted[0]), _is_word(wanted[-1])
    size, start = len(wanted), text.find(wanted)
    while start >= 0:
        end = start + size
        inside = (before and start and _is_word(text[start - 1])) or (
            after and end < len(text) and _is_word(text[end])
        )
        if not inside:
            found.append(Span(start, end))
        start = text.find(wanted, start + 1 if inside else end)
    return tuple(found)


@lru_cache(maxsize=1 << 12)
def _patterns(wanted: str) -> tuple[re.Pattern[str], ...]:
    """Return what to look for, the best first."""
    body = r"\s+".join(map(re.escape, wanted.split()))
    before = r"(?<!\w)" if _is_word(wanted[0]) else ""
    after = r"(?!\w)" if _is_word(wanted[-1]) else ""
    whole = before + body + after
    sources = (whole, body) if before or after else (body,)
    return tuple(
        re.compile(source, flags) for source in sources for flags in (0, re.IGNORECASE)
    )


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _search_nfc(text: str, wanted: str) -> tuple[Span, ...]:
    """Search in form NFC and translate the places back to offsets of `text`."""
    wanted = unicodedata.normalize("NFC", wanted)
    if unicodedata.is_normalized("NFC", text):
        return _search(text, wanted)
    composed, starts = _compose(text)
    return tuple(
        Span(starts[span.start], starts[span.end]) for span in _search(composed, wanted)
    )


@lru_cache(maxsize=8)
def _compose(text: str) -> tuple[str, tuple[int, ...]]:
    """Return `text` in NFC and, for each of its characters, where it came from."""
    pieces: list[str] = []
    starts: list[int] = []
    begin = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and not _parts_before(text, begin, end):
            continue
        piece = unicodedata.normalize("NFC", text[begin:end])
        pieces.append(piece)
        starts += [begin] * len(piece)
        begin = end
    return "".join(pieces), (*starts, len(text))


def _parts_before(text: str, begin: int, end: int) -> bool:
    """Tell whether the character at `end` composes with nothing before it."""
    if unicodedata.combining(text[end]):
        return False
    normalise = unicodedata.normalize
    apart = normalise("NFC", text[begin:end]) + normalise("NFC", text[end])
    return normalise("NFC", text[begin : end + 1]) == apart
