"""Conversations as tokens: what is read, what is learnt, what sees what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from unibench.errors import TrainingError
from unibench.schema.conversation import Conversation
from unibench.schema.training import FormatRecipe
from unibench.train.rendering import Render, Rendered, renderer

IGNORED = -100
"""The label of a token that no loss is taken on."""


class Example(msgspec.Struct, frozen=True):
    """The tokens of one conversation, or of a part of a long one.

    `labels` is the token itself where it is learnt, else `IGNORED`. `branches` is 0
    for what all later tokens see, else the number of the query, which only its own
    later tokens see.
    """

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    positions: tuple[int, ...]
    branches: tuple[int, ...]

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.ids)


class _Piece(msgspec.Struct, frozen=True):
    ids: tuple[int, ...]
    labels: tuple[int, ...]


class Encoder:
    """Turns conversations into examples of at most `max_length` tokens."""

    def __init__(self, recipe: FormatRecipe, tokenizer: Any) -> None:
        """Take the format and a tokenizer that tells the offsets of its tokens.

        Raises:
            TrainingError: the tokenizer does not fit the format.
        """
        if not tokenizer.is_fast:
            raise TrainingError(
                "this tokenizer does not tell where its tokens stand in the text (it"
                " has no tokenizer.json), so answers cannot be told apart"
            )
        self.recipe, self.tokenizer = recipe, tokenizer
        self.render: Render = renderer(recipe, tokenizer)

    def examples(
        self, conversation: Conversation, counts: Counter[str]
    ) -> Iterator[Example]:
        """Yield the examples of one conversation; what does not fit is counted.

        Raises:
            TrainingError: it is too long, and the recipe says that this is an error.
        """
        trunk, branches = self._pieces(self.render(conversation))
        groups = self._fitting(conversation.id, trunk, branches, counts)
        for group in groups:
            yield self._example(trunk, group)

    def _pieces(self, rendered: Rendered) -> tuple[_Piece, list[_Piece]]:
        """Cut the tokens of the whole text at the borders of its branches.

        The text is tokenized once and whole, as it is when a model is asked.
        """
        given = self._starts_with_bos(rendered.text)
        encoded = self.tokenizer(
            rendered.text,
            return_offsets_mapping=True,
            add_special_tokens=not given,
            verbose=False,
        )
        ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
        if self._adds_end(ids, offsets):
            ids, offsets = ids[:-1], offsets[:-1]
        starts = [start for start, _ in offsets]
        ends = [end for _, end in offsets]
        cut = _first_at(starts, ends, rendered.trunk_end)
        trunk = _Piece(tuple(ids[:cut]), (IGNORED,) * cut)
        branches = []
        for branch in rendered.branches:
            first = _first_at(starts, ends, branch.start)
            learnt = _first_at(starts, ends, branch.answer_start)
            after = _first_at(starts, ends, branch.answer_end)
            last = _first_at(starts, ends, branch.end)
            labels = (
                (IGNORED,) * (learnt - first)
                + tuple(ids[learnt:after])
                + (IGNORED,) * (last - after)
            )
            branches.append(_Piece(tuple(ids[first:last]), labels))
        return trunk, branches

    def _starts_with_bos(self, text: str) -> bool:
        bos = self.tokenizer.bos_token
        chat = self.recipe.conversation == "chat"
        return chat or bool(bos and text.startswith(bos))

    def _adds_end(self, ids: Sequence[int], offsets: Sequence[tuple[int, int]]) -> bool:
        """Whether the tokenizer put an end token of its own after the text."""
        return bool(ids) and tuple(offsets[-1]) == (0, 0) and len(ids) > 1

    def _fitting(
        self,
        name: str,
        trunk: _Piece,
        branches: Sequence[_Piece],
        counts: Counter[str],
    ) -> Iterator[list[_Piece]]:
        """Yield groups of branches that fit with the passage into the window."""
        room = self.recipe.max_length - len(trunk.ids)
        group: list[_Piece] = []
        used, yielded = 0, 0
        for branch in branches:
            size = len(branch.ids)
            if size > room:
                self._refuse(name, len(trunk.ids) + size, counts)
                continue
            if used + size > room:
                yield group
                group, used, yielded = [], 0, yielded + 1
            group.append(branch)
            used += size
        if group:
            yield group
            yielded += 1
        if yielded > 1:
            if self.recipe.too_long == "error":
                raise self._too_long(name, len(trunk.ids) + sum_of(branches))
            counts["conversations_split"] += 1

    def _refuse(self, name: str, size: int, counts: Counter[str]) -> None:
        if self.recipe.too_long == "error":
            raise self._too_long(name, size)
        counts["queries_too_long"] += 1

    def _too_long(self, name: str, size: int) -> TrainingError:
        return TrainingError(
            f"conversation {name!r} has {size} tokens, and a window holds"
            f" {self.recipe.max_length}; raise 'format.max_length', or say"
            " 'too_long: split'"
        )

    def _example(self, trunk: _Piece, group: Sequence[_Piece]) -> Example:
        apart = self.recipe.layout == "branches"
        start = len(trunk.ids)
        ids, labels = list(trunk.ids), list(trunk.labels)
        positions, branches = list(range(start)), [0] * start
        for number, branch in enumerate(group, start=1):
            first = start if apart else len(ids)
            ids += branch.ids
            labels += branch.labels
            positions += range(first, first + len(branch.ids))
            branches += [number if apart else 0] * len(branch.ids)
        return Example(tuple(ids), tuple(labels), tuple(positions), tuple(branches))


def sum_of(pieces: Sequence[_Piece]) -> int:
    """Return the number of tokens in all pieces."""
    return sum(len(piece.ids) for piece in pieces)


def _first_at(starts: Sequence[int], ends: Sequence[int], border: int) -> int:
    """Return the first token that stands at or after a character.

    Raises:
        TrainingError: a token lies across the border.
    """
    low, high = 0, len(starts)
    while low < high:
        middle = (low + high) // 2
        if ends[middle] <= border:
            low = middle + 1
        else:
            high = middle
    if low < len(starts) and starts[low] < border:
        raise TrainingError(
            "a token of this tokenizer lies across the border of an answer, so what"
            " is learnt would not be what is asked; change 'format.end' or"
            " 'format.conversation'"
        )
    return low
