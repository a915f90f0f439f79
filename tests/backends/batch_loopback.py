"""A server on loopback that offers /v1/files and /v1/batches and keeps their state.

It misbehaves on request: a hook before or after the effect of a step may answer
something else, kill a process, or break the connection off.
"""

from __future__ import annotations

import email
import email.policy
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Reply = tuple[int, bytes]
Hook = Callable[[], Reply | None]
Answer = Callable[[dict[str, Any]], str]
STEPS = ("upload", "create", "list", "retrieve", "content", "cancel", "chat")


class CutOffError(Exception):
    """The connection is to be closed without an answer."""


def good_line(key: str, text: str, usage: tuple[int, int] = (100, 10)) -> str:
    """A line of an output file."""
    message = {"role": "assistant", "content": text}
    body = {
        "model": "m-1",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1]},
    }
    answer = {"status_code": 200, "request_id": "r", "body": body}
    return json.dumps({"custom_id": key, "response": answer, "error": None})


def bad_line(key: str, status: int, message: str, code: str = "") -> str:
    """A line of an error file: the model's server refused the request."""
    body = {"error": {"message": message, "code": code or None, "type": None}}
    answer = {"status_code": status, "request_id": "r", "body": body}
    return json.dumps({"custom_id": key, "response": answer, "error": None})


def never_line(key: str, code: str) -> str:
    """A line of an error file: the request never reached the model."""
    error = {"code": code, "message": "This request was not executed."}
    return json.dumps({"custom_id": key, "response": None, "error": error})


