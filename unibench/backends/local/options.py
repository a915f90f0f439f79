"""What a card's `backend:` may say for models that run in this process."""

from __future__ import annotations

from typing import Literal

import msgspec


class TransformersOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card's `backend:` may say besides `name`.

    `engine`: `prefix` computes what prompts share once (`prefix_engine`), `generate`
    is batched `model.generate`, `continuous` is `model.generate_batch`; `auto` takes
    `prefix` where it fits the model, else `generate`. `dtype: auto` is float32 on a
    CPU and the checkpoint's own type on a GPU. At most `batch_tokens` tokens, new
    ones included, are held at once, and at most `step_tokens` computed at once
    (0: 256 on a CPU, 8,192 on a GPU); `batch_size` prompts make a batch of
    `generate`. `answer: list` ends an answer where its list closes. `compile` runs
    the model through `torch.compile`.
    """

    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    engine: Literal["auto", "prefix", "generate", "continuous"] = "auto"
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    answer: Literal["text", "list"] = "text"
    compile: bool = False
    batch_size: int = 16
    batch_tokens: int = 32_768
    step_tokens: int = 0
    trust_remote_code: bool = False
