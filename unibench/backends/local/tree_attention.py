"""Attention of a flat row of tokens from many trees, each to its own ancestors.

Models of transformers call the attention function that is registered under their
configuration's name; everything else of a layer works on the flat row, without
padding. Keys and values lie in one `TreeCache` a tree, a column for each token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unibench.errors import BackendError

NAME = "unibench_tree"
_KNOWN = {"position_ids", "use_cache", "is_causal", "cache_position"}
_GROWTH = 16
"""Further columns that a full cache gets at once."""


class UnknownAttentionError(BackendError):
    """A model's attention wants something that trees do not know."""


class TreeCache:
    """Keys and values of one tree: a column for each token, in each layer."""

    def __init__(self, capacity: int) -> None:
        """Make room for `capacity` columns."""
        self.capacity = capacity
        self.used = 0
        self.layers: dict[int, tuple[Any, Any]] = {}

    def copy(self, other: TreeCache, columns: int) -> None:
        """Take over the first `columns` of another cache."""
        self.used = columns
        for layer, pair in other.layers.items():
            self.layers[layer] = self._roomy(pair, slice(0, columns))

    def write(self, layer: int, start: int, keys: Any, values: Any) -> tuple[Any, Any]:
        """Put `keys` and `values` (1, heads, tokens, size) at columns from `start`.

        Returns all columns up to there.
        """
        stop = start + keys.shape[2]
        if layer not in self.layers:
            self.layers[layer] = (self._empty(keys), self._empty(values))
        ours = self.layers[layer]
        for mine, new in zip(ours, (keys, values), strict=True):
            mine[:, :, start:stop] = new
        return ours[0][:, :, :stop], ours[1][:, :, :stop]

    def keep(self, columns: Any) -> None:
        """Forget all columns but these (a tensor), which move together."""
        self.used = len(columns)
        self.capacity = self.used + _GROWTH
        for layer, pair in self.layers.items():
            self.layers[layer] = self._roomy(pair, columns)

    def reserve(self, columns: int) -> None:
        """Make room for so many columns."""
        if columns > self.capacity:
            self.capacity = columns + _GROWTH
            for layer, pair in self.layers.items():
                self.layers[layer] = self._roomy(pair, slice(0, self.used))

    def _roomy(self, pair: tuple[Any, Any], columns: Any) -> tuple[Any, Any]:
        made = tuple(self._empty(old) for old in pair)
        for new, old in zip(made, pair, strict=True):
            new[:, :, : self.used] = old[:, :, columns]
        return made[0], made[1]

    def _empty(self, like: Any) -> Any:
        one, heads, _, size = like.shape
        return like.new_empty((one, heads, self.capacity, size))


class Part:
    """The tokens of one tree in a step: `rows` of the flat row, columns from `start`.

    `seen` (tokens x columns) says which columns each token sees, itself included.
    """

    def __init__(self, cache: TreeCache, rows: slice, start: int, seen: Any) -> None:
        """Turn `seen` into what is added to the scores."""
        self.cache = cache
        self.rows = rows
        self.start = start
        self.seen = seen
        self._bias: Any = None

    def bias(self, query: Any, groups: int) -> Any:
        """Return what is added to the scores; the same in all layers."""
        if self._bias is None or self._bias.shape[2] != self.seen.shape[0] * groups:
            bias = query.new_zeros(self.seen.shape)
            bias.masked_fill_(~self.seen.to(query.device), float("-inf"))
            self._bias = bias.repeat(groups, 1)[None, None]
        return self._bias


class Step:
    """What the attention function must know of a step: its parts, and how to add."""

    def __init__(self, parts: Sequence[Part], *, eager: bool = False) -> None:
        """Take the parts; `eager` means without a fused kernel."""
        self.parts = parts
        self.eager = eager


def attend(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    **settings: Any,
) -> tuple[Any, None]:
    """Return the attention of one layer; the signature is that of transformers.

    Raises:
        UnknownAttentionError: the model asks for more than plain scaled attention.
    """
    step: Step = settings.pop("unibench_step")
    scaling = settings.pop("scaling", None)
    dropout = settings.pop("dropout", 0.0)
    strange = [
        name
        for name, wanted in settings.items()
        if name not in _KNOWN and wanted is not None and wanted is not False
    ]
    if strange or dropout or attention_mask is not None:
        raise UnknownAttentionError(
            f"its attention uses {', '.join(sorted(strange)) or 'a mask of its own'}"
        )
    kernel = _spelt_out if step.eager else _kernel
    layer = module.layer_idx
    # Several queries share the keys of one head: they count as further rows.
    groups = query.shape[1] // key.shape[1]
    pieces = []
    for part in step.parts:
        columns = (key[:, :, part.rows], value[:, :, part.rows])
        keys, values = part.cache.write(layer, part.start, *columns)
        asking = query[:, :, part.rows]
        rows = asking.shape[2]
        folded = asking.reshape(1, key.shape[1], groups * rows, -1)
        bias = part.bias(query, groups)
        found = kernel(folded, keys, values, bias, scaling)
        pieces.append(found.view(query.shape[1], rows, -1).transpose(0, 1))
    import torch

    return torch.cat(pieces)[None], None


def _kernel(query: Any, keys: Any, values: Any, bias: Any, scaling: Any) -> Any:
    from torch.nn.functional import scaled_dot_product_attention

    return scaled_dot_product_attention(query, keys, values, bias, scale=scaling)


def _spelt_out(query: Any, keys: Any, values: Any, bias: Any, scaling: Any) -> Any:
    from torch.nn.functional import softmax

    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = query @ keys.transpose(2, 3) * scale + bias
    return softmax(scores.float(), dim=-1).to(query.dtype) @ values


def register() -> None:
    """Make the function known to transformers under `NAME`.

    A compiled model calls it as it is: its parts differ from step to step, and the
    compiler would start again for each.
    """
    import torch
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, torch.compiler.disable(attend))