class BatchLoopback:
    """Files and batches as they came; `answer` answers a request's body.

    With `at_once` a batch is finished when it is next looked at. `asked` counts how
    often the model worked for each custom id, which is what would be billed.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.at_once = True
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.asked: dict[str, int] = {}
        self.before: dict[str, Hook] = {}
        self.after: dict[str, Hook] = {}
        self.calls: list[str] = []
        self.chats = 0
        self.headers: list[dict[str, str]] = []
        self.lock = threading.RLock()
        outer = self

        class Handler(_Handler):
            loopback = outer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def requests_of(self, batch: dict[str, Any]) -> list[dict[str, Any]]:
        content = self.files[batch["input_file_id"]].decode()
        return [json.loads(line) for line in content.splitlines()]

    def work(self, request: dict[str, Any]) -> str:
        """Let the model answer one request; return the line of the output file."""
        key = request["custom_id"]
        self.asked[key] = self.asked.get(key, 0) + 1
        return good_line(key, self.answer(request["body"]))

    def finish(
        self,
        batch: dict[str, Any],
        output: list[str] | None = None,
        errors: list[str] | None = None,
        status: str = "completed",
    ) -> None:
        """End a batch; without `output` every request is answered."""
        if output is None:
            output = [self.work(request) for request in self.requests_of(batch)]
        for name, lines in (("output", output), ("error", errors or [])):
            if lines:
                batch[f"{name}_file_id"] = self.keep("\n".join(lines).encode() + b"\n")
        batch["status"] = status
        batch["request_counts"] |= {
            "completed": len(output),
            "failed": len(errors or []),
        }

    def keep(self, content: bytes) -> str:
        file_id = f"file-{len(self.files) + 1}"
        self.files[file_id] = content
        return file_id

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        lines = self.files[body["input_file_id"]].count(b"\n")
        batch = {
            "id": f"batch_{len(self.batches) + 1}",
            "object": "batch",
            "created_at": int(time.time()),
            "status": "in_progress",
            "request_counts": {"total": lines, "completed": 0, "failed": 0},
            **body,
        }
        self.batches[batch["id"]] = batch
        return batch


class _Handler(BaseHTTPRequestHandler):
    loopback: BatchLoopback

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        path = urlsplit(self.path).path
        if path == "/v1/files":
            self._step("upload", lambda: self._upload(content))
        elif path == "/v1/batches":
            body = json.loads(content)
            self._step("create", lambda: _json(self.loopback.create(body)))
        elif path.endswith("/cancel"):
            self._step("cancel", lambda: self._cancel(path.split("/")[3]))
        else:
            self._step("chat", lambda: self._chat(json.loads(content)))

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parts = url.path.split("/")
        if url.path == "/v1/batches":
            self._step("list", lambda: self._list(parse_qs(url.query)))
        elif parts[2] == "batches":
            self._step("retrieve", lambda: self._retrieve(parts[3]))
        else:
            self._step("content", lambda: self._content(parts[3]))

    def _step(self, step: str, effect: Callable[[], Reply]) -> None:
        server = self.loopback
        with server.lock:
            server.calls.append(step)
            server.headers.append({k.lower(): v for k, v in self.headers.items()})
            try:
                reply = self._hook(server.before, step)
                if reply is None:
                    reply = effect()
                    reply = self._hook(server.after, step) or reply
            except CutOffError:
                self.close_connection = True
                return
        status, content = reply
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _hook(self, hooks: dict[str, Hook], step: str) -> Reply | None:
        hook = hooks.get(step)
        return hook() if hook else None

    def _upload(self, content: bytes) -> Reply:
        head = f"content-type: {self.headers['content-type']}\r\n\r\n".encode()
        message = email.message_from_bytes(head + content, policy=email.policy.HTTP)
        parts = {
            part.get_param("name", header="content-disposition"): part
            for part in message.iter_parts()
        }
        assert parts["purpose"].get_payload(decode=True) == b"batch"
        payload = parts["file"].get_payload(decode=True)
        assert isinstance(payload, bytes)
        return _json({"id": self.loopback.keep(payload), "object": "file"})

    def _list(self, query: dict[str, list[str]]) -> Reply:
        found = list(reversed(self.loopback.batches.values()))
        if after := query.get("after"):
            ids = [batch["id"] for batch in found]
            found = found[ids.index(after[0]) + 1 :]
        limit = int(query.get("limit", ["20"])[0])
        shown = found[:limit]
        return _json(
            {"object": "list", "data": shown, "has_more": len(found) > len(shown)}
        )

    def _retrieve(self, batch_id: str) -> Reply:
        if (batch := self.loopback.batches.get(batch_id)) is None:
            return _error(404, f"No batch found with id '{batch_id}'.")
        if self.loopback.at_once and batch["status"] == "in_progress":
            self.loopback.finish(batch)
        return _json(batch)

    def _content(self, file_id: str) -> Reply:
        if (content := self.loopback.files.get(file_id)) is None:
            return _error(404, f"No such File object: {file_id}")
        return 200, content

    def _cancel(self, batch_id: str) -> Reply:
        self.loopback.batches[batch_id]["status"] = "cancelled"
        return _json(self.loopback.batches[batch_id])

    def _chat(self, body: dict[str, Any]) -> Reply:
        self.loopback.chats += 1
        line = json.loads(good_line("", self.loopback.answer(body)))
        return _json(line["response"]["body"])

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _json(value: Any, status: int = 200) -> Reply:
    return status, json.dumps(value).encode()


def _error(status: int, message: str, code: str = "") -> Reply:
    error = {"message": message, "code": code or None, "type": None}
    return _json({"error": error}, status)


def refuse(status: int, message: str, code: str = "") -> Hook:
    """A hook that answers with an error."""
    return lambda: _error(status, message, code)


def once(hook: Hook) -> Hook:
    """A hook that does its harm the first time only."""
    left = [hook]
    return lambda: left.pop()() if left else None


def cut_off() -> Reply | None:
    """A hook that closes the connection."""
    raise CutOffError


@contextmanager
def batch_loopback(answer: Answer) -> Iterator[BatchLoopback]:
    loopback = BatchLoopback(answer)
    thread = threading.Thread(
        target=loopback.server.serve_forever, args=(0.02,), daemon=True
    )
    thread.start()
    try:
        yield loopback
    finally:
        loopback.server.shutdown()
        loopback.server.server_close()
        thread.join()
