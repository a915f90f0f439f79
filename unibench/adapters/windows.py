"""Windows over passages that are longer than a model can read at once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from unibench.schema.text import Mention, Span


class Window(msgspec.Struct, frozen=True):
    """A part of a passage in characters, and which of its ends cut the text."""

    start: int
    end: int
    cut_left: bool
    cut_right: bool


def windows(words: Sequence[Span], size: int, overlap: int) -> list[Window]:
    """Cut a passage into windows of `size` words; neighbours share `overlap` words.

    The overlap must be at least the longest mention that the model can find, so that
    each mention lies whole in one window.
    """
    if not 0 <= overlap < size:
        raise ValueError(f"an overlap of {overlap} words does not fit into {size}")
    if not words:
        return []
    found = []
    first = 0
    while True:
        last = min(first + size, len(words))
        whole = Window(
            words[first].start, words[last - 1].end, first > 0, last < len(words)
        )
        found.append(whole)
        if last == len(words):
            return found
        first = last - overlap


def joined(
    parts: Sequence[tuple[Window, Sequence[Mention]]],
) -> tuple[list[Mention], int]:
    """Return the mentions of all windows, and how many pieces at edges were left out.

    Of two overlapping mentions of one type from different windows the longer stays,
    or with equal spans the one with the higher score: the other is a piece that the
    edge of its window cut.
    """
    ranked = sorted(
        ((mention, at) for at, (_, marked) in enumerate(parts) for mention in marked),
        key=lambda pair: (
            -(pair[0].spans[0].end - pair[0].spans[0].start),
            -(pair[0].score or 0.0),
        ),
    )
    kept: list[tuple[Mention, int]] = []
    left_out = 0
    for mention, at in ranked:
        (span,) = mention.spans
        rival = any(
            other != at
            and held.entity_type == mention.entity_type
            and held.spans[0].start < span.end
            and span.start < held.spans[0].end
            for held, other in kept
        )
        left_out += rival
        if not rival:
            kept.append((mention, at))
    return sorted((m for m, _ in kept), key=lambda m: m.spans), left_out
