"""Published wordings: fetched, found by hash, and marked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from unibench.adapters.base import GenerativeAdapter
from unibench.adapters.catalogue import fetch_model
from unibench.adapters.load import build_adapter
from unibench.adapters.templates import sha256
from unibench.adapters.wordings import cached_path, fetch_wording, strings_in
from unibench.errors import BackendError, CardError
from unibench.resources import cache_root
from unibench.schema.model_card import Checkpoint, ModelCard, WordingSource
from unibench.schema.query import Query
from unibench.schema.text import Passage

SENTENCE = 'List all things. Use "a: b". \n'
FILE = json.dumps({"NER": [{"instruction": "other"}, {"instruction": SENTENCE}]})


@pytest.fixture
def server() -> Iterator[str]:
    """A server with one JSON file; everything else is 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = FILE.encode() if self.path == "/config.json" else b""
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()
    thread.join()


def instructuie(source: WordingSource) -> GenerativeAdapter:
    card = ModelCard(
        adapter="instructuie",
        title="T",
        checkpoint=Checkpoint(id="x"),
        backend={"name": "replay", "file": "none"},
        wordings={"instruction": source},
    )
    made = build_adapter(card)
    assert isinstance(made, GenerativeAdapter)
    return made


def test_a_fetched_wording_is_used_and_marked(server: str) -> None:
    source = WordingSource(url=f"{server}/config.json", sha256=sha256(SENTENCE))
    before = instructuie(source)
    assert before.prompt_identity()[1] == "paraphrase"
    assert fetch_wording(source).read_text() == SENTENCE
    after = instructuie(source)
    assert after.prompt_identity()[1] == "published"
    prompt = after.render(Query(Passage("p", "Bo."), ("person",)))
    assert prompt.text == SENTENCE + "Option: person \nText: Bo. \nAnswer:"
    assert before.prompt_identity()[0] != after.prompt_identity()[0]


def test_what_cannot_be_fetched_is_named(server: str) -> None:
    wrong = WordingSource(url=f"{server}/config.json", sha256="0" * 64)
    with pytest.raises(
        BackendError, match="does not hold the wording with the sha256 0"
    ):
        fetch_wording(wrong)
    absent = WordingSource(url=f"{server}/absent", sha256="0" * 64)
    with pytest.raises(BackendError, match="absent answered with status 404"):
        fetch_wording(absent)
    local = WordingSource(url="file:///etc/hosts", sha256="0" * 64)
    with pytest.raises(BackendError, match="only http and https"):
        fetch_wording(local)
    assert not (cache_root() / "wordings").exists()


def test_a_changed_cache_is_an_error() -> None:
    source = WordingSource(url="http://x.example", sha256=sha256(SENTENCE))
    cached_path(source).parent.mkdir(parents=True)
    cached_path(source).write_text("something else")
    with pytest.raises(BackendError, match="is not what was fetched; remove it"):
        instructuie(source)


def test_a_part_that_the_adapter_does_not_have_is_named() -> None:
    card = ModelCard(
        adapter="instructuie",
        title="T",
        checkpoint=Checkpoint(id="x"),
        backend={"name": "replay", "file": "none"},
        wordings={"frame": WordingSource(url="http://x.example", sha256="0")},
    )
    with pytest.raises(CardError, match="has no part 'frame'; it has instruction"):
        build_adapter(card)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b'{"a": ["x", {"b": "y"}]}', {"x", "y"}, id="json"),
        pytest.param(b'a = ("x"\n     "y")\n', {"xy"}, id="python"),
        pytest.param(b"a template\n", {"a template\n", "a template"}, id="whole"),
    ],
)
def test_strings_of_a_file(content: bytes, expected: set[str]) -> None:
    assert expected <= set(strings_in(content))


def test_a_card_without_wordings_has_nothing_to_fetch() -> None:
    assert fetch_model("uniner-7b-type") == []
