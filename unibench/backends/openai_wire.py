"""What an OpenAI-compatible server sends back, read strictly."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from unibench.backends.server_errors import Refusal


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
        body = msgspec.json.decode(content, type=_Body)
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
