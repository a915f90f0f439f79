"""SLIMER: one type a request, with its definition and guidelines (prompts.md 9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import msgspec

from unibench.adapters.formats import json_list_answer
from unibench.adapters.instructed import InstructedAdapter
from unibench.adapters.parsing.json_list import json_list
from unibench.adapters.parsing.reading import Answer
from unibench.backends.base import Backend
from unibench.errors import AdapterError, CardError
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Message, Parsed, Prompt, Query

_FIELDS = {
    "frame": ("{input}", "{instruction}"),
    "with_definition": ("{ne_tag}", "{definition}", "{guidelines}"),
    "without_definition": ("{ne_tag}",),
}


class SlimerOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card's `options:` may say: type -> guidelines, beside the definitions."""

    guidelines: Mapping[str, str] = {}


class Slimer(InstructedAdapter):
    """Passage in triple quotes, an instruction that defines the type, a JSON list.

    A type without a definition is asked with the variant that has none.
    """

    types_per_query = 1
    parts = {  # noqa: RUF012  (a ClassVar of the base)
        "frame": "[INST] A text stands between triple quotes; an instruction follows"
        ' it.\nRead the text, then do what the instruction says.\n"""\n{input}\n"""\n'
        "Instruction: {instruction}\n[/INST]\n",
        "with_definition": "List the named entities of type {ne_tag} in the text. Here"
        " are a definition and guidelines.\nDEFINITION: {definition}\nGUIDELINES:"
        " {guidelines}\nAnswer with a JSON list of the entities, [] if there are none.",
        "without_definition": "List the named entities of type {ne_tag} in the text.\n"
        "Answer with a JSON list of the entities, [] if there are none.",
    }
    parser: ClassVar[Callable[[Answer], Parsed]] = staticmethod(json_list)
    stops = ("</s>", "[INST]")

    def __init__(self, card: ModelCard, backend: Backend) -> None:
        """Check that each wording has its fields."""
        super().__init__(card, backend)
        self.options = self.options_of(SlimerOptions)
        for part, fields in _FIELDS.items():
            missing = [field for field in fields if field not in self.part(part)]
            if missing:
                raise CardError(
                    f"wordings of {self.name}: {part!r} lacks the field {missing[0]}"
                )

    def render(self, query: Query) -> Prompt:
        """Return the framed instruction about one type."""
        if len(query.entity_types) != 1:
            raise AdapterError(f"{self.name} is asked one entity type at a time")
        (name,) = query.entity_types
        definition = query.definitions.get(name, "")
        values = {
            "{ne_tag}": name,
            "{definition}": definition,
            "{guidelines}": self.options.guidelines.get(name, "none given"),
        }
        part = "with_definition" if definition else "without_definition"
        instruction = _filled(self.part(part), values)
        frame = {"{input}": query.passage.text, "{instruction}": instruction}
        text = _filled(self.part("frame"), frame)
        inner = text.removeprefix("[INST] ").removesuffix("\n[/INST]\n")
        return Prompt((Message("user", inner),), text)

    def perfect(self, query: Query) -> str:
        """Write the list."""
        return json_list_answer(query)


def _filled(template: str, values: Mapping[str, str]) -> str:
    """Put values into their fields at once, so that none is read as a template."""
    import re

    pattern = "|".join(re.escape(field) for field in values)
    return re.sub(pattern, lambda match: values[match[0]], template)
