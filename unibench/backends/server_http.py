"""HTTP/1.1 to one server over connections that are kept open.

The client that the openai SDK brings spends more time on a request than a small
server does; where thousands of requests a minute go to one address, only what RFC 9112
asks of a client is needed: a head, a body, and an answer of a stated length, in chunks
or up to the end of the connection. Redirects are not followed, so a key never leaves
the server that it was meant for.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import NamedTuple

_MAX_HEAD = 1 << 16
_MAX_BODY = 1 << 26
_WITHOUT_BODY = frozenset({204, 304})


class Answer(NamedTuple):
    """What a server said; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class NotConnectedError(Exception):
    """There was no connection, so nothing was sent."""


class NoAnswerError(Exception):
    """The request was sent, and no whole answer came back."""


class NoAnswerInTimeError(NoAnswerError):
    """The request was sent, and no whole answer came back in time."""


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


class Connections:
    """Ask one server; each connection has one request at a time and is used again."""

    def __init__(
        self, address: Address, *, connect_timeout_s: float, timeout_s: float
    ) -> None:
        """`timeout_s` is for a whole answer, however it trickles in."""
        self.address = address
        self.connect_timeout_s, self.timeout_s = connect_timeout_s, timeout_s
        self._idle: list[_Connection] = []

    async def exchange(self, head: bytes, body: bytes) -> Answer:
        """Send one request and return its answer; `head` ends with a blank line.

        Raises:
            NotConnectedError: nobody listens there; nothing was sent.
            NoAnswerError: the answer was cut, is no HTTP, or did not come in time.
        """
        connection = self._kept() or await self._connect()
        keep = False
        try:
            async with asyncio.timeout(self.timeout_s):
                connection.transport.write(head + body if body else head)
                answer, keep = await _read_answer(connection)
        except TimeoutError as error:
            raise NoAnswerInTimeError(f"{self.timeout_s:g} s") from error
        except (OSError, EOFError, ValueError) as error:
            text = str(error) or "the connection was closed"
            raise NoAnswerError(text) from error
        finally:
            if keep:
                self._idle.append(connection)
            else:
                connection.transport.abort()
        return answer

    def close(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            self._idle.pop().transport.abort()

    def _kept(self) -> _Connection | None:
        """The connection that was used last, if the server has not closed it."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and not connection.buffer:
                return connection
            connection.transport.abort()
        return None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        host, port, tls = self.address
        try:
            async with asyncio.timeout(self.connect_timeout_s):
                _, made = await loop.create_connection(
                    _Connection, host, port, ssl=tls, happy_eyeballs_delay=0.25
                )
        except TimeoutError as error:
            raise NotConnectedError(
                f"no connection in {self.connect_timeout_s:g} s"
            ) from error
        except OSError as error:
            raise NotConnectedError(str(error)) from error
        return made


class _Connection(asyncio.Protocol):
    """The bytes that came in and were not read yet."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.closed = False
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # of create_connection

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self._wake()

    def eof_received(self) -> None:
        self.closed = True
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def more(self) -> None:
        """Wait for further bytes.

        Raises:
            EOFError: none will come.
        """
        if self.closed:
            raise EOFError("the connection was closed before the end of the answer")
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    async def until(self, end: bytes) -> bytes:
        """Take what stands before the next `end`, and `end` itself off the buffer."""
        start = 0
        while (found := self.buffer.find(end, start)) < 0:
            start = max(0, len(self.buffer) - len(end) + 1)
            if start > _MAX_HEAD:
                raise ValueError(f"more than {_MAX_HEAD} bytes without an end of line")
            await self.more()
        taken = bytes(self.buffer[:found])
        del self.buffer[: found + len(end)]
        return taken

    async def exactly(self, count: int) -> bytes:
        """Take so many bytes."""
        if not 0 <= count <= _MAX_BODY:
            raise ValueError(f"an answer of {count} bytes")
        while len(self.buffer) < count:
            await self.more()
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    async def rest(self) -> bytes:
        """Take everything up to the end of the connection."""
        while not self.closed:
            if len(self.buffer) > _MAX_BODY:
                raise ValueError(f"an answer of more than {_MAX_BODY} bytes")
            await self.more()
        return await self.exactly(len(self.buffer))


async def _read_answer(connection: _Connection) -> tuple[Answer, bool]:
    """Return the answer, and whether the connection can be used again."""
    status = 100
    while 100 <= status < 200:  # interim answers come before the one that counts
        lines = (await connection.until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        version, _, rest = lines[0].partition(" ")
        if not version.startswith("HTTP/1."):
            raise ValueError(f"no HTTP answer: {lines[0][:80]!r}")
        status = int(rest[:3])
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    content, ended = await _read_body(connection, status, headers)
    said = headers.get("connection", "").lower()
    open_still = not ended and "close" not in said
    keep = open_still and (version != "HTTP/1.0" or "keep-alive" in said)
    return Answer(status, headers, content), keep


async def _read_body(
    connection: _Connection, status: int, headers: Mapping[str, str]
) -> tuple[bytes, bool]:
    """Return the body, and whether the connection ended with it (RFC 9112, 6.3)."""
    if status in _WITHOUT_BODY:
        return b"", False
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _read_chunks(connection), False
    if (length := headers.get("content-length")) is not None:
        return await connection.exactly(int(length)), False
    return await connection.rest(), True


async def _read_chunks(connection: _Connection) -> bytes:
    """Return the chunks of a body as one; extensions and trailers are dropped."""
    chunks, total = [], 0
    while size := int((await connection.until(b"\r\n")).partition(b";")[0], 16):
        total += size
        if total > _MAX_BODY:
            raise ValueError(f"an answer of more than {_MAX_BODY} bytes")
        chunks.append(await connection.exactly(size))
        if await connection.until(b"\r\n"):
            raise ValueError("a chunk that is longer than it says")
    while await connection.until(b"\r\n"):
        pass
    return b"".join(chunks)
