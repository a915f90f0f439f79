"""LoRA adapters, merged into the weights of their base model (Hu et al. 2021)."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from unibench.errors import BackendError
from unibench.schema.model_card import Lora

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_PREFIX = "base_model.model."
_FACTOR = re.compile(r"(?P<module>.+)\.lora_(?P<factor>[AB])\.weight")
# Fields that say how the adapter was made, or which modules it has, which its file
# says too. Any other field that asks for something is not plain LoRA.
_NEUTRAL = {
    "alpha_pattern", "auto_mapping", "base_model_name_or_path", "bias",
    "exclude_modules", "inference_mode", "init_lora_weights", "layers_pattern",
    "layers_to_transform", "lora_alpha", "lora_dropout", "megatron_core",
    "peft_type", "peft_version", "qalora_group_size", "r", "rank_pattern", "revision",
    "runtime_config", "target_modules", "task_type", "use_rslora",
}  # fmt: skip
# The other ways to start change the weights of the base as well.
_STARTS = (True, False, "gaussian", "orthogonal")


class LoraConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What of `adapter_config.json` decides the merged weights; PEFT's names."""

    peft_type: str
    r: int
    lora_alpha: float
    use_rslora: bool = False
    rank_pattern: dict[str, int] = {}
    alpha_pattern: dict[str, float] = {}
    bias: str = "none"
    init_lora_weights: bool | str = True

    def scale(self, module: str) -> tuple[int, float]:
        """Return the rank of `module`'s update and what the update is multiplied by.

        alpha / r, or alpha / sqrt(r) with rank-stabilised LoRA (Kalajdzievski 2023).
        """
        rank = _matched(self.rank_pattern, module, self.r)
        alpha = _matched(self.alpha_pattern, module, self.lora_alpha)
        return rank, alpha / (math.sqrt(rank) if self.use_rslora else rank)


def check_lora(lora: Lora) -> LoraConfig:
    """Return the settings of the adapter in `lora.folder`, its file verified.

    Raises:
        BackendError: a file is missing, is not what the card says, or asks for more
            than plain LoRA.
    """
    weights = Path(lora.folder) / WEIGHTS
    if not weights.is_file():
        raise BackendError(
            f"there is no {weights}; 'checkpoint.lora.folder' names a folder beside"
            " the model's card, or an absolute path"
        )
    with weights.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != lora.sha256:
        raise BackendError(
            f"the sha256 of {weights} is {found}, but the model's card says"
            f" {lora.sha256}; bring back the file, or write the new hash into"
            " 'checkpoint.lora'"
        )
    return _read_config(Path(lora.folder) / CONFIG)


def merge_lora(model: Any, lora: Lora) -> None:
    """Add the adapter's update B A, scaled, to the weights of `model`, in float32.

    Raises:
        BackendError: as `check_lora`, or the adapter is of another model.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    config = check_lora(lora)
    path = Path(lora.folder) / WEIGHTS
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise BackendError(f"{path} cannot be read: {error}") from error
    modules = dict(model.named_modules())
    with torch.no_grad():
        for name, a, b in _updates(tensors, path):
            rank, scale = config.scale(name)
            weight = _weight(modules, name, path)
            if a.shape[0] != rank or (b.shape[0], a.shape[1]) != weight.shape:
                raise BackendError(
                    f"{path}: the update of {name} has the shape {b.shape[0]} x"
                    f" {a.shape[1]} and rank {a.shape[0]}, but the base has"
                    f" {' x '.join(map(str, weight.shape))} and {CONFIG} rank {rank}"
                )
            update = (b.float() @ a.float()).to(weight.device) * scale
            weight.copy_(weight.float() + update)


def _updates(tensors: Mapping[str, Any], path: Path) -> Iterator[tuple[str, Any, Any]]:
    """The module, A and B of each update."""
    factors: dict[str, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        match = _FACTOR.fullmatch(name)
        if match is None or not name.startswith(_PREFIX):
            raise BackendError(
                f"{path} holds {name!r}, which is no factor of a linear layer; only"
                " plain LoRA is supported: merge it with PEFT and name the checkpoint"
            )
        module = match["module"].removeprefix(_PREFIX)
        factors.setdefault(module, {})[match["factor"]] = tensor
    for module, pair in factors.items():
        if len(pair) != len("AB"):
            raise BackendError(f"{path}: one factor of the update of {module} is lost")
        yield module, pair["A"], pair["B"]


def _weight(modules: Mapping[str, Any], name: str, path: Path) -> Any:
    """The weight of a linear layer that no other module shares."""
    from torch import nn

    module = modules.get(name)
    if not isinstance(module, nn.Linear):
        raise BackendError(
            f"{path} updates {name}, but the base has no linear layer of that name;"
            " was it trained on another base than 'checkpoint.id'?"
        )
    sharing = [
        other
        for other, found in modules.items()
        if found is not module and getattr(found, "weight", None) is module.weight
    ]
    if sharing:
        raise BackendError(
            f"{path} updates {name}, whose weights {sharing[0]} shares; merge it with"
            " PEFT and name the merged checkpoint"
        )
    return module.weight


def _read_config(path: Path) -> LoraConfig:
    try:
        values = msgspec.json.decode(path.read_bytes())
        config = msgspec.convert(values, LoraConfig)
    except OSError as error:
        raise BackendError(f"{path} cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BackendError(f"{path} is no configuration of LoRA: {error}") from error
    wanted = sorted(key for key in values if values[key] and key not in _NEUTRAL)
    if config.peft_type != "LORA":
        wanted.append("peft_type")
    if config.bias != "none":
        wanted.append("bias")
    if config.init_lora_weights not in _STARTS:
        wanted.append("init_lora_weights")
    if wanted:
        shown = ", ".join(f"{key}: {values[key]!r}" for key in wanted)
        raise BackendError(
            f"{path} asks for {shown}, which is more than plain LoRA; merge it with"
            " PEFT and name the merged checkpoint in 'checkpoint.id'"
        )
    return config


def _matched(pattern: Mapping[str, Any], module: str, default: Any) -> Any:
    """The value of the first key that names `module`, as PEFT matches them."""
    for key, value in pattern.items():
        if re.match(rf"(.*\.)?({key})$", module):
            return value
    return default
