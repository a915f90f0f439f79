"""What can go wrong with a server, in words: host, status, and the way out."""

from __future__ import annotations

import email.utils
import time
from typing import Any
from urllib.parse import urlsplit

from unibench.errors import BackendError

_RETRY = {408, 409, 425, 429, 500, 502, 503, 504, 529}
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


class Refusal(BackendError):  # noqa: N818  (an answer of the server, then an error)
    """A request that brought no answer; `retry` says whether to ask again.

    `dead` means that nothing listens there; `wait_s` is what the server asked for.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        retry: bool = False,
        wait_s: float | None = None,
        too_long: bool = False,
    ) -> None:
        """Take the message for the user and what the pool must know."""
        super().__init__(message)
        self.status, self.retry, self.wait_s = status, retry, wait_s
        self.too_long = too_long

    @property
    def dead(self) -> bool:
        """Whether there was no connection at all."""
        return self.status == 0


def refusal_of(error: Exception, url: str, model: str) -> Refusal:
    """Return what an exception of the SDK means for the user and for the pool."""
    host = urlsplit(url).netloc
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        return _no_connection(error, host)
    detail = _detail(error)
    advice = _ADVICE.get(status, "look into the server's log, or run it again later")
    quota = "insufficient_quota" in detail
    return Refusal(
        f"{host} answered with status {status} for the model {model!r}: {detail};"
        f" {advice}",
        status=status,
        retry=status in _RETRY and not quota,
        wait_s=_retry_after(getattr(error, "response", None)),
        too_long=status in {400, 413} and any(sign in detail for sign in TOO_LONG),
    )


def _no_connection(error: Exception, host: str) -> Refusal:
    cause = error.__cause__ or error
    text = str(cause) or type(cause).__name__
    if "Timeout" in type(error).__name__:
        advice = "raise 'backend.timeout_s' or lower 'backend.concurrency'"
        return Refusal(
            f"{host} did not answer in time; {advice}", status=-1, retry=True
        )
    if "Protocol" in type(cause).__name__ or "Read" in type(cause).__name__:
        return Refusal(
            f"{host} broke off in the middle of an answer ({text}); look into the"
            " server's log, or run it again",
            status=-1,
            retry=True,
        )
    return Refusal(
        f"{host} cannot be reached ({text}); start the server or check the base URL",
        retry=True,
    )


def _detail(error: Exception) -> str:
    body: Any = getattr(error, "body", None)
    if isinstance(body, dict):
        code = body.get("code") or body.get("type") or ""
        message = str(body.get("message") or body.get("detail") or body)
        return f"{message[:200]} ({code})" if code else message[:200]
    text = getattr(getattr(error, "response", None), "text", "") or str(error)
    return " ".join(text.split())[:200] or "no explanation"


def _retry_after(response: Any) -> float | None:
    """The seconds that `Retry-After` asks for, which may also be a date."""
    value = response.headers.get("retry-after") if response is not None else None
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        when = email.utils.parsedate_to_datetime(value) if "," in value else None
        return max(0.0, when.timestamp() - time.time()) if when else None
