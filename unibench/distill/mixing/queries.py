"""From a passage with its entities to one conversation (the paper's Figures 2, 3)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from unibench.adapters.uniner import QUESTION, READ
from unibench.distill.mixing.negatives import NegativeSampler
from unibench.schema.conversation import (
    GPT,
    HUMAN,
    Conversation,
    Turn,
    json_answer,
    with_pairs,
)
from unibench.schema.query import content_hash
from unibench.schema.text import Mention


class Instance(msgspec.Struct, frozen=True):
    """A passage and what is in it, whoever found it."""

    id: str
    text: str
    mentions: tuple[Mention, ...]


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """How instances are asked: the recipe's options that shape a conversation.

    `wording` maps a type to what stands in the question, where that is not its name.
    """

    query: Literal["one_type", "all_types"] = "one_type"
    dataset_name: str = ""
    wording: Mapping[str, str] = {}
    max_queries: int | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation with what was asked in it."""

    conversation: Conversation
    positives: int
    negatives: int
    left_out: int


def opening(text: str, dataset_name: str = "") -> tuple[Turn, Turn]:
    """Return the passage and the fixed reply; with a dataset field as in Figure 3."""
    field = f"Dataset: {dataset_name} \n " if dataset_name else ""
    return Turn(HUMAN, f"{field}Text: {text}"), Turn(GPT, READ)


def ask_about(
    instance: Instance,
    template: Template,
    negatives: NegativeSampler,
    *,
    draw_seed: str,
    order_seed: str,
) -> Asked:
    """Return the conversation about one passage.

    `draw_seed` decides which absent types are asked, `order_seed` in which order.
    """
    answers = by_type(instance)
    positives = list(answers)
    absent = negatives.draw(answers.keys(), draw_seed)
    asked, left_out = _limited(positives, absent, template.max_queries, draw_seed)
    random.Random(order_seed).shuffle(asked)  # noqa: S311
    wording = template.wording
    if template.query == "one_type":
        pairs = [
            (wording.get(name, name), json_answer(answers.get(name, [])))
            for name in asked
        ]
    elif asked:
        spoken = {wording.get(name, name): answers.get(name, []) for name in asked}
        pairs = [(", ".join(spoken), json_answer(spoken))]
    else:
        pairs = []
    turns = [
        (Turn(HUMAN, QUESTION.format(entity_type=name)), Turn(GPT, answer))
        for name, answer in pairs
    ]
    start = opening(instance.text, template.dataset_name)
    present = sum(name in answers for name in asked)
    return Asked(
        conversation=with_pairs(instance.id, start, turns),
        positives=present,
        negatives=len(asked) - present,
        left_out=left_out,
    )


def by_type(instance: Instance) -> dict[str, list[str]]:
    """Return type -> its mentions, each once, in the order of the passage."""
    found: dict[str, dict[str, int]] = {}
    for mention in instance.mentions:
        start = mention.spans[0].start if mention.spans else -1
        at = start if start >= 0 else instance.text.find(mention.text)
        known = found.setdefault(mention.entity_type, {})
        known.setdefault(mention.text, at if at >= 0 else len(instance.text))
    return {
        name: sorted(places, key=lambda text: places[text])
        for name, places in found.items()
    }


def seed_of(*parts: object) -> str:
    """Return a seed that depends on all of `parts` and on nothing else."""
    return content_hash(*parts)


def _limited(
    positives: Sequence[str], absent: Sequence[str], limit: int | None, seed: str
) -> tuple[list[str], int]:
    """Leave out queries beyond the limit: negatives first, then random positives."""
    asked = [*positives, *absent]
    if limit is None or len(asked) <= limit:
        return asked, 0
    if len(positives) > limit:
        kept = random.Random(seed).sample(list(positives), limit)  # noqa: S311
        return kept, len(asked) - limit
    return asked[:limit], len(asked) - limit
