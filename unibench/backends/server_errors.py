"""What can go wrong with a server, in words: host, status, and the way out."""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from unibench.backends.base import PROMPT_TOO_LONG
from unibench.errors import BackendError

_RETRY = {408, 409, 425, 429, 500, 502, 503, 504, 529}
_BUSY = {429, 503, 529}
_MAYBE_BILLED = {200, 500, 502, 504}
_ADVICE = {
    400: "the server does not accept the request; check 'decoding' and 'backend'",
    401: "set the variable that 'backend.api_key_env' names to a valid key",
    403: "the key may not use this model",
    404: "check the model's name at the server (GET /models) and the base URL,"
    " which usually ends in /v1",
    429: "the quota is used up or there are too many requests at once; lower"
    " 'backend.concurrency' or run it again later",
}
TOO_LONG = ("context_length_exceeded", "maximum context length", "context window")
"""What servers say where the prompt and the answer do not fit."""
_FILTERED = ("content_filter", "content_policy_violation", "ResponsibleAIPolicy")
_NOTHING_SENT = {
    "ClientConnectorError",
    "ClientHttpProxyError",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionTimeoutError",
    "LocalProtocolError",
    "PoolTimeout",
    "ProxyError",
    "SSLCertVerificationError",
    "UnsupportedProtocol",
}
"""Errors of the HTTP libraries and of TLS that come before the request went out."""
_NOT_IN_TIME = "raise 'backend.timeout_s' or lower 'backend.concurrency'"
_SHOWN = 200


class Refusal(BackendError):  # noqa: N818  (an answer of the server, then an error)
    """A request that brought no answer; `retry` says whether to ask again.

    `status` is 0 where nothing listens, -1 where the answer was cut or late. `wait_s`
    is what the server asked for; `filtered` a prompt that its filter did not let
    through; `maybe_billed` that the model may have worked all the same.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        retry: bool = False,
        wait_s: float | None = None,
        too_long: bool = False,
        filtered: bool = False,
    ) -> None:
        """Take the message for the user and what the pool must know."""
        super().__init__(message)
        self.status, self.retry, self.wait_s = status, retry, wait_s
        self.too_long, self.filtered = too_long, filtered

    @property
    def dead(self) -> bool:
        """Whether there was no connection at all."""
        return self.status == 0

    @property
    def busy(self) -> bool:
        """Whether the server only asks for fewer requests."""
        return self.status in _BUSY

    @property
    def finish_reason(self) -> str:
        """What the model's answer is, where this is as good as one; empty elsewhere."""
        if self.too_long:
            return PROMPT_TOO_LONG
        return "content_filter" if self.filtered else ""

    @property
    def maybe_billed(self) -> bool:
        """Whether the model may have worked for it: nothing says that it did not."""
        return self.status == -1 or self.status in _MAYBE_BILLED


def refusal_of(error: Exception, url: str, model: str) -> Refusal:
    """Return what an exception of the SDK or of aiohttp means, to user and pool.

    The SDK's own classes do not tell whether anything was sent; their causes, the
    errors of the HTTP library below, do. A time limit on a whole answer is a
    `TimeoutError`.
    """
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        response = getattr(error, "response", None)
        headers = response.headers if response is not None else {}
        detail = _detail(getattr(error, "body", None))
        if not detail:
            detail = _words(getattr(response, "text", "") or str(error))
        return _refused(status, headers, detail, url, model)
    cause = error.__cause__ or error
    text = str(cause) or type(cause).__name__
    kinds = {kind.__name__ for each in (error, cause) for kind in type(each).__mro__}
    if kinds & _NOTHING_SENT:
        return unreachable(text, url)
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return too_late(url)
    return broken_off(text, url)


def refusal_in(
    status: int, headers: Mapping[str, str], content: bytes, url: str, model: str
) -> Refusal:
    """Return what an answer with another status than 200 means."""
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = None
    if isinstance(body, dict):
        body = body.get("error", body)
    detail = _detail(body) or _words(content.decode("utf-8", "replace"))
    return _refused(status, headers, detail, url, model)


def unreachable(text: str, url: str) -> Refusal:
    """Return the refusal of a server that nothing connects to."""
    return Refusal(
        f"{urlsplit(url).netloc} cannot be reached ({text}); start the server or check"
        " the base URL",
        retry=True,
    )


def broken_off(text: str, url: str) -> Refusal:
    """Return the refusal of a server that closes in the middle of an answer."""
    return Refusal(
        f"{urlsplit(url).netloc} broke off in the middle of an answer ({text}); look"
        " into the server's log, or run it again",
        status=-1,
        retry=True,
    )


def too_late(url: str) -> Refusal:
    """Return the refusal of a server that keeps one waiting."""
    return Refusal(
        f"{urlsplit(url).netloc} did not answer in time; {_NOT_IN_TIME}",
        status=-1,
        retry=True,
    )


def _refused(
    status: int, headers: Mapping[str, str], detail: str, url: str, model: str
) -> Refusal:
    host = urlsplit(url).netloc
    if 300 <= status < 400:
        target = headers.get("location") or "an address that it does not name"
        return Refusal(
            f"{host} answered with status {status} and points to {target}; nothing was"
            " sent there, since a key is for one host: give that address as the base"
            " URL if it is right",
            status=status,
        )
    advice = _ADVICE.get(status, "look into the server's log, or run it again later")
    return Refusal(
        f"{host} answered with status {status} for the model {model!r}: {detail};"
        f" {advice}",
        status=status,
        retry=status in _RETRY and "insufficient_quota" not in detail,
        wait_s=retry_after(headers.get("retry-after")),
        too_long=status in {400, 413} and any(sign in detail for sign in TOO_LONG),
        filtered=status == 400 and any(sign in detail for sign in _FILTERED),
    )


def _detail(body: Any) -> str:
    """What the body of an error says, empty where it is no object or text."""
    if isinstance(body, dict):
        code = body.get("code") or body.get("type") or ""
        message = _words(str(body.get("message") or body.get("detail") or body))
        return f"{message} ({code})" if code else message
    return _words(body) if isinstance(body, str) else ""


def _words(text: str) -> str:
    return " ".join(text.split())[:_SHOWN] or "no explanation"


def retry_after(value: str | None) -> float | None:
    """Return the seconds that `Retry-After` asks for; it may also be a date."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = email.utils.parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = when.timestamp() - time.time()
    return max(0.0, seconds) if math.isfinite(seconds) else None
