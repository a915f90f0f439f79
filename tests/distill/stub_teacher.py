"""A teacher on loopback that answers like a real one: mostly right, sometimes not.

What it says depends on the passage alone, so runs can be compared. Entities are the
capitalised words; their types follow a heavy tail.
"""

from __future__ import annotations

import json
import re
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TYPES = (
    "person",
    "organization",
    "location",
    "date",
    "product",
    "event",
    "Ships",
    "Medical Condition",
    "metal",
    "river",
)
TAIL = 3000
WORD = re.compile(r"\b[A-Z][a-z]+\b")


def number(text: str) -> int:
    return zlib.crc32(text.encode())


def type_of(word: str) -> str:
    """A type by a power law: the k-th has about 1/k of the words."""
    draw = number("type " + word) % 10_000
    rank = int((TAIL + 1) ** (draw / 10_000))
    return TYPES[rank - 1] if rank <= len(TYPES) else f"kind {rank}"


def pairs_of(passage: str) -> list[tuple[str, str]]:
    return [(word, type_of(word)) for word in dict.fromkeys(WORD.findall(passage))]


def good(passage: str) -> str:
    items = (f"({json.dumps(e)}, {json.dumps(t)})" for e, t in pairs_of(passage))
    return "[" + ", ".join(items) + "]"


def half(passage: str) -> str:
    text = good(passage)
    return text[: max(2, len(text) * 2 // 3)]


FOREIGN = '[("\u041c\u043e\u0441\u043a\u0432\u0430", "\u0433\u043e\u0440\u043e\u0434")]'
ERRORS: dict[str, Callable[[str], str]] = {
    "prose": lambda passage: f"There are {len(pairs_of(passage))} names in it.",
    "refusal": lambda passage: "I'm sorry, but I cannot help with that.",
    "half": half,
    "quotes": lambda passage: good(passage).replace('")', ")"),
    "flood": lambda passage: "[" + ", ".join(['("A", "b")'] * 10_000) + "]",
    "empty": lambda passage: "",
    "foreign": lambda passage: FOREIGN,
    "absent": lambda passage: good(passage)[:-1] + ', ("Nobody Said", "person")]',
    "chatter": lambda passage: f"The list:\n```python\n{good(passage)}\n```",
}


def behaviour(passage: str, error_share: float) -> str:
    draw = number("behaviour " + passage) % 10_000
    if draw >= error_share * 10_000:
        return "good"
    return list(ERRORS)[draw % len(ERRORS)]


def answer(passage: str, error_share: float = 0.1) -> str:
    kind = behaviour(passage, error_share)
    return good(passage) if kind == "good" else ERRORS[kind](passage)


class StubTeacher(ThreadingHTTPServer):
    """Counts requests; `delay_s` before each answer."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, error_share: float = 0.1, delay_s: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.error_share, self.delay_s = error_share, delay_s
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        server: Any = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        passage = body["messages"][-1]["content"].partition("Passage: ")[2]
        server.requests.append(passage)
        if server.delay_s:
            threading.Event().wait(server.delay_s)
        kind = behaviour(passage, server.error_share)
        text = answer(passage, server.error_share)
        content = json.dumps(
            {
                "model": body["model"],
                "choices": [
                    {
                        "message": {"role": "assistant", "content": text},
                        "finish_reason": "length" if kind == "half" else "stop",
                    }
                ],
                "usage": {
                    "prompt_tokens": len(passage.split()) + 60,
                    "completion_tokens": len(text.split()),
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
def stub_teacher(
    error_share: float = 0.1, delay_s: float = 0.0
) -> Iterator[StubTeacher]:
    server = StubTeacher(error_share, delay_s)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
