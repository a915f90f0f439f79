"""The base of adapters whose family has a published instruction sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from unibench.adapters.base import GenerativeAdapter
from unibench.adapters.parsing.reading import Answer
from unibench.adapters.wordings import Wording, wording
from unibench.backends.base import Backend
from unibench.errors import AdapterError, CardError
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Parsed, Prompt, Query, Response, content_hash
from unibench.schema.strict_yaml import convert
from unibench.schema.text import Span

T = TypeVar("T")


class InstructedAdapter(GenerativeAdapter):
    """Render the published layout with the published wording, or one of ours.

    `parts` are our own wordings by name; a card's `wordings` say where the published
    ones stand. All types of a query are asked in one request. `delimiters` are what
    a mention cannot hold without being cut.
    """

    types_per_query: int | None = None
    parts: ClassVar[Mapping[str, str]] = {}
    parser: ClassVar[Callable[[Answer], Parsed]]
    stops: tuple[str, ...] = ("</s>",)
    delimiters: ClassVar[tuple[str, ...]] = ()

    def __init__(self, card: ModelCard, backend: Backend) -> None:
        """Find the wordings; the card may name none that the adapter does not use."""
        super().__init__(card, backend)
        self.name = card.title or card.checkpoint.id
        if unknown := sorted(card.wordings.keys() - self.parts):
            known = ", ".join(self.parts) or "none"
            raise CardError(
                f"wordings of {self.name}: the adapter {card.adapter!r} has no part"
                f" {unknown[0]!r}; it has {known}"
            )
        if card.prompt:
            raise CardError(
                f"{self.name}: the adapter {card.adapter!r} has a layout of its own;"
                " 'prompt' is not for it"
            )
        self.wordings = {
            part: wording(card, part, ours) for part, ours in self.parts.items()
        }

    def options_of(self, kind: type[T]) -> T:
        """Return the card's options, read strictly as `kind`."""
        return convert(self.card.options, kind, f"options of {self.name}")

    def part(self, name: str) -> str:
        """Return the wording of one part."""
        return self.wordings[name].text

    def parse(self, response: Response, query: Query) -> Parsed:
        """Read the answer with the parser of the family's format."""
        return type(self).parser(self.answer(response, query))

    def answer(
        self,
        response: Response,
        query: Query,
        types: Sequence[str] = (),
        words: Sequence[Span] = (),
    ) -> Answer:
        """Return what the parser is given."""
        return Answer(
            response.text,
            types or query.entity_types,
            passage=query.passage.text,
            finish_reason=response.finish_reason,
            stops=self.stops,
            words=words,
        )

    def prompt_identity(self) -> tuple[str, str]:
        """Return the hash of the rendered placeholders; published if all parts are."""
        return content_hash(self.render(self.probe())), origin_of(self.wordings)

    def details(self) -> Mapping[str, Any]:
        """Say what becomes of passages that do not fit: they are never cut."""
        return {**super().details(), "long_passages": "counted as prompt_too_long"}


def origin_of(wordings: Mapping[str, Wording]) -> str:
    """Return `published` when every part is, else `paraphrase`."""
    origins = {found.origin for found in wordings.values()}
    return "published" if origins == {"published"} else "paraphrase"


def only_types(query: Query) -> tuple[str, ...]:
    """Return the asked types; AdapterError when there are none."""
    if not query.entity_types:
        raise AdapterError(f"passage {query.passage.id!r}: no entity type is asked")
    return query.entity_types


def plain(text: str) -> Prompt:
    """Return a prompt that is one text, for models without a conversation."""
    from unibench.schema.query import Message

    return Prompt((Message("user", text),), text)
