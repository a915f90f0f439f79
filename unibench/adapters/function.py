"""Any Python function as a model: text and types in, mentions out."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from unibench.adapters.base import SpanAdapter
from unibench.adapters.spans import Choice, RawSpan, SpanForm, checked, settled
from unibench.errors import BackendError, CardError
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Parsed, Query, content_hash
from unibench.schema.strict_yaml import convert
from unibench.schema.text import Mention

Function = Callable[[str, tuple[str, ...]], Iterable[Any]]
"""`function(text, entity_types)`: see `FunctionModel` for what it may return."""


class FunctionOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card's `options:` may say: the form of the spans, and which stay."""

    function: str = ""
    form: SpanForm = SpanForm()
    choice: Choice = Choice(threshold=0.0, overlap="free", multi_label=True)


class FunctionModel(SpanAdapter):
    """Call `function(text, entity_types)` for each passage.

    It yields for each mention (type, text), (type, start, end), a mapping with
    `entity_type` or `label`, `text`, `start`, `end`, `score`, or a `Mention`.
    """

    def __init__(self, card: ModelCard, function: Function | None = None) -> None:
        """Take the function, or the card that names it as `module:name`."""
        super().__init__(card)
        self.name = card.title or card.checkpoint.id
        self.options = convert(card.options, FunctionOptions, f"options of {self.name}")
        self._function = function
        self._nonce = "" if function is None else uuid.uuid4().hex

    def request_key(self, query: Query) -> str:
        """Return a hash; nobody can tell whether a given function has changed.

        So its answers are never taken for those of another process. A function that
        a card names is identified by the card, whose revision its author raises.
        """
        return content_hash(super().request_key(query), self._nonce)

    @property
    def function(self) -> Function:
        """The function, imported when it is first called.

        Raises:
            CardError: the card names none, or it cannot be imported.
        """
        if self._function is None:
            self._function = _imported(self.options.function, self.name)
        return self._function

    def predict(self, queries: Sequence[Query]) -> Iterator[Parsed]:
        """Call the function once for each query."""
        for query in queries:
            answer = list(self.function(query.passage.text, query.entity_types))
            raw = [_read(item, query, self.name) for item in answer]
            spans = [span for span in raw if isinstance(span, RawSpan)]
            texts = [mention for mention in raw if isinstance(mention, Mention)]
            parsed = checked(spans, query, self.options.form, self.name)
            mentions = (*parsed.mentions, *texts)
            yield msgspec.structs.replace(parsed, mentions=mentions)

    def settle(self, parsed: Parsed, query: Query) -> Parsed:
        """Choose among mentions with one span; others stay as they are."""
        placed = tuple(m for m in parsed.mentions if len(m.spans) == 1)
        rest = tuple(m for m in parsed.mentions if len(m.spans) != 1)
        kept = settled(
            msgspec.structs.replace(parsed, mentions=placed), query, self.options.choice
        )
        return msgspec.structs.replace(kept, mentions=(*kept.mentions, *rest))

    def perfect(self, query: Query) -> Sequence[Mention]:
        """Return all mentions: a function may say anything."""
        asked = set(query.entity_types)
        return [m for m in query.passage.mentions if m.entity_type in asked]


def model_of(function: Function, name: str = "") -> FunctionModel:
    """Return a model made of a function, to be given to `unibench.evaluate`."""
    title = name or getattr(function, "__name__", "function")
    card = ModelCard(adapter="callable", title=title, checkpoint=Checkpoint(id=title))
    return FunctionModel(card, function)


def _imported(target: str, where: str) -> Function:
    module, colon, name = target.partition(":")
    if not colon or not module or not name:
        raise CardError(
            f"options of {where}: 'function' must be 'module:name', it is {target!r}"
        )
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise CardError(
            f"options of {where}: the function {target!r} cannot be imported: {error}"
        ) from error
    if not callable(found):
        raise CardError(f"options of {where}: {target!r} is no function")
    function: Function = found
    return function


def _read(item: Any, query: Query, where: str) -> RawSpan | Mention:
    """Return what the function gave for one mention."""
    if isinstance(item, Mention):
        return item
    if isinstance(item, Mapping):
        return _from_mapping(item, query, where)
    if isinstance(item, tuple | list):
        match item:
            case [str(label), str(text)]:
                return Mention(label, text)
            case [str(label), int(start), int(end)]:
                return RawSpan(start, end, label)
    raise _unreadable(item, query, where)


def _from_mapping(
    item: Mapping[Any, Any], query: Query, where: str
) -> RawSpan | Mention:
    if "start_token" in item or "tokens" in item:
        raise BackendError(
            f"{where}, passage {query.passage.id!r}: token offsets need the tokens;"
            " give character offsets 'start' and 'end'"
        )
    label = item.get("entity_type", item.get("label"))
    start, end, text = item.get("start"), item.get("end"), item.get("text")
    if isinstance(label, str) and isinstance(start, int) and isinstance(end, int):
        score = item.get("score")
        return RawSpan(start, end, label, text, None if score is None else float(score))
    if isinstance(label, str) and isinstance(text, str) and start is None:
        return Mention(label, text)
    raise _unreadable(item, query, where)


def _unreadable(item: Any, query: Query, where: str) -> BackendError:
    return BackendError(
        f"{where}, passage {query.passage.id!r}: {item!r} is no mention; give (type,"
        " text), (type, start, end), a mapping with label, start and end, or a Mention"
    )
