"""Which models the prefix engine can run: a list of conditions, and a trial."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from unibench.backends.local.answers import Endings
from unibench.backends.local.growth import Growth
from unibench.backends.local.options import TransformersOptions
from unibench.backends.local.step import logits_after
from unibench.backends.local.tree_attention import (
    NAME,
    UnknownAttentionError,
    register,
)
from unibench.backends.local.trees import plant_on
from unibench.schema.model_card import Decoding

# What a checkpoint's generation settings may hold without changing which token is
# greedy; a repetition penalty, for one, would.
_HARMLESS = {
    "bos_token_id", "cache_implementation", "decoder_start_token_id", "do_sample",
    "early_stopping", "eos_token_id", "length_penalty", "max_length", "max_new_tokens",
    "min_p", "num_beams", "output_attentions", "output_hidden_states",
    "output_scores", "pad_token_id", "temperature", "top_k", "top_p",
    "transformers_version", "typical_p", "use_cache",
}  # fmt: skip
_NEUTRAL = {"repetition_penalty": 1.0, "encoder_repetition_penalty": 1.0}
_TRUNK, _TWIGS = 20, (5, 7)
"""The trial's tree: tokens that both prompts share, and of each its own."""
_EXACT, _ROUNDED = 1e-3, 0.1
"""How far the trial's logits may be off, as a share of their size."""


def misfit(
    model: Any,
    endings: Endings,
    options: TransformersOptions,
    decoding: Decoding,
    limit: int,
) -> str:
    """Return why the prefix engine cannot run `model`, empty where it can.

    A model that fits is left with the attention of the engine, any other as it was.
    """
    found = next(_reasons(model, options, decoding, limit), "")
    return found or _trial(model, endings, options)


def _reasons(
    model: Any, options: TransformersOptions, decoding: Decoding, limit: int
) -> Iterator[str]:
    config = model.config
    layers = set(getattr(config, "layer_types", None) or ())
    window = getattr(config, "sliding_window", None)
    wants_logits = "logits_to_keep" in inspect.signature(model.forward).parameters
    conditions = {
        "the model has an encoder": config.is_encoder_decoder,
        "the temperature is above 0": decoding.temperature > 0,
        "the attention is flash_attention_2": options.attention == "flash_attention_2",
        "its code takes no other attention": not model._supports_attention_backend,
        "it has layers without full attention": layers - {"full_attention"},
        "its attention is a sliding window": window and window < limit and not layers,
        "its code does not say which logits it wants": not wants_logits,
    }
    yield from (reason for reason, holds in conditions.items() if holds)
    for name, value in sorted(model.generation_config.to_diff_dict().items()):
        harmless = name in _HARMLESS or value == _NEUTRAL.get(name)
        if value and not harmless and not name.startswith("_"):
            yield f"its generation_config sets {name}"


def _trial(model: Any, endings: Endings, options: TransformersOptions) -> str:
    """Compute two prompts as one tree and one by one; compare what they say."""
    import torch

    before = model.config._attn_implementation
    size = model.config.get_text_config().vocab_size
    tokens = [7 * at % size for at in range(_TRUNK + sum(_TWIGS))]
    split = _TRUNK + _TWIGS[0]
    prompts = [tokens[:split], tokens[:_TRUNK] + tokens[split:]]
    with torch.inference_mode():
        expected = [_alone(model, prompt) for prompt in prompts]
        register()
        model.set_attn_implementation(NAME)
        try:
            found = _together(model, endings, prompts, options)
        except (UnknownAttentionError, TypeError, KeyError, AttributeError) as error:
            model.set_attn_implementation(before)
            return f"a trial of its attention failed ({error})"
        off = max(
            float((one - other).norm() / one.norm())
            for one, other in zip(expected, found, strict=True)
        )
    if not off <= (_EXACT if model.dtype == torch.float32 else _ROUNDED):
        model.set_attn_implementation(before)
        return f"in a trial its logits were off by {off:.1g} of their size"
    return ""


def _alone(model: Any, prompt: Sequence[int]) -> Any:
    import torch

    ids = torch.tensor([prompt], device=model.device)
    return model(input_ids=ids, use_cache=False, logits_to_keep=1).logits[0, -1].float()


def _together(
    model: Any,
    endings: Endings,
    prompts: Sequence[Sequence[int]],
    options: TransformersOptions,
) -> list[Any]:
    """The same from one tree, computed in two steps."""
    (tree,) = plant_on(0, list(enumerate(prompts)))
    growth = Growth(tree, endings, 1 << 20, None)
    found: dict[int, Any] = {}
    while not growth.answering:
        plan = growth.plan(_TRUNK + 2)
        logits = logits_after(
            model, [(growth, plan)], eager=options.attention == "eager"
        )
        for row, values in zip(plan.rows, logits, strict=True):
            found[row.askers[0]] = values.float()
        growth.commit(plan, logits.argmax(-1).tolist())
    return [found[asker] for asker in range(len(prompts))]
