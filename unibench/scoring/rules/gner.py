"""GNER's rule: tagged words aligned to the passage, then strings (scorers.md, 4.7)."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage, Span, token_spans
from unibench.scoring.matching.credit import credit_set
from unibench.scoring.matching.mentions import look
from unibench.scoring.matching.normalise import normalise_uniner
from unibench.scoring.profile import Item, Items, Notes, Profile

_OPENING = re.compile(r"\((?:B-|I-|O\))")
_OUTSIDE = "O"


def read_tagged_words(answer: str) -> tuple[list[str], list[str]]:
    """Return the words and the tags of `word(tag)` pieces.

    A tag ends at the first `)` of its line; empty words and what stands after the last
    tag are left out.
    """
    words, tags, begin = [], [], 0
    for start, end in _tag_places(answer):
        word = answer[begin:start].strip()
        if word:
            words.append(word)
            tags.append(answer[start + 1 : end - 1].strip())
        begin = end
    return words, tags


def _tag_places(answer: str) -> Iterator[tuple[int, int]]:
    """Yield where tags stand, each character looked at a bounded number of times."""
    close = line_end = begin = 0
    while opening := _OPENING.search(answer, begin):
        start, begin = opening.span()
        if answer[begin - 1] == ")":
            yield start, begin
            continue
        if close < begin:
            close = answer.find(")", begin)
        if close < 0:
            return
        if line_end < begin:
            line_end = answer.find("\n", begin)
            line_end = len(answer) if line_end < 0 else line_end
        if close < line_end:
            begin = close + 1
            yield start, begin


def align_words(passage: Sequence[str], written: Sequence[str]) -> list[int | None]:
    """Return for each word of the passage which written word is its partner.

    Both are compared in lower case: equal lists pair up; else written words that occur
    in order are found greedily from the left; else the longest common subsequence.
    """
    ours = [word.lower() for word in passage]
    theirs = [word.lower() for word in written]
    if ours == theirs:
        return list(range(len(ours)))
    partners: list[int | None] = [None] * len(ours)
    found = 0
    for number, word in enumerate(ours):
        if found < len(theirs) and word == theirs[found]:
            partners[number] = found
            found += 1
    return partners if found == len(theirs) else _common_subsequence(ours, theirs)


def _common_subsequence(ours: list[str], theirs: list[str]) -> list[int | None]:
    """Find a longest increasing run of equal words by piles, as the original does.

    Of equally long runs it takes the one whose last words were seen last; this decides
    where repeated words go.
    """
    places: dict[str, list[int]] = {}
    for number, word in enumerate(theirs):
        places.setdefault(word, []).append(number)
    tops: list[int] = []
    piles: list[list[tuple[int, int, int]]] = []
    for number, word in enumerate(ours):
        for place in reversed(places.get(word, ())):
            pile = bisect_left(tops, place)
            below = len(piles[pile - 1]) - 1 if pile else -1
            if pile == len(tops):
                tops.append(place)
                piles.append([])
            tops[pile] = place
            piles[pile].append((below, number, place))
    partners: list[int | None] = [None] * len(ours)
    card = len(piles[-1]) - 1 if piles else -1
    for pile_cards in reversed(piles):
        card, number, place = pile_cards[card]
        partners[number] = place
    return partners


def read_answer(
    answer: str, passage: Passage, entity_types: tuple[str, ...]
) -> list[Mention]:
    """Read tagged words, align them, and return the entities of the passage's words.

    A tag of a type that was not asked is O. An I of another type continues the running
    entity, and the last word's type wins.
    """
    asked = set(entity_types)
    written, tags = read_tagged_words(answer.strip())
    spans = token_spans(passage)
    words = [passage.text[span.start : span.end] for span in spans]
    partners = align_words(words, written)
    read = [_OUTSIDE if p is None else _valid(tags[p], asked) for p in partners]
    return [
        Mention(name, passage.text[span.start : span.end], (span,))
        for name, span in entities_of_tags(read, spans)
    ]


def _valid(tag: str, asked: set[str]) -> str:
    return tag if tag[:2] in {"B-", "I-"} and tag[2:] in asked else _OUTSIDE


def entities_of_tags(
    tags: Sequence[str], spans: Sequence[Span]
) -> Iterator[tuple[str, Span]]:
    """Yield (type, span) as GNER reads tags: an I of another type does not part."""
    first: int | None = None
    for number, tag in enumerate((*tags, _OUTSIDE)):
        if first is not None and tag[0] in "BO":
            yield tags[number - 1][2:], Span(spans[first].start, spans[number - 1].end)
            first = None
        if first is None and tag != _OUTSIDE:
            first = number


def gner_items(case: Case, profile: Profile, notes: Notes) -> Items:
    """Return (type, words joined by blanks), both normalised as `uniner`."""
    looked = look(case, profile, notes)
    names: dict[str, str] = {}
    for name in case.entity_types:
        names.setdefault(normalise_uniner(name), name)
    return Items(
        [_item(mention, case.passage, names) for mention in looked.gold],
        [_item(mention, case.passage, names) for mention in looked.predicted],
    )


def _item(mention: Mention, passage: Passage, names: dict[str, str]) -> Item:
    text = mention.text
    if passage.tokens and len(mention.spans) == 1:
        span = mention.spans[0]
        touched = (t for t in passage.tokens if t.start < span.end > span.start < t.end)
        text = " ".join(
            passage.text[max(t.start, span.start) : min(t.end, span.end)]
            for t in touched
        )
    return names[normalise_uniner(mention.entity_type)], normalise_uniner(text)


GNER = Profile(
    name="gner",
    summary="normalised strings and types per passage, after aligning tagged words",
    unit="passage_string",
    normalisation="uniner",
    repeats="set",
    unparsable="aligned",
    parser="gner",
    reads_answers=True,
    items=gner_items,
    credit=credit_set,
)
