"""An OpenAI-compatible server on this machine that misbehaves on request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], bytes]
Behaviour = Callable[[dict[str, Any], int], Reply]


class LoopbackServer:
    """Requests as they came, and what to answer: `behaviour(body, number)`."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                body = json.loads(self.rfile.read(length))
                with outer.lock:
                    outer.bodies.append(body)
                    outer.paths.append(self.path)
                    outer.headers.append(
                        {k.lower(): v for k, v in self.headers.items()}
                    )
                    number = len(outer.bodies)
                status, headers, content = outer.behaviour(body, number)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "content-length" not in headers:
                    self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[LoopbackServer]:
    server = LoopbackServer(behaviour)
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
