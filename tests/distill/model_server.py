"""A real model behind the chat route of an OpenAI-compatible server, on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from unibench.backends.base import Backend
from unibench.schema.query import Message, Prompt


class ModelServer(ThreadingHTTPServer):
    """Answers one request after the other with a backend of this process."""

    daemon_threads = True

    def __init__(self, backend: Backend) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.backend, self.lock = backend, threading.Lock()
        self.answered = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        turns = tuple(Message(m["role"], m["content"]) for m in body["messages"])
        with server.lock:
            ((_, response),) = server.backend.generate([Prompt(turns)])
            server.answered += 1
        message = {"role": "assistant", "content": response.text}
        content = json.dumps(
            {
                "model": body["model"],
                "choices": [
                    {"message": message, "finish_reason": response.finish_reason}
                ],
                "usage": {
                    "prompt_tokens": response.prompt_tokens,
                    "completion_tokens": response.completion_tokens,
                },
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def model_server(backend: Backend) -> Iterator[ModelServer]:
    server = ModelServer(backend)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
