"""What an OpenAI-compatible server takes and sends back, the latter read strictly."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from unibench.backends.server_errors import Refusal

SchemaForm = Literal["response_format", "structured_outputs", "guided_json"]
"""Where a server reads a JSON schema: OpenAI's way, and vLLM's since 0.12 and before.

vLLM's own ways work on the completions route too.
"""


def schema_fields(form: SchemaForm, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a request that ask for an answer of this JSON schema."""
    if form == "guided_json":
        return {"guided_json": schema}
    if form == "structured_outputs":
        return {"structured_outputs": {"json": schema}}
    answer = {"name": "answer", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": answer}}


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None
    message: _Message | None = None
    text: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Body(msgspec.Struct):
    choices: tuple[_Choice, ...]
    usage: _Usage | None = None
    model: str | None = None


_DECODER = msgspec.json.Decoder(_Body)


class Reply(msgspec.Struct, frozen=True):
    """The first choice of an answer, and what it cost."""

    text: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    model: str


def read_reply(content: bytes, url: str) -> Reply:
    """Return the answer in the body of a successful request.

    Raises:
        Refusal: the body is no such answer, or has no choice; it may be retried.
    """
    host = urlsplit(url).netloc
    try:
        body = _DECODER.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        shown = content[:80].decode("utf-8", "replace")
        raise Refusal(
            f"{host} answered with status 200, but not as an OpenAI-compatible server"
            f" ({error}): {shown!r}; check the base URL, it usually ends in /v1",
            status=200,
            retry=True,
        ) from error
    if not body.choices:
        raise Refusal(
            f"{host} answered with status 200 and an empty list of choices; look into"
            " the server's log",
            status=200,
            retry=True,
        )
    choice, usage = body.choices[0], body.usage or _Usage()
    text, refused = _text(choice)
    reason = choice.finish_reason or "stop"
    return Reply(
        text,
        "refusal" if refused else reason,
        usage.prompt_tokens,
        usage.completion_tokens,
        body.model or "",
    )


def _text(choice: _Choice) -> tuple[str, bool]:
    """The text of a choice, and whether it is the model's refusal to answer."""
    if choice.message is None:
        return choice.text or "", False
    if choice.message.content:
        return choice.message.content, False
    return choice.message.refusal or "", bool(choice.message.refusal)


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: tuple[_Model, ...]


def read_models(content: bytes) -> tuple[str, ...]:
    """Return the names that `GET /models` lists.

    Raises:
        MsgspecError: it is no such list.
    """
    return tuple(model.id for model in msgspec.json.decode(content, type=_Models).data)
