"""How the teacher is asked: the paper's data construction prompt and its variant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from unibench.adapters.load import build_backend, load_card
from unibench.adapters.templates import Turns, check_fields, messages
from unibench.backends.base import identity_of
from unibench.backends.batch.answers import BATCHED
from unibench.backends.budget import Spent
from unibench.backends.prices import Price, price_of
from unibench.distill.corpus.sample import SampledPassage
from unibench.distill.corpus.tokens import Words
from unibench.schema.distillation import TeacherRecipe
from unibench.schema.model_card import ModelCard, PromptTurn
from unibench.schema.query import Prompt, Response, content_hash

SYSTEM = "You are a helpful information extraction system."
FORM = (
    "Given a passage, your task is to {task}. The output should be in a list of tuples"
    ' of the following format: [("entity 1", "type of entity 1"), ...].\n'
    "\n"
    "Passage: $passage"
)
TASKS = {
    "types": "extract all entities and identify their entity types",
    "definitions": (
        "extract all entities and concepts, and define their type using a short"
        " sentence"
    ),
}
PROMPTS: dict[str, Turns] = {
    name: (PromptTurn("system", SYSTEM), PromptTurn("user", FORM.format(task=task)))
    for name, task in TASKS.items()
}
"""Figure 1 and, in section 3.1, what the definition form replaces in it."""
_TOKENS_PER_WORD = 1.2  # for the frame of a prompt, before any server has counted it


class Teacher:
    """The model that a recipe names, with the recipe's prompt."""

    def __init__(
        self, recipe: TeacherRecipe, folder: Path, base_urls: Sequence[str] = ()
    ) -> None:
        """Read the model's card; a relative path may lie beside the recipe.

        Raises:
            UnknownNameError: no card has that name, and no server was given.
            CardError: the card or the prompt is not what it should be.
        """
        beside = folder / recipe.model
        named = recipe.model
        if named.endswith((".yaml", ".yml")) and beside.is_file():
            named = str(beside)
        self.name, card = load_card(named, base_urls=base_urls)
        if recipe.decoding is not None:
            card = msgspec.structs.replace(card, decoding=recipe.decoding)
        self.card: ModelCard = card
        self.recipe = recipe
        self.turns = turns_of(recipe)
        self.backend = build_backend(card, self.name)

    @property
    def price(self) -> Price | None:
        """What the teacher costs, asked one by one, None where that is not known."""
        return price_of(self.card.checkpoint.id)

    def cost(self, answer: Response) -> float:
        """Return what an answer cost; less where it came in a batch."""
        price = self.price
        if price is None:
            return 0.0
        price = price.batched() if BATCHED in answer.flags else price
        return price.cost(answer.prompt_tokens or 0, answer.completion_tokens or 0)

    def worst_case(self, passage: SampledPassage) -> Spent:
        """Return what a request cannot exceed: a token for each byte sent."""
        content = msgspec.json.encode(self.prompt(passage))
        return Spent(len(content), self.card.decoding.max_tokens)

    def identity(self) -> dict[str, Any]:
        """Return what answers depend on, for the manifest."""
        return {
            "model": self.card.checkpoint.id,
            "revision": self.card.checkpoint.revision,
            "decoding": self.card.decoding,
            "prompt": self.turns,
            "backend": self._backend_identity(),
        }

    def prompt(self, passage: SampledPassage) -> Prompt:
        """Return the conversation that asks about one passage."""
        return Prompt(messages(self.turns, {"passage": passage.text}))

    def key(self, passage: SampledPassage) -> str:
        """Return the identity of a request, as the adapters make it."""
        checkpoint = self.card.checkpoint
        return content_hash(
            checkpoint.id,
            checkpoint.revision,
            self.prompt(passage),
            self.card.decoding,
            self._backend_identity(),
        )

    def respond(
        self, passages: Sequence[SampledPassage]
    ) -> Iterator[tuple[int, Response]]:
        """Ask about all passages; yield (position, answer) as they come."""
        return self.backend.generate([self.prompt(passage) for passage in passages])

    def frame_tokens(self) -> int:
        """Return about how many tokens a prompt has besides the passage."""
        texts = [turn.text for turn in self.turns]
        return round(_TOKENS_PER_WORD * sum(Words().counts(texts)))

    def _backend_identity(self) -> Mapping[str, Any]:
        return identity_of(self.backend, self.card)


def turns_of(recipe: TeacherRecipe) -> Turns:
    """Return the turns of a recipe's prompt.

    Raises:
        CardError: a turn of its own uses another field than `$passage`.
    """
    if isinstance(recipe.prompt, str):
        return PROMPTS[recipe.prompt]
    for turn in recipe.prompt:
        check_fields(turn.text, ("passage",), "teacher.prompt")
    return recipe.prompt
