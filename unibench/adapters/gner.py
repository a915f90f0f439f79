"""GNER: every word of the passage with a tag (prompts.md 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import msgspec

from unibench.adapters.formats import forbid, word_tags_answer, words_of
from unibench.adapters.instructed import InstructedAdapter, only_types
from unibench.adapters.parsing.reading import Answer
from unibench.adapters.parsing.word_tags import word_tags
from unibench.backends.base import Backend
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Message, Parsed, Prompt, Query, Response


class GNEROptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card's `options:` may say: T5 takes the text as it is, LLaMA in [INST]."""

    conversation: Literal["t5", "llama"] = "t5"


class GNER(InstructedAdapter):
    """Instruction, tags, and the words of the passage; `word(B-type) word(O)` back.

    The published code shuffles the tags, in tests too; here they stand in the order
    of the query.
    """

    parts = {  # noqa: RUF012  (a ClassVar of the base)
        "instruction": "Read the sentence and decide for each of its words which kind"
        " of entity it belongs to.\n"
        "Write: word_1(label_1), word_2(label_2), ...\n"
        "The labels follow the BIO scheme:\n"
        "1. B- stands before the kind on the first word of an entity.\n"
        "2. I- stands before the kind on its further words.\n"
        "3. O is the label of every word outside of entities.\n"
    }
    parser: ClassVar[Callable[[Answer], Parsed]] = staticmethod(word_tags)
    stops = ("</s>", "[/INST]")

    def __init__(self, card: ModelCard, backend: Backend) -> None:
        """Read the options."""
        super().__init__(card, backend)
        self.options = self.options_of(GNEROptions)

    def render(self, query: Query) -> Prompt:
        """Return the text, in [INST] for LLaMA."""
        forbid(query, "()", "word(tag)")
        spans, text = words_of(query), query.passage.text
        words = " ".join(text[span.start : span.end] for span in spans)
        request = (
            f"{self.part('instruction')}\n"
            f"Use the specific entity tags: {', '.join(only_types(query))} and O.\n"
            f"Sentence: {words}"
        )
        wire = (
            request
            if self.options.conversation == "t5"
            else f"[INST] {request} [/INST]"
        )
        return Prompt((Message("user", request),), wire)

    def parse(self, response: Response, query: Query) -> Parsed:
        """Read the tags and align the words; mentions get their offsets."""
        return word_tags(self.answer(response, query, words=words_of(query)))

    def perfect(self, query: Query) -> str:
        """Write every word with its tag."""
        return word_tags_answer(query, words_of(query))
