"""`fetch --all-open` from a server that has the real files under the cards' addresses.

It breaks off, is slow, answers 500 and sends wrong bytes now and then.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from unibench.cli import main
from unibench.data.catalogue import resolve
from unibench.data.plan import plan_of
from unibench.data.raw.gather import gather
from unibench.data.raw.locate import RawFolder
from unibench.errors import DataError

pytestmark = pytest.mark.realdata


class Handler(BaseHTTPRequestHandler):
    files: dict[str, Any]
    asked: Counter[str]

    def do_GET(self) -> None:
        self.asked[self.path] += 1
        if self.path not in self.files:
            self.send_error(404)
            return
        content: bytes = self.files[self.path].read()
        first = self.asked[self.path] == 1
        kind = sum(self.path.encode()) % 5
        if first and kind == 0:
            self.send_error(500)
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if first and kind == 1:
            self.wfile.write(content[start : start + len(content) // 2])
        elif first and kind == 2:
            self.wfile.write(content[start:][::-1])
        elif first and kind == 3:
            middle = (start + len(content)) // 2
            self.wfile.write(content[start:middle])
            self.wfile.flush()
            time.sleep(0.05)
            self.wfile.write(content[middle:])
        else:
            self.wfile.write(content[start:])

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def served(real_data: Path) -> Iterator[tuple[str, set[str]]]:
    """The server's address, and the subsets that it has every file of."""
    files: dict[str, Any] = {}
    whole: set[str] = set()
    for subset in resolve(["open"]):
        plan = plan_of(subset)
        for layout in plan.layouts:
            url, title = layout.source.url, layout.source.title
            if "{file}" not in url:
                continue
            try:
                found = gather(plan, "corrected", RawFolder(real_data), source=title)
            except DataError:
                continue
            for item in found.files():
                address = url.replace("{file}", quote(item.name))
                files["/" + address.partition("://")[2]] = item.file
            if not found.missing and not found.changed:
                whole.add(subset)
    handler = type("Here", (Handler,), {"files": files, "asked": Counter[str]()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", whole
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
def test_all_open_is_fetched_or_told(
    served: tuple[str, set[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    mirror, whole = served
    with pytest.raises(SystemExit) as end:
        main(
            [
                "data",
                "fetch",
                "--all-open",
                "--mirror",
                mirror,
                "--jobs",
                "16",
                "--json",
            ]
        )
    assert end.value.code == 1  # some are not there
    out, err = capsys.readouterr()
    rows = {row["subset"]: row for row in json.loads(out)}
    fetched = {name for name, row in rows.items() if row["state"] == "fetched"}
    assert fetched >= whole
    assert len(whole) >= 15
    for name, row in rows.items():
        if row["state"] == "failed":
            assert name in err
            asked = [
                layout.source.title
                for layout in plan_of(name).layouts
                if layout.source.url or layout.source.hub
            ]
            assert all(f"\n  {title}: " in row["problem"] for title in asked), row
