"""Prompt wordings: turns of `string.Template` texts, built in or from a card."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from string import Template

from unibench.errors import CardError, UnknownNameError
from unibench.schema.model_card import ModelCard, PromptTurn
from unibench.schema.query import Message

Turns = tuple[PromptTurn, ...]


def turns_of(
    card: ModelCard, builtin: Mapping[str, Turns], fields: Collection[str]
) -> Turns:
    """Return the turns that the card's `prompt` names or spells out.

    Without one it is the first of `builtin`.

    Raises:
        UnknownNameError: the card names a template that the adapter does not have.
        CardError: a turn uses a field that is not among `fields`.
    """
    if not card.prompt:
        return next(iter(builtin.values()))
    if isinstance(card.prompt, str):
        if card.prompt not in builtin:
            kind = f"prompt of the adapter {card.adapter!r}"
            raise UnknownNameError(kind, card.prompt, builtin)
        return builtin[card.prompt]
    for turn in card.prompt:
        check_fields(turn.text, fields, f"prompt of {card.title or card.checkpoint.id}")
    return card.prompt


def check_fields(text: str, fields: Collection[str], where: str) -> None:
    """Raise CardError when the template `text` uses a field that is not known."""
    template = Template(text)
    if not template.is_valid():
        raise CardError(f"{where}: a lone $ in {text[:60]!r}; write $$ for a dollar")
    if unknown := sorted(set(template.get_identifiers()) - set(fields)):
        known = ", ".join(f"${name}" for name in fields)
        raise CardError(f"{where}: there is no field ${unknown[0]}; fields are {known}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put `values` into a template; what they hold is never read as a template."""
    return Template(text).substitute(values)


def messages(turns: Turns, values: Mapping[str, str]) -> tuple[Message, ...]:
    """Return the conversation that `turns` make with `values`."""
    return tuple(Message(turn.role, fill(turn.text, values)) for turn in turns)


def sha256(text: str) -> str:
    """Return the fingerprint of a wording (prompts.md, section 15)."""
    return hashlib.sha256(text.encode()).hexdigest()
