"""What docs/models.md says is true: its examples run, its lists are complete."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from unibench.adapters.base import GenerativeAdapter, SpanAdapter
from unibench.adapters.json_types import JsonTypes
from unibench.adapters.load import load_model
from unibench.adapters.oracle import ceiling
from unibench.adapters.registry import ADAPTERS
from unibench.backends.registry import BACKENDS
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Query, Response
from unibench.schema.text import Mention, Passage, Span

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
PASSAGE = Passage("p", "Bo saw Rome.", (Mention("location", "Rome", (Span(7, 11),)),))
QUERY = Query(PASSAGE, ("location",))


@pytest.fixture(scope="module")
def page() -> str:
    """The text of the page."""
    if not PAGE.is_file():
        pytest.skip("docs/ is not in this installation")
    return PAGE.read_text("utf-8")


def block(page: str, sign: str) -> str:
    """The fenced block that holds `sign`."""
    (found,) = [
        b for b in re.findall(r"```\w+\n(.*?)```", page, re.DOTALL) if sign in b
    ]
    return str(found)


def test_every_adapter_and_backend_is_explained(page: str) -> None:
    for name in (*ADAPTERS.builtin, *BACKENDS.builtin):
        assert f"| `{name}` |" in page


def test_a_card_on_the_path_is_a_model(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    text = block(page, "# models/my-qwen.yaml")
    (tmp_path / "models" / "my-qwen.yaml").write_text(text)
    monkeypatch.setenv("UNIBENCH_PATH", str(tmp_path))
    name, adapter = load_model("my-qwen")
    assert name == "my-qwen"
    assert isinstance(adapter, JsonTypes)
    system, user = adapter.render(QUERY).messages
    assert system.content == "You find entities."
    assert user.content.startswith("Types:\n- location\n\nText:\nBo saw Rome.\n")


def test_a_function_is_a_model(page: str) -> None:
    scope: dict[str, SpanAdapter] = {}
    exec(block(page, "model_of"), scope)  # noqa: S102  (our own page)
    model = scope["model"]
    ((_, response),) = model.respond([QUERY])
    assert model.read(response, QUERY).mentions == PASSAGE.mentions


def test_an_adapter_of_ones_own(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unibench_shout.py").write_text(block(page, "# unibench_shout.py"))
    info = tmp_path / "unibench_shout-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: unibench-shout\nVersion: 0.1\n"
    )
    declared = block(page, "# pyproject.toml")
    (line,) = re.findall(r'^shout = "(.*)"$', declared, re.MULTILINE)
    (info / "entry_points.txt").write_text(f"[unibench.adapters]\nshout = {line}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(ADAPTERS.__dict__, "targets", raising=False)
    monkeypatch.delitem(sys.modules, "unibench_shout", raising=False)
    path = tmp_path / "mine.yaml"
    path.write_text(
        "adapter: shout\ncheckpoint: {id: x}\nbackend: {name: replay, file: none}\n"
    )
    try:
        adapter = load_model(str(path))[1]
    finally:
        ADAPTERS.__dict__.pop("targets", None)
    assert isinstance(adapter, GenerativeAdapter)
    read = adapter.read(Response("Rome\n"), QUERY)
    assert read.mentions == (Mention("location", "Rome"),)
    assert ceiling(adapter, [PASSAGE], ["location"]).f1 == 1.0
    assert isinstance(adapter.card, ModelCard)
    assert adapter.card.checkpoint == Checkpoint(id="x")
