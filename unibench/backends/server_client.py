"""One OpenAI-compatible server, as the openai SDK addresses it.

The SDK makes each route's request once: URL, authorisation, headers. Later requests of
that route have the same head and go over our own kept connections, because making each
one anew in the SDK costs more processor time than everything else together (measured
in benchmarks/servers.py). Where a proxy stands between, or the card says so, the SDK
sends every request itself.
"""

from __future__ import annotations

import asyncio
import os
import sys
import urllib.request
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from unibench.backends.server_http import (
    Address,
    Answer,
    Connections,
    NoAnswerError,
    NoAnswerInTimeError,
    NotConnectedError,
)
from unibench.errors import BackendError

OPENAI_HOST = "api.openai.com"
NO_KEY = "none"
_SECRET_LENGTH = 8
_FOR_ANY_SERVER = frozenset(
    {
        "accept",
        "authorization",
        "content-type",
        "host",
        "idempotency-key",
        "user-agent",
    }
)
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "transfer-encoding",
        "x-stainless-retry-count",
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


class ServerClient(Protocol):
    """Sends requests to one server."""

    access: Access

    async def send(self, path: str, body: bytes | None, key: str = "") -> Answer:
        """Post `body` to a path below the base URL, or get the path without one.

        `key` marks attempts at one request, for servers that answer such only once.

        Raises:
            NotConnectedError: nothing was sent.
            NoAnswerError: it was sent, and no whole answer came.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


def open_client(access: Access, timeouts: Timeouts, *, direct: bool) -> ServerClient:
    """Return a client for one server; the SDK itself where a proxy stands between."""
    if direct and not _has_proxy(access.url):
        return DirectClient(access, timeouts)
    return SdkClient(access, timeouts)


def key_for(url: str, names: str | Mapping[str, str]) -> str:
    """Return the key for `url` from the environment, `NO_KEY` where it needs none.

    `names` is the variable, or variables by host. OpenAI's own goes nowhere else.

    Raises:
        BackendError: the variable is not set, or is OpenAI's and this is another host.
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
    return key


def _has_proxy(url: str) -> bool:
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    if parts.scheme not in proxies and "all" not in proxies:
        return False
    return not urllib.request.proxy_bypass(parts.hostname or "")


class SdkClient:
    """Every request through the SDK, which reads the proxies from the environment."""

    def __init__(self, access: Access, timeouts: Timeouts) -> None:
        """Make the SDK's client, without retries of its own and without redirects."""
        self.access, self.timeouts = access, timeouts
        self._sdk = sdk_client(access, timeouts)

    async def send(self, path: str, body: bytes | None, key: str = "") -> Answer:
        """Send it; see `ServerClient`."""
        import openai

        try:
            async with asyncio.timeout(self.timeouts.answer_s):
                response = await sdk_send(self._sdk, path, body, key)
        except openai.APIStatusError as error:
            response = error.response
        except openai.APIConnectionError as error:  # a timeout is one, too
            text = str(error.__cause__ or error)
            if _is_about_connecting(error):
                raise NotConnectedError(text) from error
            if isinstance(error, openai.APITimeoutError):
                raise NoAnswerInTimeError(text) from error
            raise NoAnswerError(text) from error
        except TimeoutError as error:
            raise NoAnswerInTimeError(f"{self.timeouts.answer_s:g} s") from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, response.content)

    async def close(self) -> None:
        """Close the SDK's client."""
        await self._sdk.close()


class DirectClient:
    """Requests with the SDK's head over our own connections."""

    def __init__(self, access: Access, timeouts: Timeouts) -> None:
        """Connect to nothing yet."""
        self.access, self.timeouts = access, timeouts
        self._heads: dict[str, bytes] = {}
        self._making = asyncio.Lock()

    async def send(self, path: str, body: bytes | None, key: str = "") -> Answer:
        """Send it; see `ServerClient`."""
        if (head := self._heads.get(path)) is None:
            async with self._making:  # the first requests of a run come together
                if (head := self._heads.get(path)) is None:
                    head = self._heads[path] = await self._head(path, body)
        if body is None:
            return await self._connections.exchange(head + b"\r\n", b"")
        length = b"content-length: %d\r\n" % len(body)
        marked = b"idempotency-key: %s\r\n" % key.encode() if key else b""
        return await self._connections.exchange(head + length + marked + b"\r\n", body)

    async def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    @cached_property
    def _connections(self) -> Connections:
        parts = urlsplit(self.access.url)
        tls = sdk_http().create_ssl_context() if parts.scheme == "https" else None
        address = Address(parts.hostname or "", parts.port or (443 if tls else 80), tls)
        return Connections(
            address,
            connect_timeout_s=self.timeouts.connect_s,
            timeout_s=self.timeouts.answer_s,
        )

    async def _head(self, path: str, body: bytes | None) -> bytes:
        """Let the SDK make a request, and keep its head; nothing is sent."""
        recorder = _Recorder()
        sdk = sdk_client(self.access, self.timeouts, transport=recorder)
        await sdk_send(sdk, path, body, "")
        await sdk.close()
        request = recorder.request
        lines = [f"{request.method} {request.url.raw_path.decode()} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers.multi_items()]
        lines = [x for x in lines if x.partition(":")[0].lower() not in _OURS]
        lines += ["accept-encoding: identity", "connection: keep-alive", ""]
        return "\r\n".join(lines).encode("latin-1")


class _Recorder:
    """Takes the SDK's request and answers it; nothing leaves the process."""

    request: Any

    async def __aenter__(self) -> _Recorder:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass

    async def aclose(self) -> None:
        pass

    async def handle_async_request(self, request: Any) -> Any:
        self.request = request
        return sdk_http().Response(200, request=request)


def sdk_http() -> Any:
    """Return the HTTP library that the installed SDK is built on: httpx or httpx2."""
    import openai

    (_, base, *_) = openai.DefaultAsyncHttpxClient.__mro__
    return sys.modules[base.__module__.partition(".")[0]]


def sdk_client(access: Access, timeouts: Timeouts, *, transport: Any = None) -> Any:
    """Return the SDK's client of one server; nothing but its own key goes there.

    The SDK adds organisation, project and OPENAI_CUSTOM_HEADERS from the environment
    to every request; other servers than OpenAI's get none of these.
    """
    import openai

    async def own_only(request: Any) -> None:
        _own_headers_only(request, access)

    http = openai.DefaultAsyncHttpxClient(
        transport=transport,
        follow_redirects=False,
        event_hooks={"request": [own_only]},
        limits=sdk_http().Limits(max_connections=None),
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
    if access.is_openai:
        return
    for name in set(request.headers) - _FOR_ANY_SERVER - _OURS:
        del request.headers[name]
    request.headers["authorization"] = f"Bearer {access.key}"


async def sdk_send(sdk: Any, path: str, body: bytes | None, key: str) -> Any:
    """Send one request through the SDK and return the library's response."""
    response = sdk_http().Response
    if body is None:
        return await sdk.get(path, cast_to=response)
    headers = {"content-type": "application/json"}
    if key:
        headers["idempotency-key"] = key
    return await sdk.post(
        path, content=body, cast_to=response, options={"headers": headers}
    )


def _is_about_connecting(error: BaseException) -> bool:
    """Whether an error of the SDK came before anything was sent."""
    kind = type(error.__cause__).__name__
    return kind in {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"}
