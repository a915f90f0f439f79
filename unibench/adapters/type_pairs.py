"""InstructUIE and B2NER: options and text in, `type: mention; type: mention` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import msgspec

from unibench.adapters.formats import forbid, type_pairs_answer
from unibench.adapters.instructed import InstructedAdapter, only_types, plain
from unibench.adapters.parsing.reading import Answer
from unibench.adapters.parsing.type_pairs import type_pairs, type_pairs_passage
from unibench.backends.base import Backend
from unibench.errors import CardError
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Parsed, Prompt, Query, Response

FORM = "type: mention; type: mention"


class TypePairsOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card's `options:` may say.

    `semicolon: passage` joins a piece without a label to the one before it where the
    passage holds both (prompts.md, C10). `dataset_names` switches on the optional
    line `Dataset:name` of InstructUIE: subset -> name.
    """

    semicolon: Literal["published", "passage"] = "published"
    dataset_names: Mapping[str, str] = {}


class TypePairs(InstructedAdapter):
    """The answer format that InstructUIE and B2NER share."""

    delimiters = (";",)
    parser: ClassVar[Callable[[Answer], Parsed]] = staticmethod(type_pairs)

    def __init__(self, card: ModelCard, backend: Backend) -> None:
        """Read the options."""
        super().__init__(card, backend)
        self.options = self.options_of(TypePairsOptions)

    def parse(self, response: Response, query: Query) -> Parsed:
        """Read the pairs; semicolons as the card says."""
        joined = self.options.semicolon == "passage"
        return (type_pairs_passage if joined else type_pairs)(
            self.answer(response, query)
        )

    def perfect(self, query: Query) -> str:
        """Write the pairs."""
        return type_pairs_answer(query)


class InstructUIE(TypePairs):
    """Instruction, `Option:`, `Text:`, and the cue `Answer:` (prompts.md 5)."""

    parts = {  # noqa: RUF012  (a ClassVar of the base)
        "instruction": "Name every entity in the text that belongs to one of the"
        ' categories. Answer in the form "type1: word1; type2: word2". \n'
    }

    def render(self, query: Query) -> Prompt:
        """Return the text; nothing in it is read as a template."""
        forbid(query, ":;", FORM)
        names = self.options.dataset_names
        dataset = f"Dataset:{names[query.subset]}\n" if query.subset in names else ""
        return plain(
            f"{dataset}{self.part('instruction')}"
            f"Option: {', '.join(only_types(query))} \n"
            f"Text: {query.passage.text} \n"
            "Answer:"
        )


class B2NER(TypePairs):
    """The template of B2NER with its two fields, and the cue (prompts.md 6)."""

    parts = {  # noqa: RUF012  (a ClassVar of the base)
        "template": "The label set lists kinds of entities. Find all entities of these"
        ' kinds in the text and answer in the form "entity label: entity; entity label:'
        ' entity". \n'
        "Label Set: {labels_str} \n"
        "\n"
        "Text: {text} \n"
    }
    stops = ("</s>", "<|im_end|>")

    def __init__(self, card: ModelCard, backend: Backend) -> None:
        """Check that the template has its fields, once each and in this order."""
        super().__init__(card, backend)
        head, labels, rest = self.part("template").partition("{labels_str}")
        middle, text, tail = rest.partition("{text}")
        if not (labels and text):
            raise CardError(
                f"wordings of {self.name}: the template needs {{labels_str}}, then"
                " {text}"
            )
        self.pieces = (head, middle, tail)

    def render(self, query: Query) -> Prompt:
        """Put labels and text between the pieces of the template."""
        forbid(query, ":;", FORM)
        head, middle, tail = self.pieces
        labels = ", ".join(only_types(query))
        return plain(f"{head}{labels}{middle}{query.passage.text}{tail}Answer:")
