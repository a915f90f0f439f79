"""What is asked of a model, what comes back, and what is read from it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from unibench.schema.text import Mention, Passage


class Query(msgspec.Struct, frozen=True):
    """A passage and the entity types asked about it in one request.

    `definitions` maps an asked type to one sentence that defines it, where the
    label map has one. `subset` is the subset that the passage is of, for prompts
    with a dataset field (the paper's Figure 3).
    """

    passage: Passage
    entity_types: tuple[str, ...]
    definitions: Mapping[str, str] = {}
    subset: str = ""


class Message(msgspec.Struct, frozen=True):
    """One turn of a conversation; `role` is system, user or assistant."""

    role: str
    content: str


class Prompt(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sent to a generative model.

    `text` is the same conversation rendered by the model family's own template;
    where it is given, a backend that completes plain text sends it as it is.
    `schema` is a JSON schema for servers with structured outputs.
    """

    messages: tuple[Message, ...]
    text: str | None = None
    schema: dict[str, Any] | None = None


class Response(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a model answered, unread, with what it cost.

    `finish_reason` is `stop`, `length` (cut at the token limit) or what the server
    said; token counts are None where the model has none; `latency_s` is seconds;
    `flags` names what the backend did besides, such as `structured_output`.
    `retries` counts the times that the request was sent again, `unanswered` those
    sendings that brought nothing and may be billed all the same.
    """

    text: str
    finish_reason: str = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_s: float | None = None
    model: str = ""
    flags: tuple[str, ...] = ()
    retries: int = 0
    unanswered: int = 0


class Parsed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a parser made of a response.

    `parse_error` names why nothing could be read (then there are no mentions and
    the query counts as answered empty); `repairs` names what was mended on the
    way; `dropped` counts pieces left out by reason; `flags` names what was odd.
    """

    mentions: tuple[Mention, ...] = ()
    parse_error: str = ""
    repairs: tuple[str, ...] = ()
    dropped: Mapping[str, int] = {}
    flags: tuple[str, ...] = ()


class Prediction(msgspec.Struct, frozen=True, omit_defaults=True):
    """The mentions read from the answer to one query; a row of `predictions.jsonl`.

    `id` is the passage's. `unknown_types` are asked types that a model with closed
    labels cannot know. `response_key` finds the stored response.
    """

    id: str
    entity_types: tuple[str, ...]
    mentions: tuple[Mention, ...]
    parse_error: str = ""
    repairs: tuple[str, ...] = ()
    dropped: Mapping[str, int] = {}
    flags: tuple[str, ...] = ()
    unknown_types: tuple[str, ...] = ()
    finish_reason: str = "stop"
    response_key: str = ""


def content_hash(*parts: Any) -> str:
    """Return the sha256 (64 hex digits) of `parts` as canonical JSON."""
    encoded = msgspec.json.encode(parts, order="deterministic")
    return hashlib.sha256(encoded).hexdigest()
