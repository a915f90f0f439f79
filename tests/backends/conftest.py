"""The default model, from the package index or the cache of an earlier test."""

from __future__ import annotations

import pytest

from unibench.adapters.load import load_card
from unibench.schema.model_card import ModelCard


@pytest.fixture
def default_model(shared_weights: None) -> ModelCard:
    """The card of SmolLM2-135M-Instruct, its weights on this machine."""
    return load_card("smollm2-135m-instruct")[1]
