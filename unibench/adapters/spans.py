"""Check what span models mark, and choose among it (prompts.md 14, class H)."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from unibench.adapters.parsing.reading import TypeNames
from unibench.errors import BackendError
from unibench.schema.query import Parsed, Query
from unibench.schema.text import Mention, Span, token_spans


class SpanForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model gives its spans.

    `widen: words` widens a span that begins or ends inside a word; `merge: adjacent`
    joins neighbours of one type across one blank (NuNER Zero). `types` maps an asked
    type to the model's labels that mean it; without it labels are the asked types.
    """

    end: Literal["exclusive", "inclusive"] = "exclusive"
    offsets: Literal["characters", "bytes", "utf16"] = "characters"
    scores: Literal["probabilities", "logits"] = "probabilities"
    widen: Literal["none", "words"] = "none"
    merge: Literal["none", "adjacent"] = "none"
    types: Mapping[str, tuple[str, ...]] = {}


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the marked spans stay.

    `flat` allows no overlap, `nested` containment but no crossing, `free` both; a
    higher score wins, then the earlier type of the query, then the longer span.
    `multi_label` allows several types on one span where overlap is allowed.
    """

    threshold: float = 0.5
    overlap: Literal["flat", "nested", "free"] = "flat"
    multi_label: bool = False


class RawSpan(msgspec.Struct, frozen=True):
    """A span as the model gave it; offsets and score as its form says."""

    start: int
    end: int
    label: str
    text: str | None = None
    score: float | None = None


class Notes:
    """What was mended and left out while spans were checked."""

    def __init__(self) -> None:
        self.repairs: dict[str, None] = {}
        self.dropped: Counter[str] = Counter()

    def parsed(
        self, mentions: Iterable[Mention], before: Parsed | None = None
    ) -> Parsed:
        """Return mentions with these notes, added to those of `before`."""
        earlier = before or Parsed()
        repairs = dict.fromkeys((*earlier.repairs, *self.repairs))
        dropped = Counter(earlier.dropped) + self.dropped
        return Parsed(
            mentions=tuple(mentions),
            repairs=tuple(repairs),
            dropped=dict(dropped),
            flags=earlier.flags,
        )


def checked(raw: Iterable[RawSpan], query: Query, form: SpanForm, model: str) -> Parsed:
    """Return the mentions that a model marked, with character offsets.

    Raises:
        BackendError: a score or an offset cannot be right; the message names model
            and passage.
    """
    notes = Notes()
    where = f"{model}, passage {query.passage.id!r}"
    offsets = _Offsets(query.passage.text, form)
    labels = _labels(query, form)
    mentions = []
    for span in raw:
        score = _score(span, form, where)
        start, end = offsets.characters(span, where)
        start, end = _trimmed(query.passage.text, start, end, notes)
        if form.widen == "words":
            start, end = _widened(query, start, end, notes)
        names = _asked(span.label, labels, notes)
        if not names or start >= end:
            notes.dropped["empty_mention" if names else "unasked_type"] += 1
            continue
        text = query.passage.text[start:end]
        mentions += [Mention(name, text, (Span(start, end),), score) for name in names]
    if form.merge == "adjacent":
        mentions = _merged(mentions, query.passage.text, notes)
    return notes.parsed(mentions)


def settled(parsed: Parsed, query: Query, choice: Choice) -> Parsed:
    """Return the spans that stay under `choice`, the others counted."""
    notes = Notes()
    order = {name: at for at, name in enumerate(query.entity_types)}
    kept: list[Mention] = []
    likely = [m for m in parsed.mentions if _likely(m, choice, notes)]
    likely.sort(
        key=lambda m: (
            -(1.0 if m.score is None else m.score),
            order.get(m.entity_type, len(order)),
            -(m.spans[0].end - m.spans[0].start),
            m.spans,
        )
    )
    for mention in likely:
        reason = next((r for k in kept if (r := _conflict(mention, k, choice))), "")
        if reason:
            notes.dropped[reason] += 1
        else:
            kept.append(mention)
    kept.sort(key=lambda m: (m.spans[0].start, -m.spans[0].end))
    return notes.parsed(kept, parsed)


def _likely(mention: Mention, choice: Choice, notes: Notes) -> bool:
    if mention.score is None or mention.score >= choice.threshold:
        return True
    notes.dropped["below_threshold"] += 1
    return False


def _conflict(new: Mention, kept: Mention, choice: Choice) -> str:
    """Why `new` cannot stand beside `kept`; empty where it can."""
    (a,), (b,) = new.spans, kept.spans
    if a == b:
        if new.entity_type == kept.entity_type:
            return "repeated_span"
        return "" if choice.multi_label else "second_label"
    if a.end <= b.start or b.end <= a.start or choice.overlap == "free":
        return ""
    if choice.overlap == "flat":
        return "overlap"
    contained = (a.start <= b.start and b.end <= a.end) or (
        b.start <= a.start and a.end <= b.end
    )
    return "" if contained else "crossing"


class _Offsets:
    """From a model's offsets to characters."""

    def __init__(self, text: str, form: SpanForm) -> None:
        self.text, self.form = text, form
        self.units: list[int] = []
        if form.offsets != "characters":
            encoding = "utf-8" if form.offsets == "bytes" else "utf-16-le"
            width = 1 if form.offsets == "bytes" else 2
            total = 0
            for character in text:
                self.units.append(total)
                total += len(character.encode(encoding)) // width
            self.units.append(total)

    def characters(self, span: RawSpan, where: str) -> tuple[int, int]:
        """Return half-open character offsets, checked against the model's text."""
        start, end = span.start, span.end + (self.form.end == "inclusive")
        if self.units:
            start, end = self._position(start, where), self._position(end, where)
        if not 0 <= start < end <= len(self.text):
            raise BackendError(
                f"{where}: the span [{span.start}, {span.end}) lies outside the text"
                f" of {len(self.text)} characters, or is empty"
            )
        found = self.text[start:end]
        given = span.text
        if given is not None and given != found and not _is_pieces(given):
            raise BackendError(
                f"{where}: {given!r} is not what stands at its offsets, {found!r};"
                " declare 'end: inclusive', 'offsets: bytes' or 'offsets: utf16' in"
                " the card's options"
            )
        return start, end

    def _position(self, unit: int, where: str) -> int:
        at = bisect_right(self.units, unit) - 1
        if not at >= 0 or self.units[at] != unit:
            raise BackendError(
                f"{where}: offset {unit} lies outside the text or inside a character"
            )
        return at


