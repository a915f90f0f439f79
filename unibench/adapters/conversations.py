"""How a chat is written as one text, in the families that tell so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from unibench.adapters.wordings import Wording
from unibench.schema.query import Message, Prompt

Conversation = Literal["chat", "vicuna", "alpaca", "plain", "llama2"]

PARTS = {
    "vicuna": "A user talks with an assistant. The assistant answers every question"
    " helpfully, politely and in detail.",
    "alpaca": "An instruction describes a task, and an input belongs to it. Write the"
    " response that carries out the request.",
}
"""Our wording of the sentences that stand before a conversation.

Vicuna's own is 154 characters (version 1.1; prompts.md 4); Alpaca's is not known.
"""
STOPS: dict[str, tuple[str, ...]] = {
    "chat": (),
    "vicuna": ("</s>", "USER:"),
    "alpaca": ("</s>", "### Instruction:", "### Input:"),
    "plain": ("</s>", "\n\n"),
    "llama2": ("</s>", "[INST]"),
}


def written(
    style: Conversation, request: str, passage: str, wordings: Mapping[str, Wording]
) -> Prompt:
    """Return `request` in one of the conversation styles.

    `request` already holds the passage; Alpaca's sections want the two apart, so
    there the passage is taken out of the request and stands under `### Input:`.
    """
    user = Message("user", request)
    if style == "vicuna":
        system = wordings["vicuna"].text
        text = f"{system} USER: {request} ASSISTANT:"
        return Prompt((Message("system", system), user), text)
    if style == "alpaca":
        head, _, tail = request.partition(f"Text: {passage}\n")
        instruction = (head + tail.removesuffix("Entity:")).strip()
        text = (
            f"{wordings['alpaca'].text}\n\n### Instruction:\n{instruction}\n\n"
            f"### Input:\n{passage}\n\n### Response:\n"
        )
        return Prompt((user,), text)
    if style == "llama2":
        return Prompt((user,), f"[INST] {request} [/INST]")
    return Prompt((user,), request if style == "plain" else None)
