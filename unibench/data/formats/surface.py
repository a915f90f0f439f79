"""Mentions that a file lists by their text alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from unibench.data.formats.base import Format
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span

ABSENT = "mentions that do not occur in their text"
AMBIGUOUS = "mentions without offsets: their text occurs more or less often than listed"


class SurfaceOptions(
    Format.Options, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Options of every format that lists mentions by their text alone.

    A mention gets offsets where they are certain: its text occurs in the passage, as
    whole words, exactly as often as it is listed with its label. Others keep their
    text only, and are counted. A mention that does not occur in the passage at all
    is an error, or with `absent` is kept or dropped, and counted.
    """

    absent: Literal["error", "keep", "drop"] = "error"


Listed = tuple[str, Sequence[str]]
"""A label, and the texts of its mentions in order."""


def surface_mentions(
    text: str,
    listed: Sequence[Listed],
    options: SurfaceOptions,
    repairs: Counter[str],
    error: Callable[[str], FormatError],
) -> tuple[Mention, ...]:
    """Return the mentions, ordered by the first place where their text occurs."""
    found: list[tuple[int, int, Mention]] = []
    for label, surfaces in listed:
        for surface, count in Counter(surfaces).items():
            if not surface.strip():
                raise error(f"a mention of {label!r} is empty")
            if surface not in text:
                if options.absent == "error":
                    raise error(f"{surface!r} ({label}) does not occur in the text")
                repairs[ABSENT] += count
            if surface in text or options.absent == "keep":
                found += _listed(text, label, surface, count, repairs)
    return tuple(mention for *_, mention in sorted(found, key=lambda item: item[:2]))


def _listed(
    text: str, label: str, surface: str, count: int, repairs: Counter[str]
) -> Iterator[tuple[int, int, Mention]]:
    """Yield (place, which of the repeated ones, mention)."""
    places = _places(text, surface)
    certain = len(places) == count
    repairs.update({AMBIGUOUS: count} if not certain else {})
    for number in range(count):
        spans: tuple[Span, ...] = (places[number],) if certain else ()
        start = places[number].start if certain else text.find(surface)
        yield start, number, Mention(label, surface, spans)


def _places(text: str, surface: str) -> list[Span]:
    """The places where `surface` stands as whole words; they do not overlap."""
    before = r"(?<!\w)" if re.match(r"\w", surface) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", surface) else ""
    matches = re.finditer(before + re.escape(surface) + after, text)
    return [Span(match.start(), match.end()) for match in matches]
