"""One forward pass over the planned tokens of many trees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unibench.backends.local.growth import Growth, Plan
from unibench.backends.local.tree_attention import Step


def logits_after(
    model: Any, planned: Sequence[tuple[Growth, Plan]], *, eager: bool = False
) -> Any:
    """Return the logits behind every planned end, one row each, in order."""
    import torch

    parts, ends, first = [], [], 0
    tokens: list[int] = []
    depths: list[int] = []
    for growth, plan in planned:
        parts.append(growth.part(plan, first))
        ends += [first + end for end in plan.ends]
        tokens += plan.tokens
        depths += plan.depths
        first += len(plan.tokens)
    output = model(
        input_ids=torch.tensor([tokens], device=model.device),
        position_ids=torch.tensor([depths], device=model.device),
        use_cache=False,
        logits_to_keep=torch.tensor(ends, dtype=torch.long, device=model.device),
        unibench_step=Step(parts, eager=eager),
    )
    return output.logits[0]
