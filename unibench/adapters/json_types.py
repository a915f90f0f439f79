"""Any chat model: all entity types in one request, one JSON object back."""

from __future__ import annotations

from typing import Any

from unibench.adapters.base import GenerativeAdapter
from unibench.adapters.formats import json_object_answer
from unibench.adapters.parsing.json_object import json_object
from unibench.adapters.parsing.reading import Answer
from unibench.adapters.templates import messages, turns_of
from unibench.backends.base import Backend
from unibench.errors import AdapterError, CardError
from unibench.schema.model_card import ModelCard, PromptTurn
from unibench.schema.query import Parsed, Prompt, Query, Response

FIELDS = ("entity_types", "text", "fence", "example")
PROMPTS = {
    "json_types": (
        PromptTurn(
            "user",
            "Find every mention of these entity types in the text below.\n"
            "\n"
            "Entity types:\n"
            "$entity_types\n"
            "\n"
            "Text:\n"
            "$fence\n"
            "$text\n"
            "$fence\n"
            "\n"
            "Answer with one JSON object and nothing else. Its keys are exactly the"
            " entity types above; each value is the list of the mentions of that type,"
            " copied from the text letter by letter, each as often as it occurs, and"
            " [] where there is none. The form is: $example",
        ),
    )
}


class JsonTypes(GenerativeAdapter):
    """List the types, fence the passage, ask for `{"type": ["mention", ...]}`."""

    types_per_query = None

    def __init__(self, card: ModelCard, backend: Backend) -> None:
        """Choose the wording; the card's `prompt` may name or spell out another."""
        super().__init__(card, backend)
        if card.options:
            raise CardError(
                f"{card.title or card.checkpoint.id}: the adapter 'json_types' has no"
                f" options; remove {', '.join(card.options)}"
            )
        self.turns = turns_of(card, PROMPTS, FIELDS)

    def render(self, query: Query) -> Prompt:
        """Return the request, and the schema for servers with structured output."""
        if not query.entity_types:
            raise AdapterError(f"passage {query.passage.id!r}: no entity type is asked")
        if len({*query.entity_types}) < len(query.entity_types):
            raise AdapterError(
                f"an entity type is asked twice: {', '.join(query.entity_types)}"
            )
        values = {
            "entity_types": "\n".join(_described(query)),
            "text": query.passage.text,
            "fence": fence_for(query.passage.text),
            "example": _example(query.entity_types),
        }
        return Prompt(messages(self.turns, values), schema=schema(query.entity_types))

    def parse(self, response: Response, query: Query) -> Parsed:
        """Read the object; anything else is mended by name or an error."""
        return json_object(
            Answer(
                response.text,
                query.entity_types,
                passage=query.passage.text,
                finish_reason=response.finish_reason,
            )
        )

    def perfect(self, query: Query) -> str:
        """Write the object with every asked type."""
        return json_object_answer(query)


def fence_for(text: str) -> str:
    """Return a line of quotes that does not occur in `text`."""
    fence = '"""'
    while fence in text:
        fence += '"'
    return fence


def schema(entity_types: tuple[str, ...]) -> dict[str, Any]:
    """Return the JSON schema of the answer: every type a list of strings."""
    strings = {"type": "array", "items": {"type": "string"}}
    return {
        "type": "object",
        "properties": dict.fromkeys(entity_types, strings),
        "required": list(entity_types),
        "additionalProperties": False,
    }


def _described(query: Query) -> list[str]:
    lines = []
    for name in query.entity_types:
        definition = query.definitions.get(name, "")
        lines.append(f"- {name}: {definition}" if definition else f"- {name}")
    return lines


def _example(entity_types: tuple[str, ...]) -> str:
    import json

    first = {name: ["..."] for name in entity_types[:2]}
    return json.dumps(first, ensure_ascii=False)[:-1] + ", ...}"
