"""An OpenAI-compatible server on this machine that misbehaves on request."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Wire(NamedTuple):
    """What goes over the wire as it is: bytes, and pauses in seconds; then the end."""

    parts: tuple[bytes | float, ...]


Reply = tuple[int, dict[str, str], bytes] | Wire
Behaviour = Callable[[dict[str, Any], int], Reply]
CUT_OFF = Wire(())
"""The connection is closed without a word."""


class LoopbackServer:
    """Requests as they came, and what to answer: `behaviour(body, number)`.

    `paid` counts by prompt the whole answers that a model would be paid for.
    """

    def __init__(self, behaviour: Behaviour, models: tuple[str, ...] = ()) -> None:
        self.behaviour, self.models = behaviour, models
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.paid: Counter[str] = Counter()
        self.under_way = self.most_at_once = self.connections = 0
        self.lock = threading.Lock()
        handler = type("Bound", (Handler,), {"outer": self})
        self.server = Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def arrived(self, path: str, headers: dict[str, str], body: Any) -> int:
        with self.lock:
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
            self.bodies.append(body)
            self.paths.append(path)
            self.headers.append({name.lower(): text for name, text in headers.items()})
            return len(self.bodies)


class Handler(BaseHTTPRequestHandler):
    """Reads a request and answers as the server's behaviour says."""

    outer: LoopbackServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        with self.outer.lock:
            self.outer.connections += 1
        super().setup()

    def do_GET(self) -> None:
        listed = {"data": [{"id": name} for name in self.outer.models]}
        self.reply(200 if self.outer.models else 404, {}, json.dumps(listed).encode())

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = json.loads(self.rfile.read(length))
        number = self.outer.arrived(self.path, dict(self.headers.items()), body)
        try:
            reply = self.outer.behaviour(body, number)
        finally:
            with self.outer.lock:
                self.outer.under_way -= 1
        if isinstance(reply, Wire):
            self.send_parts(reply)
            return
        if reply[0] == 200 and b'"choices": [{' in reply[2]:
            with self.outer.lock:
                self.outer.paid[prompt_of(body)] += 1
        self.reply(*reply)

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "content-length" not in headers:
            self.send_header("content-length", str(len(body)))
        elif int(headers["content-length"]) != len(body):
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def send_parts(self, wire: Wire) -> None:
        for part in wire.parts:
            if isinstance(part, bytes):
                self.wfile.write(part)
            else:
                time.sleep(part)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 512

    def handle_error(self, request: Any, address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, address)


@contextmanager
def serving(
    behaviour: Behaviour, models: tuple[str, ...] = ()
) -> Iterator[LoopbackServer]:
    server = LoopbackServer(behaviour, models)
    thread = threading.Thread(
        target=server.server.serve_forever, args=(0.02,), daemon=True
    )
    thread.start()
    try:
        yield server
    finally:
        server.server.shutdown()
        server.server.server_close()
        thread.join()


def unused_url() -> str:
    """A URL on which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/v1"


def prompt_of(body: dict[str, Any]) -> str:
    """The last thing that a request says."""
    return str(
        body["messages"][-1]["content"] if "messages" in body else body["prompt"]
    )


def chat(text: str | None, **choice: Any) -> bytes:
    """The body of a chat answer."""
    message = {"role": "assistant", "content": text} | choice.pop("message", {})
    choices = [{"index": 0, "message": message, "finish_reason": "stop"} | choice]
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return json.dumps({"choices": choices, "usage": usage, "model": "m-1"}).encode()


def ok(content: bytes) -> Reply:
    """A reply with status 200."""
    return 200, {"content-type": "application/json"}, content


def failure(status: int, message: str, code: str = "", **headers: str) -> Reply:
    """A reply with an error in OpenAI's form."""
    body = {"error": {"message": message, "code": code or None, "type": None}}
    content = json.dumps(body).encode()
    return status, {"content-type": "application/json"} | headers, content
