"""Passages and the entity mentions in them."""

from __future__ import annotations

import msgspec


class Span(msgspec.Struct, frozen=True, order=True, array_like=True):
    """Half-open character offsets into a passage: `text[start:end]`."""

    start: int
    end: int

    def __post_init__(self) -> None:
        """Refuse what cannot be a span."""
        if not 0 <= self.start < self.end:
            raise ValueError(f"empty or negative span [{self.start}, {self.end})")


class Mention(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entity mention.

    `spans` is empty when a model returned only the text, and holds several spans
    when the mention is discontinuous; its text is then the pieces joined by one
    blank. `score` is the model's confidence, 0 to 1, where it gives one.
    """

    entity_type: str
    text: str
    spans: tuple[Span, ...] = ()
    score: float | None = None


class Passage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One instance of a dataset: a text and its gold mentions.

    Nested, overlapping and repeated mentions are kept, in order of occurrence.
    `document` names the document that the passage was cut from, where known; the
    bootstrap draws documents. `tokens` holds the dataset's own tokens when they
    differ from splitting `text` at white space, else it is empty.
    """

    id: str
    text: str
    mentions: tuple[Mention, ...] = ()
    document: str = ""
    tokens: tuple[Span, ...] = ()


def mention_at(text: str, entity_type: str, *spans: Span) -> Mention:
    """Return the mention of `entity_type` that `spans` cut out of `text`.

    Raises:
        ValueError: a span ends after the text.
    """
    if any(span.end > len(text) for span in spans):
        raise ValueError(f"{spans} do not fit into a text of {len(text)} characters")
    pieces = (text[span.start : span.end] for span in spans)
    return Mention(entity_type, " ".join(pieces), spans)


def token_spans(passage: Passage) -> tuple[Span, ...]:
    """Return the passage's own tokens, or else its pieces between white space."""
    if passage.tokens:
        return passage.tokens
    spans, start = [], 0
    for word in passage.text.split():
        start = passage.text.index(word, start)
        spans.append(Span(start, start + len(word)))
        start += len(word)
    return tuple(spans)
