"""A package of somebody else's: one adapter, one dataset, one model."""

from __future__ import annotations

from unibench import GenerativeAdapter, Mention, Message, Prompt, Query, Response


class Shout(GenerativeAdapter):
    """Ask for one entity type; expect one mention per line."""

    def render(self, query: Query) -> Prompt:
        (entity_type,) = query.entity_types
        question = f"List every {entity_type} in this text:\n{query.passage.text}"
        return Prompt((Message("user", question),))

    def parse(self, response: Response, query: Query) -> list[Mention]:
        (entity_type,) = query.entity_types
        return [Mention(entity_type, line) for line in response.text.splitlines()]
