"""Perfect answers in each format, and what the names of types may not hold."""

from __future__ import annotations

import json
from collections.abc import Sequence

from unibench.adapters.parsing.reading import fold
from unibench.errors import AdapterError
from unibench.schema.query import Query
from unibench.schema.text import Mention, Span, token_spans


def asked_mentions(query: Query) -> list[Mention]:
    """Return the passage's mentions of the types that `query` asks."""
    asked = set(query.entity_types)
    return [m for m in query.passage.mentions if m.entity_type in asked]


def texts_of(query: Query, entity_type: str) -> list[str]:
    """Return the texts of the mentions of one type, repeats included."""
    return [m.text for m in query.passage.mentions if m.entity_type == entity_type]


def json_list_answer(query: Query) -> str:
    """Write `["mention", ...]`."""
    texts = [mention.text for mention in asked_mentions(query)]
    return json.dumps(texts, ensure_ascii=False)


def json_object_answer(query: Query) -> str:
    """Write `{"type": ["mention", ...], ...}` with every asked type."""
    answer = {name: texts_of(query, name) for name in query.entity_types}
    return json.dumps(answer, ensure_ascii=False)


def type_bar_answer(query: Query) -> str:
    """Write `type: mention, mention | type: None`."""
    return " | ".join(
        f"{name}: {', '.join(texts_of(query, name)) or 'None'}"
        for name in query.entity_types
    )


def type_pairs_answer(query: Query) -> str:
    """Write ` type: mention; type: mention`, or ` None`."""
    pairs = [f"{m.entity_type}: {m.text}" for m in asked_mentions(query)]
    return " " + ("; ".join(pairs) or "None")


def word_tags_answer(query: Query, words: Sequence[Span]) -> str:
    """Write `word(tag) word(tag)`; of overlapping mentions the longest stays."""
    tags = ["O"] * len(words)
    ranked = sorted(asked_mentions(query), key=lambda m: (-len(m.text), m.spans))
    for mention in ranked:
        inside = _inside(mention, words)
        if inside and all(tags[at] == "O" for at in inside):
            tags[inside[0]] = f"B-{mention.entity_type}"
            for at in inside[1:]:
                tags[at] = f"I-{mention.entity_type}"
    text = query.passage.text
    pairs = zip(words, tags, strict=True)
    return " ".join(f"{text[span.start : span.end]}({tag})" for span, tag in pairs)


def _inside(mention: Mention, words: Sequence[Span]) -> list[int]:
    """The positions of the words that make up exactly `mention`, or none."""
    if len(mention.spans) != 1:
        return []
    (whole,) = mention.spans
    inside = [
        at
        for at, word in enumerate(words)
        if whole.start <= word.start and word.end <= whole.end
    ]
    if not inside:
        return []
    exact = words[inside[0]].start == whole.start and words[inside[-1]].end == whole.end
    return inside if exact else []


def python_literal(text: str) -> str:
    """Return `text` as a Python string literal, with double quotes where possible."""
    literal = repr(text)
    if literal.startswith("'") and '"' not in text:
        return '"' + literal[1:-1].replace("\\'", "'") + '"'
    return literal


def forbid(query: Query, characters: str, form: str) -> None:
    """Raise AdapterError for a type that the answer format cannot express.

    Raises:
        AdapterError: a type holds one of `characters`, or two types are equal but
            for case and blanks.
    """
    seen: dict[str, str] = {}
    for name in query.entity_types:
        bad = [character for character in characters if character in name]
        if bad:
            raise AdapterError(
                f"the entity type {name!r} cannot be asked in the form {form}: it"
                f" holds {bad[0]!r}; give it another name in the label map"
            )
        if fold(name) in seen:
            raise AdapterError(
                f"the entity types {seen[fold(name)]!r} and {name!r} cannot be told"
                f" apart in the form {form}; give one another name in the label map"
            )
        seen[fold(name)] = name


def words_of(query: Query) -> tuple[Span, ...]:
    """Return the words of a passage, for formats that are made of words.

    These are the dataset's own tokens. Where it has none, they are the pieces
    between white space, with punctuation at their edges split off unless the text
    already stands in tokens, which a punctuation mark between blanks shows.
    """
    passage = query.passage
    pieces = token_spans(passage)
    texts = [passage.text[span.start : span.end] for span in pieces]
    if passage.tokens or any(_is_mark(text) for text in texts):
        return pieces
    return tuple(
        part
        for span, text in zip(pieces, texts, strict=True)
        for part in _split(text, span.start)
    )


_OPENING = "([{\"'\u201c\u2018\u00ab<"
_CLOSING = ".,;:!?)]}\"'\u201d\u2019\u00bb>%"


def _is_mark(text: str) -> bool:
    return all(character in _OPENING + _CLOSING for character in text)


def _split(text: str, start: int) -> list[Span]:
    """Cut the punctuation off both ends of one piece, mark by mark."""
    first, last = 0, len(text)
    while first < last - 1 and text[first] in _OPENING:
        first += 1
    while last - 1 > first and text[last - 1] in _CLOSING:
        last -= 1
    edges = [*range(first), first, *range(last, len(text))]
    ends = [*range(1, first + 1), last, *range(last + 1, len(text) + 1)]
    return [Span(start + a, start + b) for a, b in zip(edges, ends, strict=True)]
