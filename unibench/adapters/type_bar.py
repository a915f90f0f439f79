"""ChatGPT, Vicuna, LLaMA and Alpaca as the paper asks them (template of Ye et al.)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import msgspec

from unibench.adapters import conversations
from unibench.adapters.conversations import Conversation
from unibench.adapters.formats import forbid, type_bar_answer
from unibench.adapters.instructed import InstructedAdapter, only_types
from unibench.adapters.parsing.reading import Answer
from unibench.adapters.parsing.type_bar import type_bar, type_bar_passage
from unibench.backends.base import Backend
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Parsed, Prompt, Query, Response

FORM = "type: mention, mention | type: None"


class TypeBarOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card's `options:` may say.

    `comma: published` splits at every comma; `passage` joins pieces that stand
    together in the passage (prompts.md, B7).
    """

    conversation: Conversation = "chat"
    comma: Literal["published", "passage"] = "published"


class TypeBar(InstructedAdapter):
    """One request for all types; `type: mention, mention | type: None` back."""

    parts = conversations.PARTS
    delimiters = (", ", "|")
    parser: ClassVar[Callable[[Answer], Parsed]] = staticmethod(type_bar)

    def __init__(self, card: ModelCard, backend: Backend) -> None:
        """Read the options; of the wordings only the conversation's own counts."""
        super().__init__(card, backend)
        self.options = self.options_of(TypeBarOptions)
        self.stops = conversations.STOPS[self.options.conversation]

    def render(self, query: Query) -> Prompt:
        """Return the request in the card's conversation style."""
        forbid(query, ":|", FORM)
        types = only_types(query)
        form = " | ".join(f"{name}: word1, word2" for name in types[:2])
        request = (
            f"Find the {', '.join(types)} entities in the text below.\n"
            f'Answer on one line in the form "{form}" with every type above; write'
            " None for a type that does not occur.\n"
            f"Text: {query.passage.text}\n"
            "Entity:"
        )
        style = self.options.conversation
        return conversations.written(style, request, query.passage.text, self.wordings)

    def parse(self, response: Response, query: Query) -> Parsed:
        """Read the line; commas as the card says."""
        read = type_bar_passage if self.options.comma == "passage" else type_bar
        return read(self.answer(response, query))

    def perfect(self, query: Query) -> str:
        """Write the line."""
        return type_bar_answer(query)

    def prompt_identity(self) -> tuple[str, str]:
        """Return the hash; the request's own wording is not published."""
        return super().prompt_identity()[0], "paraphrase"
