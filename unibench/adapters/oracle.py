"""The oracle round trip: gold as a perfect answer in a model's own form, read back.

What comes back is the ceiling of any model that is asked and read so: mentions that
the form cannot hold are lost before a model has said a word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from unibench.adapters.base import GenerativeAdapter, ModelAdapter, SpanAdapter
from unibench.adapters.formats import words_of
from unibench.adapters.parsing.clean import is_none
from unibench.errors import AdapterError
from unibench.schema.query import Parsed, Query, Response
from unibench.schema.text import Mention, Passage

OTHER = "other"
"""The reason that explains nothing: a loss for it is a mistake of ours."""


class Loss(msgspec.Struct, frozen=True):
    """A gold mention that the form cannot hold, and why."""

    passage: str
    entity_type: str
    text: str
    reason: str


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of the gold after the round trip.

    `refused` maps types that cannot be asked to the reason; `invented` counts what
    came back although it is not gold.
    """

    gold: int
    kept: int
    invented: int
    losses: tuple[Loss, ...]
    refused: Mapping[str, str]
    flags: Mapping[str, int]

    @property
    def f1(self) -> float:
        """The highest micro-F1 that can be had; 1 where there is no gold."""
        total = 2 * self.kept + (self.gold - self.kept) + self.invented
        return 2 * self.kept / total if total else 1.0

    @property
    def reasons(self) -> dict[str, int]:
        """How many mentions are lost for each reason."""
        return dict(Counter(loss.reason for loss in self.losses))


def ceiling(
    adapter: ModelAdapter,
    passages: Sequence[Passage],
    entity_types: Sequence[str],
    definitions: Mapping[str, str] | None = None,
    subset: str = "",
) -> Ceiling:
    """Send the gold of `passages` round through the adapter's own form.

    Raises:
        AdapterError: the adapter states no answer form, or its types cannot be asked
            together.
    """
    defined = dict(definitions or {})
    refused = dict(_refused(adapter, entity_types, defined, subset))
    asked = tuple(name for name in entity_types if name not in refused)
    losses: list[Loss] = []
    flags: Counter[str] = Counter()
    gold = kept = invented = 0
    for passage in passages:
        wanted = [m for m in passage.mentions if m.entity_type in set(entity_types)]
        found: Counter[tuple[str, str]] = Counter()
        for group in _groups(asked, adapter.types_per_query):
            query = Query(
                passage, group, {t: defined[t] for t in group if t in defined}
            )
            query = msgspec.structs.replace(query, subset=subset)
            mentions, notes = _round_trip(adapter, query)
            found.update((m.entity_type, m.text) for m in mentions)
            flags.update(notes)
        gold += len(wanted)
        missing = [_loss(m, passage, refused, adapter) for m in wanted]
        # Of several mentions with one text, those that nothing speaks against stay.
        missing.sort(key=lambda loss: loss.reason != OTHER)
        for loss in missing:
            key = (loss.entity_type, loss.text)
            if found[key]:
                found[key] -= 1
                kept += 1
            else:
                losses.append(loss)
        invented += found.total()
    return Ceiling(
        gold=gold,
        kept=kept,
        invented=invented,
        losses=tuple(losses),
        refused=refused,
        flags=dict(flags),
    )


def _refused(
    adapter: ModelAdapter,
    entity_types: Sequence[str],
    definitions: Mapping[str, str],
    subset: str,
) -> Iterator[tuple[str, str]]:
    """Yield the types that cannot be asked at all, and why."""
    if not isinstance(adapter, GenerativeAdapter):
        return
    for name in entity_types:
        defined = {name: definitions[name]} if name in definitions else {}
        try:
            adapter.render(Query(Passage("p", "text"), (name,), defined, subset))
        except AdapterError as error:
            yield name, str(error)


def _groups(types: Sequence[str], size: int | None) -> Iterator[tuple[str, ...]]:
    step = size or max(1, len(types))
    for start in range(0, len(types), step):
        yield tuple(types[start : start + step])


def _round_trip(
    adapter: ModelAdapter, query: Query
) -> tuple[Sequence[Mention], Sequence[str]]:
    """Return what comes back of the gold, and the notes of the reader."""
    if isinstance(adapter, SpanAdapter):
        known = set(query.entity_types) - set(adapter.unknown_types(query))
        marked = tuple(m for m in adapter.perfect(query) if m.entity_type in known)
        return adapter.settle(Parsed(marked), query).mentions, ()
    answer = adapter.perfect(query) if isinstance(adapter, GenerativeAdapter) else None
    if answer is None:
        raise AdapterError(
            f"the adapter {adapter.card.adapter!r} states no answer form: give it a"
            " method 'perfect' that writes the perfect answer"
        )
    if isinstance(adapter, GenerativeAdapter):
        adapter.render(query)
    read = adapter.read(Response(answer), query)
    return read.mentions, [
        *read.flags,
        *read.repairs,
        *([read.parse_error] if read.parse_error else ()),
    ]


def _loss(
    mention: Mention,
    passage: Passage,
    refused: Mapping[str, str],
    adapter: ModelAdapter,
) -> Loss:
    return Loss(
        passage.id,
        mention.entity_type,
        mention.text,
        _reason(mention, passage, refused, adapter),
    )


def _reason(
    mention: Mention,
    passage: Passage,
    refused: Mapping[str, str],
    adapter: ModelAdapter,
) -> str:
    """Say why a form lost a mention, the most basic reason first."""
    query = Query(passage, (mention.entity_type,))
    if mention.entity_type in refused:
        return "type_not_expressible"
    if isinstance(adapter, SpanAdapter) and adapter.unknown_types(query):
        return "unknown_type"
    if len(mention.spans) > 1:
        return "discontinuous"
    for delimiter in getattr(adapter, "delimiters", ()):
        if delimiter in mention.text:
            return f"delimiter {delimiter!r}"
    if is_none(mention.text):
        return "none_word"
    if _overlaps(mention, passage):
        return "overlapping"
    return _word_reason(mention, query, adapter)


def _word_reason(mention: Mention, query: Query, adapter: ModelAdapter) -> str:
    if isinstance(adapter, SpanAdapter) and adapter.too_wide(mention.text):
        return "too_many_words"
    return OTHER if _is_words(mention, query) else "not_whole_words"


def _overlaps(mention: Mention, passage: Passage) -> bool:
    return any(
        other is not mention and a.start < b.end and b.start < a.end
        for other in passage.mentions
        for a in mention.spans
        for b in other.spans
    )


def _is_words(mention: Mention, query: Query) -> bool:
    words = words_of(query)
    starts, ends = {w.start for w in words}, {w.end for w in words}
    return all(span.start in starts and span.end in ends for span in mention.spans)
