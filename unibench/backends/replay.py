"""Answers from a file: a run made elsewhere, or the answers of a test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import msgspec

from unibench.backends.base import read_options
from unibench.errors import BackendError
from unibench.schema.jsonl import read_rows
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Prompt, Response, content_hash


class ReplayOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card's `backend:` may say besides `name`: the file of answers."""

    file: str


class StoredAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the file: the prompt's hash (`prompt_key`) and its answer."""

    prompt: str
    response: Response


def prompt_key(prompt: Prompt) -> str:
    """Return the hash by which a prompt's answer is found."""
    return content_hash(prompt)


class ReplayBackend:
    """Look each prompt up in a JSON-lines file; one that is missing is an error."""

    def __init__(self, card: ModelCard) -> None:
        """Read the options; the file is read by the first `generate`."""
        self.card = card
        self.path = Path(read_options(card, ReplayOptions).file)

    @cached_property
    def answers(self) -> dict[str, Response]:
        """Prompt hash -> answer; equal hashes must have equal answers."""
        answers: dict[str, Response] = {}
        for row in read_rows(self.path, StoredAnswer):
            if answers.setdefault(row.prompt, row.response) != row.response:
                raise BackendError(
                    f"{self.path}: the prompt {row.prompt} has two different answers;"
                    " remove one of the lines"
                )
        return answers

    def generate(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Response]]:
        """Yield the stored answers in the order of `prompts`."""
        for position, prompt in enumerate(prompts):
            key = prompt_key(prompt)
            if key not in self.answers:
                raise BackendError(
                    f"{self.path} has no answer to prompt {position + 1} of"
                    f" {len(prompts)} (hash {key}); it was made with another prompt,"
                    " other data or another version of unibench"
                )
            yield position, self.answers[key]
