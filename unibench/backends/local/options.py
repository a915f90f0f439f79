"""What a card's `backend:` may say for models that run in this process."""

from __future__ import annotations

from typing import Literal

import msgspec


class TransformersOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card's `backend:` may say besides `name`.

    `dtype: auto` is float32 on a CPU and the checkpoint's own type on a GPU. A batch
    holds at most `batch_size` prompts and `batch_tokens` tokens, new ones included.
    """

    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    batch_size: int = 16
    batch_tokens: int = 32_768
    trust_remote_code: bool = False
