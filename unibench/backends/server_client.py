"""One OpenAI-compatible server, as the openai SDK addresses it.

The SDK says how requests to a path are addressed: URL, authorisation, headers. aiohttp,
on which the SDK's fastest client runs, sends them: the SDK's own layers take several
times as long for each (benchmarks/servers.py). Nothing is retried here: the pool does
that, since it knows other servers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from unibench.errors import BackendError

OPENAI_HOST = "api.openai.com"
NO_KEY = "none"
_SECRET_LENGTH = 8
_KEPT_S = 4.0
"""Idle connections are closed before uvicorn (vLLM, SGLang) does so, after 5 seconds:
a request that crosses its server's closing would count as sent and not answered."""
_JSON: Any = {"headers": {"content-type": "application/json"}}
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


class Answer(NamedTuple):
    """What a server sent, whatever its status."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class ServerClient:
    """Sends requests to one server, as many at once as the card allows."""

    def __init__(self, access: Access, timeouts: Timeouts, concurrency: int) -> None:
        """Find the way to the server; it connects when the first request is sent.

        Raises:
            BackendError: the environment names a proxy that is not an HTTP proxy.
        """
        self.access, self.timeouts, self.concurrency = access, timeouts, concurrency
        self._proxy = proxy_for(access.url)
        self._addressed: dict[tuple[str, str], tuple[Any, dict[str, str]]] = {}
        self._session: Any = None

    async def post(self, path: str, body: bytes, key: str) -> Answer:
        """Post `body` to a path below the base URL.

        `key` marks attempts at one request, for servers that answer such only once.

        Raises:
            TimeoutError: no whole answer came in time, however it trickled in.
            OSError, aiohttp.ClientError: any other reason why there is no answer.
        """
        url, headers = self._address("POST", path)
        headers = {**headers, "idempotency-key": key}
        async with self._open().post(
            url, data=body, headers=headers, proxy=self._proxy, allow_redirects=False
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def get(self, path: str) -> Answer:
        """Get a path below the base URL; see `post`."""
        url, headers = self._address("GET", path)
        async with self._open().get(
            url, headers=headers, proxy=self._proxy, allow_redirects=False
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _address(self, method: str, path: str) -> tuple[Any, dict[str, str]]:
        """Return the URL and headers of requests to a path, as the SDK makes them."""
        from yarl import URL

        if (known := self._addressed.get((method, path))) is None:
            request = _addressed(self.access, self.timeouts, method, path)
            url = URL(str(request.url), encoded=True)
            known = self._addressed[method, path] = (url, dict(request.headers))
        return known

    def _open(self) -> Any:
        """Return the session, which needs a running loop to be made."""
        import aiohttp

        if self._session is None:
            limits = self.timeouts
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self.concurrency,
                    keepalive_timeout=_KEPT_S,
                    ssl=sdk_http().create_ssl_context(),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(
                    total=limits.answer_s, sock_connect=limits.connect_s
                ),
            )
        return self._session


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for a URL (HTTPS_PROXY, NO_PROXY).

    Raises:
        BackendError: it is not an HTTP proxy.
    """
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy and urlsplit(proxy).scheme not in {"http", "https"}:
        kind = urlsplit(proxy).scheme or "address without http://"
        raise BackendError(
            f"the environment names a proxy for {parts.netloc} that is no HTTP proxy"
            f" ({kind}); set NO_PROXY={parts.hostname}, or name an HTTP proxy"
        )
    return proxy or None


def sdk_http() -> Any:
    """Return the HTTP library that the installed SDK is built on: httpx or httpx2."""
    import openai

    (_, base, *_) = openai.DefaultAsyncHttpxClient.__mro__
    return sys.modules[base.__module__.partition(".")[0]]


def _addressed(access: Access, timeouts: Timeouts, method: str, path: str) -> Any:
    """Return the request that the SDK makes for a path; it is sent nowhere.

    Its URL, authorisation and headers are the same in every request to that path.
    """
    import openai

    library, made = sdk_http(), []

    def keep(request: Any) -> Any:
        made.append(request)
        return library.Response(200, json={})

    http = openai.DefaultHttpxClient(transport=library.MockTransport(keep))
    with openai.OpenAI(**_sdk_settings(access, timeouts), http_client=http) as sdk:
        if method == "GET":
            sdk.get(path, cast_to=library.Response)
        else:
            sdk.post(path, content=b"{}", cast_to=library.Response, options=_JSON)
    (request,) = made
    _own_headers_only(request, access)
    for each in ("accept-encoding", "content-length", "idempotency-key"):
        request.headers.pop(each, None)
    return request


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
