"""From annotations with character offsets to mentions: checked, mended, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from unibench.data.formats.base import Format
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span, mention_at

Mismatch = Literal["error", "trust_offsets", "nearest", "drop"]
Pieces = tuple[tuple[int, int], ...]
NEAR = 200  # characters on either side; the known shifts are of one or two characters

TRUSTED = "mentions whose text disagrees with the offsets: offsets trusted"
MOVED = "mentions whose text disagrees with the offsets: moved to the nearest place"
DROPPED = "mentions whose text disagrees with the offsets: left out"
OUTSIDE = "mentions whose offsets do not fit the text: left out"
TRIMMED = "mentions trimmed of white space at their edges"
TWICE = "mentions given twice: kept once"
LINE_ENDS = "documents whose CR LF line ends are read as LF, as their offsets count"


class OffsetOptions(
    Format.Options, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Options of every format that gives mentions by character offsets.

    `mismatch` says what happens when the text that an annotation quotes does not
    stand at its offsets (white space aside): `error` stops; `trust_offsets` keeps
    the offsets; `nearest` moves the mention to the nearest place within 200
    characters where the quoted text stands, and keeps the offsets where there is
    none; `drop` leaves the mention out, and does so also with offsets past the text,
    which are an error otherwise. Whatever is done is counted.
    """

    mismatch: Mismatch = "error"


class Annotation(NamedTuple):
    """A mention as a file gives it: half-open offsets, and the text it quotes.

    `error` makes the exception that names the file and the line.
    """

    label: str
    pieces: Pieces
    quoted: str | None
    error: Callable[[str], FormatError]


def mentions_of(
    text: str,
    annotations: Iterable[Annotation],
    mismatch: Mismatch,
    repairs: Counter[str],
) -> tuple[Mention, ...]:
    """Return the mentions that `annotations` cut out of `text`, in text order.

    Pieces that only white space parts are one piece, and white space at the edge of
    a mention is none of it. The same label at the same place is one mention.

    Raises:
        FormatError: an annotation does not fit the text and `mismatch` is no remedy.
    """
    found: dict[Mention, None] = {}
    for annotation in annotations:
        mention = _mention(text, annotation, mismatch, repairs)
        if mention in found:
            repairs[TWICE] += 1
        elif mention is not None:
            found[mention] = None
    return tuple(sorted(found, key=lambda mention: mention.spans))


def fitting_text(
    text: str, annotations: Sequence[Annotation], repairs: Counter[str]
) -> str:
    """Return `text`, its CR LF read as LF where the offsets were counted so.

    Copies of a corpus come with Windows line ends that its offsets do not know: the
    reading with which more quoted texts agree is taken, on a tie the file's own.
    """
    if "\r\n" not in text:
        return text
    other = text.replace("\r\n", "\n")
    if _agreeing(other, annotations) <= _agreeing(text, annotations):
        return text
    repairs[LINE_ENDS] += 1
    return other


def same_words(one: str, other: str) -> bool:
    """Tell whether two strings are equal, white space aside."""
    return one.split() == other.split()


def _agreeing(text: str, annotations: Sequence[Annotation]) -> int:
    return sum(
        a.quoted is not None and same_words(_cut(text, a.pieces), a.quoted)
        for a in annotations
    )


def _cut(text: str, pieces: Pieces) -> str:
    return " ".join(text[start:end] for start, end in pieces)


def _mention(
    text: str, annotation: Annotation, mismatch: Mismatch, repairs: Counter[str]
) -> Mention | None:
    pieces = annotation.pieces
    if not annotation.label.strip():
        raise annotation.error("a mention without a label")
    if problem := _misfit(text, pieces):
        if mismatch == "drop":
            repairs[OUTSIDE] += 1
            return None
        raise annotation.error(problem)
    quoted = annotation.quoted
    if quoted is not None and not same_words(_cut(text, pieces), quoted):
        settled = _settle(text, annotation, mismatch, repairs)
        if settled is None:
            return None
        pieces = settled
    spans = _joined(text, pieces)
    if spans != tuple(Span(*piece) for piece in pieces) and len(spans) == len(pieces):
        repairs[TRIMMED] += 1
    return mention_at(text, annotation.label, *spans)


def _misfit(text: str, pieces: Pieces) -> str:
    """Say why `pieces` cannot be places in `text`; nothing if they can."""
    if not pieces:
        return "a mention without offsets"
    if any(start < 0 for start, _ in pieces):
        return "the offsets of a mention lie in no part of the text"
    shown = ", ".join(f"{start}-{end}" for start, end in pieces)
    if any(not start < end <= len(text) for start, end in pieces):
        return f"offsets {shown} do not fit into a text of {len(text)} characters"
    ordered = sorted(pieces)
    if any(one[1] > two[0] for one, two in pairwise(ordered)):
        return f"the pieces {shown} of one mention overlap"
    if not _cut(text, pieces).strip():
        return f"only white space stands at offsets {shown}"
    return ""


def _settle(
    text: str, annotation: Annotation, mismatch: Mismatch, repairs: Counter[str]
) -> Pieces | None:
    pieces, quoted = annotation.pieces, annotation.quoted or ""
    if mismatch == "drop":
        repairs[DROPPED] += 1
        return None
    if mismatch == "error":
        raise annotation.error(
            f"the text at {pieces[0][0]}-{pieces[-1][1]} is"
            f" {_cut(text, pieces)!r}, not {quoted!r}; if the dataset is known for"
            " this, its card says so by the option `mismatch`"
        )
    if mismatch == "nearest" and len(pieces) == 1:
        place = _nearest(text, quoted.strip(), pieces[0][0])
        if place is not None:
            repairs[MOVED] += 1
            return ((place, place + len(quoted.strip())),)
    repairs[TRUSTED] += 1
    return pieces


def _nearest(text: str, quoted: str, start: int) -> int | None:
    if not quoted:
        return None
    left = text.rfind(quoted, max(0, start - NEAR), start + len(quoted))
    right = text.find(quoted, start, start + NEAR + len(quoted))
    places = [place for place in (left, right) if place >= 0]
    return min(places, key=lambda place: abs(place - start), default=None)


def _joined(text: str, pieces: Pieces) -> tuple[Span, ...]:
    spans: list[Span] = []
    for begin, end in sorted(pieces):
        piece = text[begin:end]
        if not piece.strip():
            continue
        start = begin + len(piece) - len(piece.lstrip())
        stop = end - len(piece) + len(piece.rstrip())
        if spans and not text[spans[-1].end : start].strip():
            spans[-1] = Span(spans[-1].start, stop)
        else:
            spans.append(Span(start, stop))
    return tuple(spans)
