"""From a model's name to an adapter that can be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec

from unibench.adapters.base import GenerativeAdapter, ModelAdapter
from unibench.adapters.registry import ADAPTERS
from unibench.backends.base import Backend
from unibench.backends.registry import BACKENDS
from unibench.errors import BackendError, CardError, UnknownNameError
from unibench.resources import files, find
from unibench.schema.model_card import Checkpoint, Decoding, ModelCard, located
from unibench.schema.strict_yaml import read_card

AD_HOC_TOKENS = 512
"""New tokens for a model without a card."""


def list_models() -> dict[str, Path]:
    """Return every model's name and the YAML file that declares it."""
    return files("models")


def load_card(
    name_or_path: str, *, base_urls: Sequence[str] = (), concurrency: int | None = None
) -> tuple[str, ModelCard]:
    """Return a model's name and card.

    With `base_urls` the model is asked at these OpenAI-compatible servers, whatever
    its card says; a name that is no card is then the server's own model name, asked
    with the adapter `json_types`, and no revision is pinned. A LoRA adapter must be
    served under the card's name, unless `backend.model` says another. `concurrency`
    is the most requests under way at once on each server.

    Raises:
        UnknownNameError: no card has that name, and no server was given.
        CardError: the card is not what it should be, or `concurrency` is given for a
            model that is not asked at a server.
        BackendError: a base URL is none.
    """
    name, card = _card_of(name_or_path, base_urls)
    if concurrency is not None:
        if card.backend.get("name") != "openai":
            raise CardError(
                f"{name} is not asked at a server, so --concurrency says nothing about"
                " it; leave it out, or name a server with --base-url"
            )
        backend = {**card.backend, "concurrency": concurrency}
        card = msgspec.structs.replace(card, backend=backend)
    return name, card


def _card_of(name_or_path: str, base_urls: Sequence[str]) -> tuple[str, ModelCard]:
    try:
        path = find("models", name_or_path, "model")
    except UnknownNameError:
        if not base_urls:
            raise
        return name_or_path, _ad_hoc(name_or_path, base_urls)
    card = located(read_card(path, ModelCard), path.parent)
    name = path.name.rsplit(".", 1)[0]
    if base_urls:
        backend = _at_servers(card.backend, base_urls)
        if card.checkpoint.lora is not msgspec.UNSET:
            # What a server calls an adapter is not what it calls the base.
            backend.setdefault("model", name)
        card = msgspec.structs.replace(card, backend=backend)
    return name, card


def load_model(
    name_or_path: str, *, base_urls: Sequence[str] = (), concurrency: int | None = None
) -> tuple[str, ModelAdapter]:
    """Return a model's name and the adapter that asks it; nothing heavy is loaded.

    Raises:
        UnknownNameError: no card has that name, and no server was given.
        CardError: the card, or an option in it, is not what it should be.
    """
    name, card = load_card(name_or_path, base_urls=base_urls, concurrency=concurrency)
    return name, build_adapter(card, name)


def build_adapter(card: ModelCard, name: str = "") -> ModelAdapter:
    """Return the adapter that `card` declares, with its backend where it has one."""
    kind = ADAPTERS.load(card.adapter)
    if not (isinstance(kind, type) and issubclass(kind, GenerativeAdapter)):
        if card.backend:
            raise CardError(
                f"{name or card.title}: the adapter {card.adapter!r} runs its model"
                " itself; remove 'backend' from the card (and --base-url)"
            )
        if card.checkpoint.lora is not msgspec.UNSET:
            raise CardError(
                f"{name or card.title}: the adapter {card.adapter!r} cannot put a LoRA"
                " adapter on its model; merge it and name the merged checkpoint"
            )
        return cast(ModelAdapter, kind(card))
    return cast(ModelAdapter, kind(card, build_backend(card, name)))


def build_backend(card: ModelCard, name: str = "") -> Backend:
    """Return the backend that `card` declares."""
    backend = card.backend.get("name")
    if not isinstance(backend, str):
        raise CardError(
            f"{name or card.title or card.checkpoint.id}: the adapter"
            f" {card.adapter!r} asks a generative model, so the card needs"
            f" 'backend: {{name: ...}}' with one of {', '.join(BACKENDS.targets)}"
        )
    served = backend not in {"transformers", "replay"}
    unnamed = served and not card.backend.get("model")
    if card.checkpoint.lora is not msgspec.UNSET and unnamed:
        raise CardError(
            f"{name or card.title}: say 'model' in 'backend', the name under which the"
            f" {backend} backend knows the LoRA adapter; 'checkpoint.id' is its base"
        )
    return cast(Backend, BACKENDS.load(backend)(card))


def _ad_hoc(name: str, base_urls: Sequence[str]) -> ModelCard:
    return ModelCard(
        adapter="json_types",
        title=name,
        checkpoint=Checkpoint(id=name),
        backend=_at_servers({}, base_urls),
        decoding=Decoding(max_tokens=AD_HOC_TOKENS),
    )


def _at_servers(
    declared: Mapping[str, Any], base_urls: Sequence[str]
) -> dict[str, Any]:
    """The backend options for other servers; a key goes to its own host only."""
    for url in base_urls:
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
            raise BackendError(
                f"--base-url {url!r} is no http(s) URL; say for example"
                " http://localhost:8000/v1"
            )
    kept = dict(declared) if declared.get("name") == "openai" else {"name": "openai"}
    old = kept.get("base_url", ())
    hosts = {urlsplit(u).netloc for u in ([old] if isinstance(old, str) else old)}
    if not {urlsplit(url).netloc for url in base_urls} <= hosts:
        kept.pop("api_key_env", None)
    return kept | {"base_url": list(base_urls)}
