"""The catalogue of models: what each is, and whether it can be run here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import msgspec

from unibench.adapters.base import GenerativeAdapter
from unibench.adapters.load import build_adapter, list_models, load_card
from unibench.adapters.wordings import fetch_wording
from unibench.backends.weights import is_here, weights_folder
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Prompt, Query
from unibench.schema.text import Passage

EXAMPLE = Query(
    Passage("example", "Ann Lee met Bo in Rome."),
    ("person", "location"),
    {
        "person": "the name of a human being",
        "location": "the name of a place on a map",
    },
)
"""The invented passage that prompts are shown with."""
_PACKAGES = {
    "gliner": ("gliner", "gliner"),
    "spacy": ("spacy", "spacy"),
    "token_classifier": ("transformers", "local"),
    "transformers": ("transformers", "local"),
}
_HUB_ADAPTERS = {"gliner", "token_classifier"}
_SMALL = 2_000_000_000
"""Parameters; a model of more is hardly usable without a GPU."""


def model_rows() -> list[dict[str, Any]]:
    """Return one row for each model of the catalogue, in order of their names."""
    rows = []
    for name in sorted(list_models()):
        _, card = load_card(name)
        rows.append(
            {
                "model": name,
                "title": card.title,
                "adapter": card.adapter,
                "backend": str(card.backend.get("name", "")),
                "checkpoint": card.checkpoint.id,
                "revision": card.checkpoint.revision or "not pinned",
                "parameters": card.parameters,
                "license": card.license,
                "published": list(card.published),
                "state": state_of(card),
            }
        )
    return rows


def state_of(card: ModelCard) -> str:
    """Say whether the model can be run here, and else what it lacks."""
    lacking = list(_lacks(card))
    if lacking:
        return ", ".join(lacking)
    local = card.backend.get("name") == "transformers" or card.adapter in _HUB_ADAPTERS
    if local and not is_here(card.checkpoint):
        return "runnable once fetched"
    return "runnable here"


def _lacks(card: ModelCard) -> Iterator[str]:
    if card.access == "unpublished":
        yield "weights not published"
    for component in (card.adapter, card.backend.get("name", "")):
        module, extra = _PACKAGES.get(component, ("", ""))
        if module and find_spec(module) is None:
            yield f"needs unibench[{extra}]"
    if card.access == "key" and not os.environ.get(_key_name(card)):
        yield f"needs key {_key_name(card)}"
    large = parameter_count(card.parameters) > _SMALL
    if large and card.access == "open" and not _has_gpu():
        yield "needs GPU"


def _key_name(card: ModelCard) -> str:
    return str(card.backend.get("api_key_env") or "OPENAI_API_KEY")


def _has_gpu() -> bool:
    if find_spec("torch") is None:
        return False
    import torch

    return bool(torch.cuda.is_available())


def parameter_count(text: str) -> int:
    """Read `7B`, `135M`; 0 where the text says something else."""
    units = {"B": 1_000_000_000, "M": 1_000_000}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not number.replace(".", "", 1).isdecimal():
        return 0
    return int(float(number) * units[unit])


def model_details(name: str, example: Query = EXAMPLE) -> dict[str, Any]:
    """Return a model's card as plain values, its state and its prompt for `example`.

    A model that is asked fewer types at once is shown with the first of them.
    """
    model, card = load_card(name)
    details: dict[str, Any] = {"model": model, "state": state_of(card)}
    details |= msgspec.to_builtins(card)
    details["checkpoint"]["revision"] = card.checkpoint.revision or "not pinned"
    adapter = build_adapter(card, model)
    sha256, origin = adapter.prompt_identity()
    details |= {"prompt_sha256": sha256, "prompt_origin": origin}
    if isinstance(adapter, GenerativeAdapter):
        types = example.entity_types[: adapter.types_per_query]
        query = msgspec.structs.replace(example, entity_types=types)
        details["rendered_prompt"] = shown(adapter.render(query))
    return details


def fetch_model(name: str, *, weights: bool = False) -> list[dict[str, Any]]:
    """Bring a model's wordings, and its weights where asked; say where they lie.

    Raises:
        BackendError: a file cannot be had, or is not what the card says.
    """
    model, card = load_card(name)
    rows = [
        {"model": model, "what": part, "path": str(fetch_wording(source))}
        for part, source in card.wordings.items()
    ]
    if weights:
        folder = weights_folder(card.checkpoint)
        rows.append({"model": model, "what": "weights", "path": str(folder)})
    return rows


def shown(prompt: Prompt) -> str:
    """Return a prompt as it is sent: its own text, or its messages."""
    if prompt.text is not None:
        return prompt.text
    return "\n".join(f"[{m.role}]\n{m.content}" for m in prompt.messages)
