"""Fetching from a server on this machine that also fails in every known way."""

from __future__ import annotations

import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from unibench.data.api import load_dataset
from unibench.data.fetch import fetch_subset, raw_folder
from unibench.data.plan import plan_of
from unibench.data.raw.download import DownloadError, Patience, download
from unibench.data.raw.jobs import FetchOptions, mirrored
from unibench.data.raw.locate import selected
from unibench.errors import CardError, UnavailableError
from unibench.schema.dataset_card import RawFileSpec

TRAIN, TEST = b"Ann\tB-PER\nran\tO\n", b"Rome\tB-LOC\n"
QUICK = Patience(attempts=4, wait_s=0.001, timeout_s=3)
Fault = Callable[[BaseHTTPRequestHandler, bytes], None]


class Server:
    """Serves `files` by path; `faults` are done one after the other, path by path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[Fault]] = {}
        self.asked: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append((request.path, request.headers.get("Range", "")))
        content = self.files.get(request.path)
        waiting = self.faults.get(request.path)
        if waiting and content is not None:
            waiting.pop(0)(request, content)
        elif content is None:
            request.send_error(404)
        else:
            send(request, content)

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def send(request: BaseHTTPRequestHandler, content: bytes, upto: int = -1) -> None:
    """Answer with the content from the Range on; `upto` cuts the connection there."""
    start = int(request.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
    if start >= len(content) > 0:
        request.send_error(416)
        return
    request.send_response(206 if start else 200)
    request.send_header("Content-Length", str(len(content) - start))
    request.end_headers()
    request.wfile.write(content[start:] if upto < 0 else content[start:upto])


def status(code: int) -> Fault:
    return lambda request, content: request.send_error(code)


def cut(upto: int) -> Fault:
    return lambda request, content: send(request, content, upto)


def stalled(upto: int, seconds: float) -> Fault:
    """Send the first bytes, then nothing for longer than anyone waits."""

    def answer(request: BaseHTTPRequestHandler, content: bytes) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[:upto])
        request.wfile.flush()
        time.sleep(seconds)

    return answer


def other(content: bytes) -> Fault:
    return lambda request, _: send(request, content)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def get(server: Server, target: Path, **spec: Any) -> None:
    download(
        f"{server.url}/f.bin", target, RawFileSpec(**spec), QUICK, lambda count: None
    )


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([], id="none"),
        pytest.param([status(500), status(503)], id="server-errors"),
        pytest.param([status(429)], id="too-many-requests"),
        pytest.param([cut(4), cut(9)], id="cut-twice-and-resumed"),
        pytest.param([cut(0)], id="cut-at-once"),
        pytest.param([other(b"wrong bytes, once")], id="wrong-once"),
        pytest.param([stalled(5, 4.0)], id="stalled-once-and-resumed"),
    ],
)
def test_what_may_pass_is_tried_again(
    server: Server, tmp_path: Path, faults: list[Fault]
) -> None:
    server.files["/f.bin"] = TRAIN
    server.faults["/f.bin"] = faults
    target = tmp_path / "deep" / "f.bin"
    get(server, target, bytes=len(TRAIN))
    assert target.read_bytes() == TRAIN
    assert [path.name for path in target.parent.iterdir()] == ["f.bin"]
    before = len(server.asked)
    get(server, target)
    assert len(server.asked) == before  # it is there


@pytest.mark.parametrize(
    ("faults", "message", "requests"),
    [
        pytest.param([status(403)] * 9, "the server answered 403", 1, id="refused"),
        pytest.param([status(500)] * 9, "the server answered 500", 4, id="errors"),
        pytest.param([cut(3)] * 9, "cut after 3 of", 4, id="cut"),
        pytest.param([other(b"other")] * 9, "not what the card knows", 2, id="changed"),
        pytest.param(
            [other(b"<!DOCTYPE html><p>log in")] * 9, "a web page came", 2, id="page"
        ),
    ],
)
def test_what_does_not_pass_is_one_error(
    server: Server, tmp_path: Path, faults: list[Fault], message: str, requests: int
) -> None:
    server.files["/f.bin"] = TRAIN
    server.faults["/f.bin"] = faults
    with pytest.raises(DownloadError, match=message) as caught:
        get(server, tmp_path / "f.bin", bytes=len(TRAIN))
    assert f"{server.url}/f.bin" in str(caught.value)
    assert len(server.asked) == requests
    assert not (tmp_path / "f.bin").exists()


def test_a_later_run_goes_on_where_the_first_was_cut(
    server: Server, tmp_path: Path
) -> None:
    server.files["/f.bin"] = TRAIN
    server.faults["/f.bin"] = [cut(4)] + [status(500)] * 3
    with pytest.raises(DownloadError):
        get(server, tmp_path / "f.bin")
    get(server, tmp_path / "f.bin")
    assert (tmp_path / "f.bin").read_bytes() == TRAIN
    assert server.asked[-1] == ("/f.bin", "bytes=4-")


def test_nobody_answers(tmp_path: Path, server: Server) -> None:
    server.close()
    with pytest.raises(DownloadError, match="no answer"):
        get(server, tmp_path / "f.bin")


def save(toy: Any, server: Server, url: str, **card: Any) -> FetchOptions:
    said: list[str] = []
    toy.said = said
    toy.save(sources=[{"title": "the site", "url": url}], **card)
    return FetchOptions(mirror=server.url, patience=QUICK, say=said.append)


def test_files_come_once_and_are_prepared(toy: Any, server: Server) -> None:
    options = save(toy, server, "https://toy.example/v1/{file}")
    server.files["/toy.example/v1/data/train.txt"] = TRAIN
    server.files["/toy.example/v1/data/test.txt"] = TEST
    plan = plan_of("toy")
    assert fetch_subset(plan, options).source == "the site"
    assert fetch_subset(plan, options).source == "the site"
    assert len(server.asked) == 2
    assert "licence cc0-1.0" in toy.said[0]
    assert [passage.text for passage in load_dataset("toy")] == ["Rome"]


def test_a_later_source_is_tried_and_all_failures_are_told(
    toy: Any, server: Server
) -> None:
    options = save(toy, server, "https://gone.example/{file}")
    toy.card["sources"].append(
        {"title": "the copy", "url": "https://copy.example/{file}"}
    )
    toy.save()
    with pytest.raises(UnavailableError) as caught:
        fetch_subset(plan_of("toy"), options)
    for part in ("the site", "gone.example", "the copy", "404", "--from DIR"):
        assert part in str(caught.value)
    server.files["/copy.example/data/train.txt"] = TRAIN
    server.files["/copy.example/data/test.txt"] = TEST
    assert fetch_subset(plan_of("toy"), options).source == "the copy"


def test_a_hub_that_does_not_answer_is_asked_once(
    toy: Any, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.close()
    hub = {"title": "the Hub", "hub": "toys/toy", "revision": "a" * 40}
    toy.save(sources=[hub])
    options = FetchOptions(mirror=server.url, patience=QUICK)
    with pytest.raises(UnavailableError) as caught:
        fetch_subset(plan_of("toy"), options)
    assert f"{server.url}/huggingface.co does not answer" in str(caught.value)
    assert "Connection refused" in str(caught.value)
    assert not caplog.records  # the Hub's client tells of every attempt

    plan = plan_of("toy")
    folder = raw_folder(plan, plan.layouts[0])  # another subset may have fetched them
    for name, content in (("train", TRAIN), ("test", TEST)):
        path = folder / "data" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert fetch_subset(plan, options).source == "the Hub"


@pytest.mark.parametrize(
    "url",
    ["https://toy.example/toy-1.0.zip", "https://toy.example/f/1234/?dl=1"],
    ids=["named", "nameless"],
)
def test_an_archive_is_fetched_and_read_in_place(
    toy: Any, server: Server, url: str
) -> None:
    packed = toy.root / "toy.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("toy-1.0/data/train.txt", TRAIN)
        archive.writestr("toy-1.0/data/test.txt", TEST)
    options = save(toy, server, url)
    server.files["/" + url.partition("://")[2]] = packed.read_bytes()
    fetch_subset(plan_of("toy"), options)
    fetch_subset(plan_of("toy"), options)
    assert len(server.asked) == 1
    assert len(load_dataset("toy", "train")) == 1


def test_an_archive_that_lacks_a_file(toy: Any, server: Server) -> None:
    packed = toy.root / "toy.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("data/train.txt", TRAIN)
    options = save(toy, server, "https://toy.example/toy.zip")
    server.files["/toy.example/toy.zip"] = packed.read_bytes()
    with pytest.raises(UnavailableError, match=r"it lacks data/test\.txt"):
        fetch_subset(plan_of("toy"), options)


def test_one_file_without_a_name_gets_the_card_s(toy: Any, server: Server) -> None:
    options = save(
        toy, server, "https://toy.example/get?id=7", splits={"test": "data/test.txt"}
    )
    server.files["/toy.example/get?id=7"] = TEST
    fetch_subset(plan_of("toy"), options)
    assert len(load_dataset("toy")) == 1


def test_closed_data_are_not_fetched(toy: Any, server: Server) -> None:
    options = save(
        toy, server, "https://toy.example/{file}", access="licensed", order="Order it."
    )
    with pytest.raises(UnavailableError, match=r"Order it\. Then run"):
        fetch_subset(plan_of("toy"), options)
    assert not server.asked


def test_offline_asks_nobody(
    toy: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(toy, server, f"{server.url}/{{file}}")
    monkeypatch.setenv("UNIBENCH_OFFLINE", "1")
    with pytest.raises(UnavailableError, match="not asked, offline"):
        load_dataset("toy")
    assert not server.asked


def test_loading_fetches_what_is_open(
    toy: Any, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    save(toy, server, f"{server.url}/{{file}}")
    server.files |= {"/data/train.txt": TRAIN, "/data/test.txt": TEST}
    assert len(load_dataset("toy")) == 1
    assert "licence cc0-1.0" in capsys.readouterr().err


def test_a_pattern_needs_an_archive(toy: Any, server: Server) -> None:
    options = save(
        toy, server, "https://toy.example/{file}", splits={"test": "data/*.txt"}
    )
    with pytest.raises(CardError, match="name an archive"):
        fetch_subset(plan_of("toy"), options)


def test_mirrors_and_patterns() -> None:
    assert mirrored("https://a.example/x?y=1", "") == "https://a.example/x?y=1"
    assert mirrored("https://a.example/x", "http://m/") == "http://m/a.example/x"
    names = ["a/1.txt", "a/2.txt", "b/1.txt"]
    assert selected(["a/*.txt", "!a/2*"], names) == ["a/1.txt"]
