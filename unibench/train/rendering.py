"""A conversation as the text that a model reads, and where its parts stand in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from unibench.adapters.uniner import SYSTEM, wire_text
from unibench.errors import TrainingError
from unibench.schema.conversation import HUMAN, Conversation
from unibench.schema.query import Message
from unibench.schema.training import FormatRecipe


class Branch(msgspec.Struct, frozen=True):
    """One query with its answer: character offsets into the text.

    The loss is taken on `answer_start` to `answer_end`: the y_i of the paper's Figure
    2 with what ends an answer, so that a model learns to stop.
    """

    start: int
    answer_start: int
    answer_end: int
    end: int


class Rendered(msgspec.Struct, frozen=True):
    """The text of a conversation; the passage is what stands before `trunk_end`."""

    text: str
    trunk_end: int
    branches: tuple[Branch, ...]


Render = Callable[[Conversation], Rendered]


def renderer(recipe: FormatRecipe, tokenizer: Any) -> Render:
    """Return how this recipe writes conversations for this tokenizer.

    Raises:
        TrainingError: the tokenizer has no end token, or no chat template.
    """
    end = recipe.end or tokenizer.eos_token
    if not end:
        raise TrainingError(
            "the tokenizer names no end token, so a model could not learn to stop;"
            " set 'format.end' in the recipe"
        )
    if recipe.conversation == "wire":
        return lambda conversation: _wire(conversation, end)
    if not tokenizer.chat_template:
        raise TrainingError(
            "the tokenizer has no chat template; say 'conversation: wire' in the"
            " recipe's format, or take a base model that has one"
        )
    return lambda conversation: _chat(conversation, tokenizer, end)


def messages_of(conversation: Conversation) -> tuple[Message, ...]:
    """Return the turns of a conversation as the UniNER adapter sends them."""
    return tuple(
        Message("user" if turn.speaker == HUMAN else "assistant", turn.value)
        for turn in conversation.conversations
    )


def _wire(conversation: Conversation, end: str) -> Rendered:
    turns = messages_of(conversation)
    text = wire_text(turns[:2], end)
    trunk, branches = len(text), []
    for at in range(2, len(turns), 2):
        query, answer = turns[at], turns[at + 1]
        start = len(text)
        text += f"USER: {query.content} ASSISTANT:"
        answered = len(text)
        text += f" {answer.content}{end}"
        if at + 1 in conversation.answers:
            branches.append(Branch(start, answered, len(text), len(text)))
    return Rendered(text, trunk, tuple(branches))


def _chat(conversation: Conversation, tokenizer: Any, end: str) -> Rendered:
    """Render through the chat template; parts are found by rendering prefixes."""
    turns = (Message("system", SYSTEM), *messages_of(conversation))
    text = _template(tokenizer, turns, cue=False)
    trunk = len(_prefix(tokenizer, turns[:3], text))
    branches, start = [], trunk
    for at in range(3, len(turns), 2):
        asked = len(_prefix(tokenizer, turns[: at + 1], text, cue=True))
        stop = len(_prefix(tokenizer, turns[: at + 2], text))
        last = text.rfind(end, asked, stop)
        if last < 0:
            raise TrainingError(
                f"the chat template does not put the end token {end!r} after an answer,"
                " so a model could not learn to stop; set 'format.end' to what it puts"
            )
        if at in conversation.answers:  # one system turn more than there
            branches.append(Branch(start, asked, last + len(end), stop))
        start = stop
    return Rendered(text, trunk, tuple(branches))


def _prefix(
    tokenizer: Any, turns: Sequence[Message], whole: str, *, cue: bool = False
) -> str:
    text = _template(tokenizer, turns, cue=cue)
    if not whole.startswith(text):
        raise TrainingError(
            "the chat template writes earlier turns differently once more follow, so"
            " answers cannot be told apart in it; say 'conversation: wire'"
        )
    return text


def _template(tokenizer: Any, turns: Sequence[Message], *, cue: bool) -> str:
    rows = [{"role": turn.role, "content": turn.content} for turn in turns]
    return str(
        tokenizer.apply_chat_template(rows, tokenize=False, add_generation_prompt=cue)
    )
