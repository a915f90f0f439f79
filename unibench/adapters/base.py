"""How a model family is asked and read: the protocol and its two base classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from unibench.backends.base import PROMPT_TOO_LONG, Backend, identity_of
from unibench.errors import BackendError
from unibench.schema.model_card import ModelCard
from unibench.schema.query import (
    Parsed,
    Prediction,
    Prompt,
    Query,
    Response,
    content_hash,
)
from unibench.schema.text import Mention, Passage


class ModelAdapter(Protocol):
    """What the runner needs of a model: request identities, answers, readings.

    `types_per_query` is how many entity types one request asks: 1 for UniNER, None
    for all types of the subset at once.
    """

    card: ModelCard
    types_per_query: int | None

    def request_key(self, query: Query) -> str:
        """Return the identity of the request: equal keys mean equal answers."""
        ...

    def respond(self, queries: Sequence[Query]) -> Iterator[tuple[int, Response]]:
        """Ask the model; yield (position in `queries`, raw answer) as they come."""
        ...

    def read(self, response: Response, query: Query) -> Prediction:
        """Return what a raw answer says; an answer that cannot be read is counted."""
        ...

    def prompt_identity(self) -> tuple[str, str]:
        """Return (sha256 of the template, origin); origin as in `ModelIdentity`."""
        ...


class GenerativeAdapter(ABC):
    """A model that answers prompts with text: implement `render` and `parse`."""

    types_per_query: int | None = 1
    prompt_origin: ClassVar[str] = "ours"

    def __init__(self, card: ModelCard, backend: Backend) -> None:
        """Take the card and the backend that will answer."""
        self.card = card
        self.backend = backend

    @abstractmethod
    def render(self, query: Query) -> Prompt:
        """Return what is sent to the model."""

    @abstractmethod
    def parse(self, response: Response, query: Query) -> Parsed | Sequence[Mention]:
        """Read the answer; raise nothing: say `Parsed(parse_error=...)` instead."""

    def request_key(self, query: Query) -> str:
        """Return a hash of checkpoint, rendered prompt, decoding and weights."""
        checkpoint = self.card.checkpoint
        return content_hash(
            checkpoint.id,
            checkpoint.revision,
            self.render(query),
            self.card.decoding,
            self._backend_identity(),
        )

    def respond(self, queries: Sequence[Query]) -> Iterator[tuple[int, Response]]:
        """Render all queries and let the backend answer them."""
        yield from self.backend.generate([self.render(query) for query in queries])

    def read(self, response: Response, query: Query) -> Prediction:
        """Parse one answer and keep only mentions of asked types, the rest counted."""
        if response.finish_reason == PROMPT_TOO_LONG:
            return prediction(Parsed(parse_error=PROMPT_TOO_LONG), query, response)
        parsed = self.parse(response, query)
        if not isinstance(parsed, Parsed):
            parsed = Parsed(mentions=tuple(parsed))
        return prediction(parsed, query, response)

    def prompt_identity(self) -> tuple[str, str]:
        """Hash the prompt rendered for a query made of placeholders."""
        return content_hash(self.render(self.probe())), self.prompt_origin

    def probe(self) -> Query:
        """Return a query made of placeholders, for the identity of the prompt."""
        count = self.types_per_query or 2
        types = tuple(f"{{entity type {i + 1}}}" for i in range(count))
        definitions = {name: f"{{definition of {name}}}" for name in types}
        return Query(Passage("probe", "{text}"), types, definitions)

    def perfect(self, query: Query) -> str | None:
        """Return the answer that says exactly the passage's mentions of asked types.

        It is what `models check` reads back. None, the default, says that the adapter
        states no answer form.
        """
        return None

    def details(self) -> Mapping[str, Any]:
        """Return what else identifies the model, for `ModelIdentity.details`."""
        return self._backend_identity()

    def _backend_identity(self) -> Mapping[str, Any]:
        return identity_of(self.backend, self.card)


class SpanAdapter(ABC):
    """A model that marks spans: implement `predict`; all types are asked at once."""

    types_per_query: int | None = None

    def __init__(self, card: ModelCard) -> None:
        """Take the card; load weights in `predict`, not here."""
        self.card = card

    @abstractmethod
    def predict(self, queries: Sequence[Query]) -> Iterator[Sequence[Mention] | Parsed]:
        """Yield the mentions of each query, in order, with character spans.

        A `Parsed` says besides what was repaired or dropped on the way.
        """

    def unknown_types(self, query: Query) -> tuple[str, ...]:
        """Return the asked types that the model cannot know; none by default."""
        return ()

    def too_wide(self, text: str) -> bool:
        """Tell whether a mention has more words than the model can mark."""
        return False

    def request_key(self, query: Query) -> str:
        """Return a hash of checkpoint, options, text and asked types."""
        return content_hash(
            self.card.checkpoint, self.card.options, query.passage.text,
            query.entity_types,
        )  # fmt: skip

    def respond(self, queries: Sequence[Query]) -> Iterator[tuple[int, Response]]:
        """Store what `predict` says as JSON, so that runs can be rescored."""
        position = -1
        for position, marked in enumerate(self.predict(queries)):
            found = marked if isinstance(marked, Parsed) else tuple(marked)
            text = msgspec.json.encode(found).decode()
            yield position, Response(text, model=self.card.checkpoint.id)
        if position + 1 != len(queries):
            raise BackendError(
                f"{type(self).__name__}.predict answered {position + 1} of"
                f" {len(queries)} queries; it must yield once for each"
            )

    def read(self, response: Response, query: Query) -> Prediction:
        """Check the spans against the passage.

        Raises:
            BackendError: a span lies outside the text or its text disagrees.
        """
        stored = msgspec.json.decode(response.text, type=tuple[Mention, ...] | Parsed)
        parsed = stored if isinstance(stored, Parsed) else Parsed(mentions=stored)
        for mention in parsed.mentions:
            check_spans(mention, query)
        unknown = self.unknown_types(query)
        read = prediction(self.settle(parsed, query), query, response)
        return msgspec.structs.replace(read, unknown_types=unknown)

    def settle(self, parsed: Parsed, query: Query) -> Parsed:
        """Choose among what the model marked; by default everything stays.

        This happens when answers are read, not when they are made, so that another
        threshold needs no new run.
        """
        return parsed

    def perfect(self, query: Query) -> Sequence[Mention]:
        """Return what of the passage's mentions such a model can mark at all."""
        asked = set(query.entity_types)
        return [
            mention
            for mention in query.passage.mentions
            if mention.entity_type in asked and len(mention.spans) == 1
        ]

    def details(self) -> Mapping[str, Any]:
        """Return what else identifies the model; nothing by default."""
        return {}

    def prompt_identity(self) -> tuple[str, str]:
        """A span model has no prompt."""
        return "", ""


