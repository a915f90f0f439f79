"""HTTP/1.1 as our own connections read it, against raw bytes from a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unibench.backends.server_http import (
    Address,
    Answer,
    Connections,
    NoAnswerError,
    NoAnswerInTimeError,
    NotConnectedError,
)

POST = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


class RawServer:
    """Answers each request of a connection with the next of these bytes."""

    def __init__(self, answers: list[bytes], *, piece: int, closing: bool) -> None:
        self.answers, self.piece, self.closing = answers, piece, closing
        self.connections = 0

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        while await reader.readline() and self.answers:
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
            answer = self.answers.pop(0)
            for start in range(0, len(answer), self.piece):
                writer.write(answer[start : start + self.piece])
                await writer.drain()
            if self.closing:
                break
        writer.close()


@asynccontextmanager
async def connected(server: RawServer) -> AsyncIterator[Connections]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    connections = Connections(
        Address("127.0.0.1", port), connect_timeout_s=1, timeout_s=1
    )
    try:
        yield connections
    finally:
        connections.close()
        listening.close()
        await asyncio.sleep(0.01)  # so that both sides see the end


def ask(
    *answers: bytes, piece: int = 1 << 16, closing: bool = False
) -> tuple[list[Answer], int]:
    """Ask as often as there are answers; return these and the connections it took."""
    server = RawServer(list(answers), piece=piece, closing=closing)

    async def run() -> list[Answer]:
        async with connected(server) as connections:
            return [await connections.exchange(POST, b"{}") for _ in answers]

    return asyncio.run(run()), server.connections


@pytest.mark.parametrize("piece", [1, 7, 1 << 16], ids=["bytes", "sevens", "whole"])
@pytest.mark.parametrize(
    ("answer", "status", "content"),
    [
        pytest.param(OK + b"Content-Length: 3\r\n\r\nabc", 200, b"abc", id="length"),
        pytest.param(
            OK
            + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n",
            200,
            b"abc",
            id="chunks",
        ),
        pytest.param(
            OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n",
            200,
            b"abc",
            id="trailer",
        ),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 1\r\n\r\na",
            200,
            b"a",
            id="interim",
        ),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", id="none"),
        pytest.param(OK + b"content-length: 0\r\n\r\n", 200, b"", id="empty"),
    ],
)
def test_answers_are_read_and_the_connection_is_used_again(
    answer: bytes, status: int, content: bytes, piece: int
) -> None:
    found, connections = ask(answer, answer, piece=piece)
    assert [(a.status, a.content) for a in found] == [(status, content)] * 2
    assert connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            OK + b"connection: close\r\ncontent-length: 1\r\n\r\na", id="said"
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na", id="http-1.0"),
        pytest.param(OK + b"content-length: 1\r\n\r\naHTTP/1.1 200 OK", id="leftover"),
    ],
)
def test_a_connection_that_cannot_be_trusted_is_not_used_again(answer: bytes) -> None:
    found, connections = ask(answer, answer)
    assert [a.content for a in found] == [b"a", b"a"]
    assert connections == 2


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    found, connections = ask(OK + b"\r\nabc", OK + b"\r\nabc", closing=True)
    assert [a.content for a in found] == [b"abc", b"abc"]
    assert connections == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(OK + b"content-length: 9\r\n\r\nabc", "before the end", id="cut"),
        pytest.param(OK[:9], "before the end", id="cut-head"),
        pytest.param(b"", "before the end", id="nothing"),
        pytest.param(b"SSH-2.0\r\n\r\n", "no HTTP answer", id="ssh"),
        pytest.param(b"HTTP/1.1 abc\r\n\r\n", "invalid literal", id="status"),
        pytest.param(OK + b"content-length: x\r\n\r\n", "invalid lit", id="length"),
        pytest.param(OK + b"content-length: -1\r\n\r\n", "of -1 bytes", id="negative"),
        pytest.param(
            OK + b"content-length: 99999999999\r\n\r\n", "99999999999 bytes", id="huge"
        ),
        pytest.param(OK + b"x: " + b"a" * (1 << 17), "end of line", id="head-too-long"),
        pytest.param(
            OK + b"transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
            "longer than it says",
            id="chunk",
        ),
    ],
)
def test_what_is_no_answer_is_said(answer: bytes, message: str) -> None:
    with pytest.raises(NoAnswerError, match=message):
        ask(answer, closing=True)


def test_a_whole_answer_has_its_time() -> None:
    async def run() -> None:
        server = RawServer(
            [OK + b"content-length: 9\r\n\r\nabc"], piece=9, closing=False
        )
        async with connected(server) as connections:
            connections.timeout_s = 0.1
            await connections.exchange(POST, b"{}")

    with pytest.raises(NoAnswerInTimeError, match=r"0\.1 s"):
        asyncio.run(run())


def test_nobody_listens() -> None:
    async def run() -> None:
        async with connected(RawServer([], piece=1, closing=True)) as connections:
            address = connections.address
        closed = Connections(address, connect_timeout_s=1, timeout_s=1)
        await closed.exchange(POST, b"{}")

    with pytest.raises(NotConnectedError):
        asyncio.run(run())


@settings(max_examples=30, deadline=None)
@given(
    bodies=st.lists(st.binary(max_size=80), min_size=1, max_size=4),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    piece=st.integers(1, 60),
)
def test_any_body_in_any_pieces(
    bodies: list[bytes], sizes: list[int], piece: int
) -> None:
    answers = []
    for number, body in enumerate(bodies):
        if number % 2:
            answers.append(OK + b"content-length: %d\r\n\r\n" % len(body) + body)
            continue
        chunks, at, turn = b"", 0, 0
        while at < len(body):
            part = body[at : at + sizes[turn % len(sizes)]]
            chunks += b"%x\r\n%s\r\n" % (len(part), part)
            at, turn = at + len(part), turn + 1
        answers.append(
            OK + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
        )
    found, connections = ask(*answers, piece=piece)
    assert [answer.content for answer in found] == bodies
    assert connections == 1
