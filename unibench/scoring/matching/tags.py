"""Mentions as token numbers and tags: what cannot nest, overlap or skip a word."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from unibench.errors import ScoreError
from unibench.schema.score import Case
from unibench.schema.text import Span, token_spans
from unibench.scoring.matching.mentions import Placed
from unibench.scoring.profile import Item

OUTSIDE = "O"


class Chunk(NamedTuple):
    """An entity over tokens `first` to `last`, both included."""

    entity_type: str
    first: int
    last: int


class Words:
    """The tokens of one passage and which of them a character span touches."""

    def __init__(self, case: Case, profile: str) -> None:
        """Take the passage's own tokens, or else its pieces between white space.

        Raises:
            ScoreError: the passage has neither a text nor tokens, but mentions.
        """
        passage = case.passage
        self.spans = token_spans(passage)
        if not self.spans and (passage.mentions or case.predicted):
            raise ScoreError(
                f"profile {profile!r} compares tokens, but passage {passage.id!r} has"
                " neither a text nor tokens; give the gold rows a 'text'"
            )
        self.starts = [span.start for span in self.spans]
        self.ends = [span.end for span in self.spans]

    def touched(self, span: Span) -> range:
        """Return the numbers of the tokens that share a character with `span`."""
        first = bisect_right(self.ends, span.start)
        return range(first, bisect_left(self.starts, span.end))


def flatten(placed: Iterable[Placed], words: Words) -> tuple[list[Chunk], int]:
    """Return chunks that tags can hold, and how many mentions had to go.

    Of mentions that share a token the longest stays, then the leftmost, then the first
    by type name. Discontinuous mentions have no place in tags and go too.
    """
    distinct = {(p.mention.entity_type, p.place) for p in placed if p.place}
    taken: set[int] = set()
    chunks: list[Chunk] = []
    for name, place in sorted(distinct, key=_longest_first):
        covered = words.touched(place[0])
        if len(place) > 1 or not covered or not taken.isdisjoint(covered):
            continue
        taken.update(covered)
        chunks.append(Chunk(name, covered[0], covered[-1]))
    return sorted(chunks, key=lambda chunk: chunk.first), len(distinct) - len(chunks)


def _longest_first(item: tuple[str, tuple[Span, ...]]) -> tuple[int, int, str]:
    name, place = item
    return place[0].start - place[-1].end, place[0].start, name


def to_tags(chunks: Iterable[Chunk], size: int) -> list[str]:
    """Return the IOB2 tags of `size` tokens."""
    tags = [OUTSIDE] * size
    for name, first, last in chunks:
        tags[first] = f"B-{name}"
        tags[first + 1 : last + 1] = [f"I-{name}"] * (last - first)
    return tags


def chunks_default(tags: Sequence[str]) -> list[Chunk]:
    """Read tags as conlleval.pl and seqeval's default mode do.

    A chunk starts at B and S, at I and E after O, E or S, and wherever the type
    changes; so an I that continues nothing opens a chunk (scorers.md, section 4.10).
    """
    chunks: list[Chunk] = []
    first, before, type_before = 0, OUTSIDE, ""
    for number, tag in enumerate((*tags, OUTSIDE)):
        prefix, name = _split(tag)
        if _ends(before, prefix, type_before != name):
            chunks.append(Chunk(type_before, first, number - 1))
        if _starts(before, prefix, type_before != name):
            first = number
        before, type_before = prefix, name
    return chunks


def _split(tag: str) -> tuple[str, str]:
    """Return prefix and type; a tag without a hyphen loses its first letter."""
    return tag[:1], tag[1:].split("-", 1)[-1] or "_"


def _starts(before: str, prefix: str, other_type: bool) -> bool:  # noqa: FBT001
    if prefix in {"B", "S"}:
        return True
    if prefix in {"I", "E"} and before in {"O", "E", "S"}:
        return True
    return prefix not in {"O", "."} and other_type


def _ends(before: str, prefix: str, other_type: bool) -> bool:  # noqa: FBT001
    if before in {"E", "S"}:
        return True
    if before in {"B", "I"} and prefix in {"B", "S", "O"}:
        return True
    return before not in {"O", "."} and other_type


def chunks_iob2(tags: Sequence[str]) -> list[Chunk]:
    """Read tags as seqeval's strict mode does with the scheme IOB2.

    A chunk starts at B only; an I without its B is nothing.

    Raises:
        ScoreError: a tag is outside the scheme.
    """
    chunks: list[Chunk] = []
    for number, tag in enumerate(tags):
        prefix, name = _split(tag)
        if prefix not in {"B", "I", "O"}:
            raise ScoreError(f"{tag!r} is not a tag of IOB2, which has only B, I and O")
        if prefix == "B":
            chunks.append(Chunk(name, number, number))
        elif prefix == "I" and chunks and _continues(chunks[-1], name, number):
            chunks[-1] = chunks[-1]._replace(last=number)
    return chunks


def _continues(chunk: Chunk, name: str, number: int) -> bool:
    return chunk.last == number - 1 and chunk.entity_type == name


def lost_items(placed: Iterable[Placed], side: str) -> list[Item]:
    """Return an item that nothing equals for each mention without a place."""
    return [
        (p.mention.entity_type, (side, p.mention.text)) for p in placed if not p.place
    ]