def _is_pieces(text: str) -> bool:
    """Whether a text is made of sub-word pieces, which say nothing of the passage."""
    return "##" in text or "\u2581" in text or "\u0120" in text


def _score(span: RawSpan, form: SpanForm, where: str) -> float | None:
    score = span.score
    if score is None:
        return None
    if not math.isfinite(score):
        raise BackendError(f"{where}: a score is {score}; such spans cannot be ranked")
    if form.scores == "logits":
        # exp of a large number would overflow
        return 1 / (1 + math.exp(-score)) if score > -700 else 0.0
    if not 0 <= score <= 1:
        raise BackendError(
            f"{where}: the score {score} is no probability; declare 'scores: logits'"
            " in the card's options"
        )
    return score


def _labels(query: Query, form: SpanForm) -> dict[str, tuple[str, ...]]:
    """Model label -> the asked types that it means."""
    if not form.types:
        return {name: (name,) for name in query.entity_types}
    meant: dict[str, tuple[str, ...]] = {}
    for name in query.entity_types:
        for label in form.types.get(name, ()):
            meant[label] = (*meant.get(label, ()), name)
    return meant


def _asked(
    label: str, labels: Mapping[str, tuple[str, ...]], notes: Notes
) -> tuple[str, ...]:
    if label in labels:
        return labels[label]
    found = TypeNames(labels).find(label)
    if found is None:
        return ()
    notes.repairs["type_case"] = None
    return labels[found]


def _trimmed(text: str, start: int, end: int, notes: Notes) -> tuple[int, int]:
    before = (start, end)
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if (start, end) != before:
        notes.repairs["blanks"] = None
    return start, end


def _widened(query: Query, start: int, end: int, notes: Notes) -> tuple[int, int]:
    touched = [
        word
        for word in token_spans(query.passage)
        if word.start < end and start < word.end
    ]
    if not touched:
        return start, end
    wide = min(start, touched[0].start), max(end, touched[-1].end)
    if wide != (start, end):
        notes.repairs["widened"] = None
    return wide


def _merged(mentions: Sequence[Mention], text: str, notes: Notes) -> list[Mention]:
    merged: list[Mention] = []
    for mention in sorted(mentions, key=lambda m: (m.entity_type, m.spans)):
        last = merged[-1] if merged else None
        if last and last.entity_type == mention.entity_type:
            (a,), (b,) = last.spans, mention.spans
            if a.end <= b.start and text[a.end : b.start] in {"", " "}:
                scores = [s for s in (last.score, mention.score) if s is not None]
                joined = Span(a.start, b.end)
                merged[-1] = Mention(
                    mention.entity_type,
                    text[a.start : b.end],
                    (joined,),
                    min(scores, default=None),
                )
                notes.repairs["merged"] = None
                continue
        merged.append(mention)
    return merged
