"""EvalScope's rule: tags rebuilt from XML, then seqeval (scorers.md, 4.12)."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage, Span, token_spans
from unibench.scoring.matching.credit import credit_set
from unibench.scoring.matching.mentions import look, place_all
from unibench.scoring.matching.tags import (
    OUTSIDE,
    Chunk,
    Words,
    chunks_default,
    flatten,
)
from unibench.scoring.profile import Items, Notes, Profile
from unibench.scoring.rules.tags import as_items

_RESPONSE = re.compile(r"<response>(.*?)</response>", re.DOTALL)
_OPEN = re.compile(r"<(\w+)>")
_CLOSE = re.compile(r"</(\w+)>")
_TAG = re.compile(r"<[^>]+>")
_UNCLOSED = re.compile(r"<(\w+)>([^<\n]*)(?=<|$)")
_CONTEXT = 20


class Tagged(NamedTuple):
    """A tagged piece of an answer; `start` and `end` include its tags."""

    entity_type: str
    text: str
    start: int
    end: int


def tag_name(entity_type: str) -> str:
    """Return the tag of a type: word characters only, in lower case."""
    return re.sub(r"\W+", "_", entity_type).lower()


def clean(answer: str) -> str:
    """Return what stands in the response tags, closing tags made to fit."""
    inside = _RESPONSE.search(answer)
    text = inside.group(1) if inside else answer
    closes = [close.span() for close in _CLOSE.finditer(text)]
    pieces, begin = [], 0
    for opening, (start, end) in _closed(text, lambda name: closes):
        pieces += [text[begin:start], f"</{opening.group(1)}>"]
        begin = end
    return "".join(pieces) + text[begin:]


def tagged_pieces(text: str, names: dict[str, str]) -> list[Tagged]:
    """Return closed tags, then unclosed ones of known types up to the next `<`.

    An unknown tag keeps its own name as type.
    """
    closes: dict[str, list[tuple[int, int]]] = {}
    for close in _CLOSE.finditer(text):
        closes.setdefault(close.group(1), []).append(close.span())
    found = []
    for opening, (start, end) in _closed(text, lambda name: closes.get(name, [])):
        name = opening.group(1).lower()
        inner = text[opening.end() : start]
        found.append(Tagged(names.get(name, name), inner, opening.start(), end))
    return found + list(_unclosed(text, names, found))


def _closed(
    text: str, closes_of: Callable[[str], list[tuple[int, int]]]
) -> Iterator[tuple[re.Match[str], tuple[int, int]]]:
    """Yield each opening tag that has a closing one in its line, and that one."""
    begin = line_end = 0
    while opening := _OPEN.search(text, begin):
        begin = opening.end()
        if line_end < begin:
            line_end = text.find("\n", begin) % (len(text) + 1)
        closes = closes_of(opening.group(1))
        number = bisect_left(closes, (begin, 0))
        if number < len(closes) and closes[number][0] <= line_end:
            yield opening, closes[number]
            begin = closes[number][1]


def _unclosed(
    text: str, names: dict[str, str], closed: list[Tagged]
) -> Iterator[Tagged]:
    starts = [piece.start for piece in closed]
    for match in _UNCLOSED.finditer(text):
        number = bisect_right(starts, match.start()) - 1
        if number >= 0 and match.start() < closed[number].end:
            continue
        name = names.get(match.group(1).lower())
        if name is not None:
            yield Tagged(name, match.group(2), *match.span())


def place_pieces(
    answer: str, tokens: Sequence[str], entity_types: Iterable[str]
) -> list[str]:
    """Return the tags of `tokens` that the published placing gives an answer."""
    xml = clean(answer)
    text = " ".join(tokens)
    names: dict[str, str] = {}
    for name in entity_types:
        names.setdefault(tag_name(name), name)
    tags = [OUTSIDE] * len(tokens)
    for piece in tagged_pieces(xml, names):
        start = _find(piece, xml, text)
        if start >= 0:
            _tag(tags, tokens, piece.entity_type, start, start + len(piece.text))
    return tags


def _find(piece: Tagged, xml: str, text: str) -> int:
    """Return the first occurrence whose neighbourhood fits, else the first, else -1."""
    before = _TAG.sub("", xml[max(0, piece.start - _CONTEXT) : piece.start])
    after = _TAG.sub("", xml[piece.end : piece.end + _CONTEXT])
    begin = 0
    while begin < len(text):
        start = text.find(piece.text, begin)
        if start < 0:
            break
        end = start + len(piece.text)
        left = text[max(0, start - len(before)) : start].strip()
        right = text[end : end + len(after)].strip()
        if before.strip() in left or after.strip() in right or begin > len(text) // 2:
            return start
        begin = start + 1
    return text.find(piece.text)


def _tag(
    tags: list[str], tokens: Sequence[str], name: str, start: int, end: int
) -> None:
    """Tag the free tokens from `start` to `end`; neighbours of one type merge."""
    begin = 0
    for number, token in enumerate(tokens):
        if begin <= end and begin + len(token) >= start and tags[number] == OUTSIDE:
            before = tags[number - 1] if number else OUTSIDE
            fresh = before == OUTSIDE or not before.endswith(name)
            tags[number] = f"{'B' if fresh else 'I'}-{name}"
        begin += len(token) + 1


def write_answer(tokens: Sequence[str], chunks: Iterable[Chunk]) -> str:
    """Write chunks as tags in the passage, wrapped as the prompt asks."""
    words = list(tokens)
    for name, first, last in chunks:
        words[first] = f"<{tag_name(name)}>{words[first]}"
        words[last] = f"{words[last]}</{tag_name(name)}>"
    return f"<response>{' '.join(words)}</response>"


def _token_texts(passage: Passage) -> list[str]:
    return [passage.text[span.start : span.end] for span in token_spans(passage)]


def evalscope_items(case: Case, profile: Profile, notes: Notes) -> Items:
    """Return the chunks of the gold tags and of those rebuilt from the answer.

    Without an answer in XML the flattened predictions are written as a perfect one.
    """
    looked = look(case, profile, notes)
    words = Words(case, profile.name)
    tokens = _token_texts(case.passage)
    placed = place_all(looked.gold, case, profile, notes)
    gold, dropped = flatten(placed, words)
    if dropped:
        notes["flattened_gold"] += dropped
    chunks: list[Chunk] = []
    if case.answer_form == profile.parser and case.responses:
        answers = list(case.responses.values())
    else:
        placed = place_all(looked.predicted, case, profile, notes)
        chunks, dropped = flatten(placed, words)
        if dropped:
            notes["flattened_predicted"] += dropped
        answers = [write_answer(tokens, chunks)]
    types = list(dict.fromkeys([*case.entity_types, *(c.entity_type for c in chunks)]))
    predicted = [
        item
        for answer in answers
        for item in as_items(chunks_default(place_pieces(answer, tokens, types)))
    ]
    return Items(as_items(gold), predicted)


def read_answer(
    answer: str, passage: Passage, entity_types: tuple[str, ...]
) -> list[Mention]:
    """Return the mentions that the published placing makes of an answer in XML."""
    spans = token_spans(passage)
    tags = place_pieces(answer, _token_texts(passage), entity_types)
    mentions = []
    for name, first, last in chunks_default(tags):
        span = Span(spans[first].start, spans[last].end)
        mentions.append(Mention(name, passage.text[span.start : span.end], (span,)))
    return mentions


EVALSCOPE = Profile(
    name="evalscope",
    summary="tags rebuilt from XML by string search, then seqeval, as EvalScope",
    unit="word_span",
    normalisation="none",
    repeats="position",
    invented="drop",
    types="asked_and_wrong",
    parser="evalscope",
    items=evalscope_items,
    credit=credit_set,
)
