"""From a name to an adapter: cards, paths, servers, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from unibench.adapters.json_types import JsonTypes
from unibench.adapters.load import list_models, load_card, load_model
from unibench.adapters.spacy import SpacyPipeline
from unibench.adapters.uniner import UniNER
from unibench.backends.openai import OpenAIBackend
from unibench.errors import BackendError, CardError, UnknownNameError

SERVER = "http://localhost:8000/v1"


def test_every_card_of_the_catalogue_loads() -> None:
    for name in list_models():
        assert load_model(name)[0] == name


def test_a_card_by_name_and_by_path(tmp_path: Path) -> None:
    name, adapter = load_model("uniner-7b-type")
    assert name == "uniner-7b-type"
    assert isinstance(adapter, UniNER)
    assert isinstance(load_model("spacy-en-sm")[1], SpacyPipeline)
    path = tmp_path / "my-qwen.yaml"
    path.write_text(
        "adapter: json_types\n"
        f"backend: {{name: openai, base_url: '{SERVER}'}}\n"
        "checkpoint: {id: Qwen/Qwen3-8B}\n"
    )
    name, adapter = load_model(str(path))
    assert name == "my-qwen"
    assert isinstance(adapter, JsonTypes)


def test_a_server_needs_no_card() -> None:
    name, adapter = load_model("Qwen/Qwen3-8B", base_urls=[SERVER, SERVER + "b"])
    assert name == "Qwen/Qwen3-8B"
    assert isinstance(adapter, JsonTypes)
    assert isinstance(adapter.backend, OpenAIBackend)
    assert adapter.backend.urls == (SERVER, SERVER + "b")
    assert adapter.card.checkpoint.revision == ""


def test_a_card_at_another_server_keeps_its_adapter_but_not_its_key(
    tmp_path: Path,
) -> None:
    _, adapter = load_model("uniner-7b-type", base_urls=[SERVER])
    assert isinstance(adapter, UniNER)
    assert isinstance(adapter.backend, OpenAIBackend)
    path = tmp_path / "keyed.yaml"
    path.write_text(
        "adapter: json_types\n"
        "backend: {name: openai, base_url: 'https://a.example/v1', api_key_env: K}\n"
        "checkpoint: {id: m}\n"
    )
    same = load_card(str(path), base_urls=["https://a.example/v2"])[1]
    other = load_card(str(path), base_urls=["https://b.example/v1"])[1]
    assert same.backend["api_key_env"] == "K"
    assert "api_key_env" not in other.backend


def test_the_number_at_once_is_for_servers() -> None:
    _, adapter = load_model("uniner-7b-type", base_urls=[SERVER], concurrency=200)
    assert isinstance(adapter, UniNER)
    assert isinstance(adapter.backend, OpenAIBackend)
    assert adapter.backend.options.concurrency == 200
    with pytest.raises(CardError, match="uniner-7b-type is not asked at a server"):
        load_model("uniner-7b-type", concurrency=200)


def test_unknown_names_are_named() -> None:
    with pytest.raises(UnknownNameError, match=r"'uniner-7b-typ'\. Did you mean"):
        load_model("uniner-7b-typ")
    with pytest.raises(BackendError, match="is no http"):
        load_model("x", base_urls=["localhost:8000"])


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        pytest.param("adapter: uniner\n", CardError, "checkpoint", id="no-checkpoint"),
        pytest.param(
            "adapter: uniner\ncheckpoint: {id: x}\n",
            CardError,
            "needs 'backend",
            id="no-backend",
        ),
        pytest.param(
            "adapter: unimer\ncheckpoint: {id: x}\n",
            UnknownNameError,
            "no adapter is called 'unimer'. Did you mean 'uniner'",
            id="adapter",
        ),
        pytest.param(
            "adapter: uniner\ncheckpoint: {id: x}\nbackend: {name: opnai}\n",
            UnknownNameError,
            "no backend is called 'opnai'",
            id="backend",
        ),
        pytest.param(
            "adapter: uniner\ncheckpoint: {id: x}\nbackend: {name: openai, url: y}\n",
            CardError,
            "unknown field `url`",
            id="backend-option",
        ),
        pytest.param(
            "adapter: spacy\ncheckpoint: {id: x}\nbackend: {name: openai}\n"
            "options: {types: {}}\n",
            CardError,
            "runs its model itself; remove 'backend'",
            id="backend-of-span-model",
        ),
        pytest.param(
            "adapter: uniner\nadapter: uniner\n", CardError, "given twice", id="twice"
        ),
        pytest.param(
            "adapter: uniner\ncheckpoint: {id: x}\nlicence: mit\n",
            CardError,
            "unknown field `licence`",
            id="unknown-key",
        ),
    ],
)
def test_a_wrong_card_is_named(
    tmp_path: Path, text: str, error: type[Exception], message: str
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(error, match=message):
        load_model(str(path))
