"""Tokenizer and weights of a card's checkpoint, its LoRA adapter merged in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from unibench.backends.local.lora import check_lora, merge_lora
from unibench.backends.local.options import TransformersOptions
from unibench.backends.weight_package import quietly
from unibench.backends.weights import weights_folder
from unibench.errors import BackendError, MissingExtraError
from unibench.schema.model_card import Checkpoint

_TOKENIZER = ("tokenizer.json", "tokenizer.model")


def load_tokenizer(checkpoint: Checkpoint, options: TransformersOptions) -> Any:
    """Return the tokenizer, padding on the left; a LoRA adapter's own goes first.

    Raises:
        BackendError: the checkpoint has none.
    """
    transformers = import_transformers()
    folder = _tokenizer_folder(checkpoint)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            folder, trust_remote_code=options.trust_remote_code
        )
    except (OSError, ValueError, KeyError) as error:
        raise BackendError(
            f"{checkpoint.id} has no usable tokenizer: {error}"
        ) from error
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_weights(
    checkpoint: Checkpoint, options: TransformersOptions, device: str
) -> Any:
    """Return the model in evaluation mode on its device.

    Raises:
        BackendError: the checkpoint is no generative model, or its adapter is not
            what the card says.
    """
    import torch

    lora = checkpoint.lora
    if lora is not msgspec.UNSET:
        check_lora(lora)  # before gigabytes are read, or downloaded
    wanted: Any = "auto" if device != "cpu" else torch.float32
    if options.dtype != "auto":
        wanted = getattr(torch, options.dtype)
    if lora is msgspec.UNSET:
        model = _pretrained(checkpoint, options, wanted)
    else:
        # The update is added to the weights as they are stored, then rounded once.
        model = _pretrained(checkpoint, options, "auto")
        merge_lora(model, lora)
        model = model if wanted == "auto" else model.to(wanted)
    model = model.to(device).eval()
    if options.compile:
        model.forward = torch.compile(model.forward, dynamic=True)
    return model


def import_transformers() -> Any:
    """Return the module.

    Raises:
        MissingExtraError: it, or torch, is not installed.
    """
    try:
        import torch  # noqa: F401  (without it transformers fails much later)
        import transformers
    except ImportError as error:
        raise MissingExtraError("the transformers backend", "local") from error
    return transformers


def _tokenizer_folder(checkpoint: Checkpoint) -> Path:
    if checkpoint.lora is not msgspec.UNSET:
        folder = Path(checkpoint.lora.folder)
        if any((folder / name).is_file() for name in _TOKENIZER):
            return folder
    return weights_folder(checkpoint)


def _attention(options: TransformersOptions) -> str | None:
    """What transformers is told; sdpa is its own choice where the model knows it."""
    return None if options.attention == "sdpa" else options.attention


def _pretrained(
    checkpoint: Checkpoint, options: TransformersOptions, dtype: Any
) -> Any:
    transformers = import_transformers()
    folder = weights_folder(checkpoint)
    trust = options.trust_remote_code
    try:
        config = transformers.AutoConfig.from_pretrained(
            folder, trust_remote_code=trust
        )
        kind = (
            transformers.AutoModelForSeq2SeqLM
            if config.is_encoder_decoder
            else transformers.AutoModelForCausalLM
        )
        return quietly(
            lambda: kind.from_pretrained(
                folder,
                dtype=dtype,
                attn_implementation=_attention(options),
                trust_remote_code=trust,
            )
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise BackendError(
            f"{checkpoint.id} cannot be loaded as a generative model: {error}"
        ) from error