def prediction(parsed: Parsed, query: Query, response: Response) -> Prediction:
    """Return the prediction for `query`, with unasked types dropped and counted."""
    asked = set(query.entity_types)
    kept = tuple(m for m in parsed.mentions if m.entity_type in asked)
    dropped = dict(parsed.dropped)
    if unasked := len(parsed.mentions) - len(kept):
        dropped["unasked_type"] = dropped.get("unasked_type", 0) + unasked
    return Prediction(
        id=query.passage.id,
        entity_types=query.entity_types,
        mentions=kept,
        parse_error=parsed.parse_error,
        repairs=parsed.repairs,
        dropped=dropped,
        flags=(*parsed.flags, *response.flags),
        finish_reason=response.finish_reason,
    )


def check_spans(mention: Mention, query: Query) -> None:
    """Raise BackendError when a model's span does not fit the passage."""
    text = query.passage.text
    for span in mention.spans:
        if span.end > len(text):
            raise BackendError(
                f"passage {query.passage.id!r}: the model marked [{span.start},"
                f" {span.end}) in a text of {len(text)} characters"
            )
    pieces = " ".join(text[span.start : span.end] for span in mention.spans)
    if mention.spans and pieces != mention.text:
        raise BackendError(
            f"passage {query.passage.id!r}: the model's text {mention.text!r} is not"
            f" what stands at its offsets, {pieces!r}; are they bytes, UTF-16 units,"
            " or with an inclusive end?"
        )
