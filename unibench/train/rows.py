"""Rows of a training step: examples packed into windows, without contact."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from unibench.distill.mixing.queries import seed_of
from unibench.train.tokens import IGNORED, Example

BUFFER = 512
"""So many examples in the order of the data are packed together, then shuffled."""
MULTIPLE = 32
"""Batches are padded to a multiple of so many tokens."""

COLUMNS = ("input_ids", "labels", "position_ids", "conversations", "branches")


def packed_rows(
    examples: Iterable[Example], width: int, *, packing: bool, seed: object
) -> Iterator[dict[str, list[int]]]:
    """Yield rows of at most `width` tokens; each example is whole in one row."""
    if not packing:
        yield from (_row([example]) for example in examples)
        return
    buffer: list[Example] = []
    number = 0
    for example in examples:
        buffer.append(example)
        if len(buffer) == BUFFER:
            yield from _rows_of(buffer, width, seed_of("rows", seed, number))
            buffer, number = [], number + 1
    yield from _rows_of(buffer, width, seed_of("rows", seed, number))


def _rows_of(
    examples: Sequence[Example],
    width: int,
    seed: str,
) -> Iterator[dict[str, list[int]]]:
    bins = best_fit([len(example) for example in examples], width)
    random.Random(seed).shuffle(bins)  # noqa: S311
    for chosen in bins:
        yield _row([examples[at] for at in chosen])


def best_fit(sizes: Sequence[int], width: int) -> list[list[int]]:
    """Return which sizes go together: the longest first, each where it fits best."""
    order = sorted(range(len(sizes)), key=lambda at: (-sizes[at], at))
    bins: list[list[int]] = []
    room: list[int] = []
    for at in order:
        fitting = [n for n, left in enumerate(room) if left >= sizes[at]]
        if fitting:
            best = min(fitting, key=lambda n: room[n])
            bins[best].append(at)
            room[best] -= sizes[at]
        else:
            bins.append([at])
            room.append(width - sizes[at])
    return bins


def _row(examples: Sequence[Example]) -> dict[str, list[int]]:
    row: dict[str, list[int]] = {name: [] for name in COLUMNS}
    for number, example in enumerate(examples):
        row["input_ids"] += example.ids
        row["labels"] += example.labels
        row["position_ids"] += example.positions
        row["conversations"] += [number] * len(example)
        row["branches"] += example.branches
    return row


class RowCollator:
    """Rows to tensors: padded to the longest, with who sees whom.

    `attention_mask` is boolean, (rows, 1, tokens, tokens): a token sees earlier ones
    of its own conversation that stand in the passage or in its own branch. Padding
    sees itself only, because a softmax over nothing is no number.
    """

    def __init__(self, pad_token: int) -> None:
        """Take the token that fills the end of short rows; it is never learnt."""
        self.pad_token = pad_token

    def __call__(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, Any]:
        """Return the tensors of one batch."""
        import torch

        longest = max(len(row["input_ids"]) for row in rows)
        width = -(-longest // MULTIPLE) * MULTIPLE

        def filled(name: str, value: int) -> Any:
            return torch.tensor(
                [list(row[name]) + [value] * (width - len(row[name])) for row in rows]
            )

        conversations = filled("conversations", -1)
        mask = visible(conversations, filled("branches", 0))
        return {
            "input_ids": filled("input_ids", self.pad_token),
            "labels": filled("labels", IGNORED),
            "position_ids": filled("position_ids", 0),
            "attention_mask": mask[:, None],
        }


def visible(conversations: Any, branches: Any) -> Any:
    """Return which token (second to last axis) sees which (last axis)."""
    import torch

    width = conversations.shape[-1]
    causal = torch.ones(width, width, dtype=torch.bool).tril()
    same = conversations[:, :, None] == conversations[:, None, :]
    shared = (branches[:, None, :] == 0) | (
        branches[:, :, None] == branches[:, None, :]
    )
    real = (conversations >= 0)[:, None, :]
    itself = torch.eye(width, dtype=torch.bool)
    return causal & same & shared & real | itself
