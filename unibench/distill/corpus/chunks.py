"""Cut documents into passages of so many tokens, at sentence borders if possible."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import msgspec

_END = re.compile(
    r"(?:[.!?]+[\"'\u2019\u201d)\]]*(?=\s)"  # a stop, closing marks, then a blank
    r"|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d\u2019\uff09]*"  # full-width stops
    r"|\n[^\S\n]*\n)\s*"  # an empty line
)
_ABBREVIATED = re.compile(
    r"(?:^|[\s(\[\"'])(?:[A-Z]|[A-Za-z](?:\.[A-Za-z])+|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|cf"
    r"|al|approx|dept|est|Fig|fig|Eq|eq|No|Nos|vol|Vol|pp|ed|eds|Inc|Ltd|Co|Corp|Gen"
    r"|Col|Lt|Sgt|Capt|Rep|Sen|Gov|Rev|Hon)\.$"
)
_LOOK_BACK = 12


class Counter(Protocol):
    """What chunking needs of a tokenizer."""

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        ...

    def prefix(self, text: str, tokens: int) -> int:
        """Return how many characters of `text` its first `tokens` tokens cover."""
        ...


class Chunk(msgspec.Struct, frozen=True):
    """A passage as a piece of its document, with its number of tokens."""

    start: int
    end: int
    tokens: int


def sentence_ends(text: str) -> list[int]:
    """Return the offsets where sentences end, blanks after them included.

    A stop after an initial or a common abbreviation, or before a small letter, ends
    none. This is a border to cut at, no more: nothing is lost by a wrong one.
    """
    ends = []
    for match in _END.finditer(text):
        if text[match.start()] == "." and _inside(text, match):
            continue
        ends.append(match.end())
    if not ends or ends[-1] < len(text):
        ends.append(len(text))
    return ends


def _inside(text: str, match: re.Match[str]) -> bool:
    """Whether a full stop belongs to an abbreviation."""
    following = text[match.end() : match.end() + 1]
    if following.islower():
        return True
    stop = match.start() + 1
    return _ABBREVIATED.search(text[max(0, stop - _LOOK_BACK) : stop]) is not None


def cut_all(
    texts: Sequence[str], max_tokens: int, counter: Counter
) -> list[list[Chunk]]:
    """Return the passages of each text; all sentences are counted in one call."""
    bounds = [_sentences(text) for text in texts]
    pieces = [
        text[start:end]
        for text, spans in zip(texts, bounds, strict=True)
        for start, end in spans
    ]
    counts = iter(counter.counts(pieces))
    return [
        _pack(
            [
                chunk
                for start, end in spans
                for chunk in _split(
                    text, Chunk(start, end, next(counts)), max_tokens, counter
                )
            ],
            max_tokens,
        )
        for text, spans in zip(texts, bounds, strict=True)
    ]


def most_chunks(text: str, max_tokens: int) -> int:
    """Return more passages than `cut_all` can make of `text`.

    Two neighbouring passages together have more than `max_tokens` tokens, for else
    they would be one; and a token is at least one byte. Some room is left for
    tokenizers that spell out a character that they do not know.
    """
    return 2 * len(text.encode()) // max(1, max_tokens - 8) + 8


def fitted(text: str, max_tokens: int, counter: Counter) -> tuple[str, int]:
    """Return `text` and its tokens, cut at a blank if it has more than `max_tokens`.

    Tokens were counted by sentence; joined, a few more may arise.
    """
    (tokens,) = counter.counts([text])
    while tokens > max_tokens:
        text = text[: _cut(text, max_tokens, counter)].rstrip()
        (tokens,) = counter.counts([text])
    return text, tokens


def _sentences(text: str) -> list[tuple[int, int]]:
    """Sentence spans without the blanks around them."""
    spans, start = [], 0
    for end in sentence_ends(text):
        piece = text[start:end]
        left = len(piece) - len(piece.lstrip())
        right = len(piece.rstrip())
        if right > left:
            spans.append((start + left, start + right))
        start = end
    return spans


def _pack(units: Sequence[Chunk], max_tokens: int) -> list[Chunk]:
    """Join neighbouring pieces while they fit."""
    packed: list[Chunk] = []
    for unit in units:
        last = packed[-1] if packed else None
        if last is not None and last.tokens + unit.tokens <= max_tokens:
            packed[-1] = Chunk(last.start, unit.end, last.tokens + unit.tokens)
        else:
            packed.append(unit)
    return packed


def _split(text: str, chunk: Chunk, max_tokens: int, counter: Counter) -> list[Chunk]:
    """Cut a sentence that is too long: at a line end or blank, else at a token."""
    if chunk.tokens <= max_tokens:
        return [chunk]
    pieces: list[Chunk] = []
    start, end = chunk.start, chunk.end
    while start < end:
        rest = text[start : min(end, start + _window(max_tokens))]
        at = start + _cut(rest, max_tokens, counter)
        stop = start + len(text[start:at].rstrip())
        if stop > start:
            (tokens,) = counter.counts([text[start:stop]])
            pieces.append(Chunk(start, stop, tokens))
        start = at + len(text[at:end]) - len(text[at:end].lstrip())
    return pieces


def _window(max_tokens: int) -> int:
    """So many characters are looked at for one cut, to stay linear in the text."""
    return 64 * max_tokens


def _cut(text: str, max_tokens: int, counter: Counter) -> int:
    """Return where to cut `text` so that the first part has at most `max_tokens`."""
    limit = counter.prefix(text, max_tokens)
    if limit >= len(text):
        return len(text)
    head = text[: limit + 1]
    at = head.rfind("\n")
    if at < limit // 2:  # a line end far back would make a very short passage
        at = max(head.rfind(" "), head.rfind("\t"), at)
    return at if at > 0 and head[:at].strip() else max(limit, 1)
