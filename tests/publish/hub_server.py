"""The HTTP side of the Hub's stand-in: faults, log, two servers."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.publish.hub_stub import DROP, Call, HubStub, RefusalError, Sent


def _handler(hub: HubStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

        def serve(self) -> None:
            parts = urlsplit(self.path)
            _, _, token = self.headers.get("Authorization", "").partition(" ")
            method = "GET" if self.command == "HEAD" else self.command
            call = Call(method, parts.path, parse_qs(parts.query), _body(self), token)
            status, body, headers = _reply(hub, call)
            host = self.headers.get("Host", "")
            hub.log.append(
                Sent(self.command, self.path, token, call.body, host, status)
            )
            if status == DROP:
                self.close_connection = True
                return
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers = {"Content-Type": "application/json", **headers}
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve  # noqa: N815

    return Handler


def _body(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    data = b""
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        data += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return data


def _reply(hub: HubStub, call: Call) -> tuple[int, Any, dict[str, str]]:
    with hub.lock:
        fault = next(
            (f for f in hub.faults if f.times and f.method == call.method
             and re.search(f.path, call.path)), None)  # fmt: skip
        if fault is not None:
            fault.times -= 1
            if fault.before is not None:
                fault.before()
            if not fault.after and fault.status != 200:
                return fault.status, {"error": "ordered fault"}, fault.headers
        try:
            answer = hub.answer(call)
        except RefusalError as refused:
            headers = {"X-Error-Message": refused.said}
            if refused.code:
                headers["X-Error-Code"] = refused.code
            answer = (refused.status, {"error": refused.said}, headers)
        if fault is not None and fault.after:
            return fault.status, {"error": "ordered fault"}, fault.headers
        return answer


@contextmanager
def running_hub(lfs_from: int = 4096) -> Iterator[HubStub]:
    """Run a hub for as long as the block lasts."""
    hub = HubStub(lfs_from)
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub)) for _ in range(2)]
    hub.url = f"http://127.0.0.1:{servers[0].server_address[1]}"
    hub.store = f"http://localhost:{servers[1].server_address[1]}"
    threads = [
        threading.Thread(target=s.serve_forever, args=(0.02,), daemon=True)
        for s in servers
    ]
    for server, thread in zip(servers, threads, strict=True):
        server.daemon_threads = True
        thread.start()
    try:
        yield hub
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()
