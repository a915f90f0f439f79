"""One OpenAI-compatible server, as the openai SDK addresses it.

The SDK makes and sends every request: URL, authorisation, headers, proxies, TLS, kept
connections. It is asked for the library's plain response, so that no model classes are
made of an answer, and it does not retry: the pool does, since it knows other servers.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from unibench.errors import BackendError

OPENAI_HOST = "api.openai.com"
NO_KEY = "none"
_SECRET_LENGTH = 8
_FOR_ANY_SERVER = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"connection",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"transfer-encoding",
        b"user-agent",
    }
)


class Access(NamedTuple):
    """A server's base URL and the key that it may be given."""

    url: str
    key: str

    @property
    def host(self) -> str:
        """The host, with its port where one is given."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def is_openai(self) -> bool:
        """Whether this is OpenAI's own API."""
        return urlsplit(self.url).hostname == OPENAI_HOST

    def without_key(self, text: str) -> str:
        """Return `text` with the key made unreadable, for servers that repeat it."""
        if self.key == NO_KEY or len(self.key) < _SECRET_LENGTH:
            return text
        return text.replace(self.key, "***")


class Timeouts(NamedTuple):
    """Seconds: for a connection, and for a whole answer."""

    connect_s: float
    answer_s: float


def key_for(url: str, names: str | Mapping[str, str]) -> str:
    """Return the key for `url` from the environment, `NO_KEY` where it needs none.

    `names` is the variable, or variables by host. OpenAI's own goes nowhere else.

    Raises:
        BackendError: the variable is not set, holds no key, or is OpenAI's and this is
            another host.
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if isinstance(names, str):
        name = names
    else:
        name = names.get(host) or names.get(parts.hostname or "", "")
    is_openai = parts.hostname == OPENAI_HOST
    if not name and is_openai:
        name = "OPENAI_API_KEY"
    if not name:
        return NO_KEY
    if name == "OPENAI_API_KEY" and not is_openai:
        raise BackendError(
            f"OPENAI_API_KEY is for {OPENAI_HOST} and is not sent to {host}; name"
            " another variable in 'backend.api_key_env'"
        )
    if not (key := os.environ.get(name, "").strip()):
        raise BackendError(f"{host} needs a key: set the variable {name}")
    if not key.isascii() or not key.isprintable():
        raise BackendError(
            f"the variable {name} holds characters that no key has; set it to the key"
            " alone"
        )
    return key


class ServerClient:
    """Sends requests to one server, as many at once as the card allows."""

    def __init__(self, access: Access, timeouts: Timeouts, concurrency: int) -> None:
        """Make the SDK's client; it connects when the first request is sent."""
        self.access, self.timeouts = access, timeouts
        self._sdk = _sdk_client(access, timeouts, concurrency)
        self._response = sdk_http().Response

    async def post(self, path: str, body: bytes, key: str) -> Any:
        """Post `body` to a path below the base URL; the library's response comes back.

        `key` marks attempts at one request, for servers that answer such only once.

        Raises:
            TimeoutError: no whole answer came in time, however it trickled in.
            OpenAIError: any other reason why there is no answer.
        """
        headers = {"content-type": "application/json", "idempotency-key": key}
        async with asyncio.timeout(self.timeouts.answer_s):
            return await self._sdk.post(
                path,
                content=body,
                cast_to=self._response,
                options={"headers": headers},
            )

    async def get(self, path: str) -> Any:
        """Get a path below the base URL; see `post`."""
        async with asyncio.timeout(self.timeouts.answer_s):
            return await self._sdk.get(path, cast_to=self._response)

    async def close(self) -> None:
        """Close all connections."""
        await self._sdk.close()


def sdk_http() -> Any:
    """Return the HTTP library that the installed SDK is built on: httpx or httpx2."""
    import openai

    (_, base, *_) = openai.DefaultAsyncHttpxClient.__mro__
    return sys.modules[base.__module__.partition(".")[0]]


def _sdk_client(access: Access, timeouts: Timeouts, concurrency: int) -> Any:
    """Return the SDK's client of one server; nothing but its own key goes there.

    Proxies are the environment's. A connection is kept for each request that may be
    under way.
    """
    import openai

    async def own_only(request: Any) -> None:
        _own_headers_only(request, access)

    http = openai.DefaultAsyncHttpxClient(
        follow_redirects=False,
        event_hooks={"request": [own_only]},
        limits=sdk_http().Limits(
            max_connections=concurrency, max_keepalive_connections=concurrency
        ),
    )
    return openai.AsyncOpenAI(**_sdk_settings(access, timeouts), http_client=http)


def blocking_client(access: Access, timeouts: Timeouts) -> Any:
    """Return the SDK's client for one request at a time, with the same care."""
    import openai

    http = openai.DefaultHttpxClient(
        follow_redirects=False,
        event_hooks={"request": [lambda request: _own_headers_only(request, access)]},
    )
    return openai.OpenAI(**_sdk_settings(access, timeouts), http_client=http)


def _sdk_settings(access: Access, timeouts: Timeouts) -> dict[str, Any]:
    return {
        "base_url": access.url,
        "api_key": access.key,
        "max_retries": 0,  # we retry, so that other servers can help
        "timeout": sdk_http().Timeout(timeouts.answer_s, connect=timeouts.connect_s),
    }


def _own_headers_only(request: Any, access: Access) -> None:
    """Leave out what the SDK takes from the environment for OpenAI alone.

    It adds organisation, project and OPENAI_CUSTOM_HEADERS to every request.
    """
    if access.is_openai:
        return
    kept = [x for x in request.headers.raw if x[0].lower() in _FOR_ANY_SERVER]
    kept.append((b"authorization", f"Bearer {access.key}".encode()))
    request.headers = type(request.headers)(kept)
