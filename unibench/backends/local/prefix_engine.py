"""Greedy decoding that computes no token twice and none of padding.

A step is one forward pass over a flat row of tokens from many trees: the next token
of every answer under way, then tokens of prompts until `step_tokens` are together,
as continuous batching with chunked prefills does (Yu et al. 2022, Orca; Agrawal et
al. 2023, Sarathi). Each token attends to its own ancestors (`tree_attention`). A row
that has ended leaves at once, and prompts take its place. A step of few tokens takes
about as long as one of some more, so where no prompts are left answers guess how they
go on (`guesses`).
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from unibench.backends.local.answers import Endings
from unibench.backends.local.growth import Growth, Plan, Row
from unibench.backends.local.memory import free_memory, is_lack_of_memory
from unibench.backends.local.step import logits_after
from unibench.backends.local.tree_attention import TreeCache
from unibench.backends.local.trees import TokenTree, plant, plant_on
from unibench.errors import BackendError
from unibench.schema.query import Response

_LOG = logging.getLogger(__name__)
_WINDOW = 1024
"""Prompts among which shared beginnings are looked for, and held in memory."""

_LEAST = 16
"""Tokens of a step below which it is not made smaller."""

Encoded = tuple[int, Sequence[int]]
"""A prompt's position, and its tokens."""


class Sizes(NamedTuple):
    """Tokens of a step, tokens held at once, and those below which steps guess."""

    step_tokens: int
    batch_tokens: int
    guess_tokens: int


class PrefixEngine:
    """Answer prompts with one model, many trees at a time."""

    def __init__(
        self,
        model: Any,
        endings: Endings,
        *,
        limit: int,
        sizes: Sizes,
        eager: bool = False,
    ) -> None:
        """Take a model whose attention is `tree_attention.attend`.

        A step of fewer tokens than `sizes.guess_tokens` is filled up with guesses.
        """
        self.model = model
        self.endings = endings
        self.limit = limit
        self.step_tokens, self.batch_tokens, self.guess_tokens = sizes
        self.eager = eager
        self.counts: Counter[str] = Counter()
        self._root_tokens: tuple[int, ...] = ()
        self._root = TreeCache(0)
        self._waiting: deque[TokenTree] = deque()
        self._active: list[Growth] = []

    def run(self, prompts: Iterator[Encoded]) -> Iterator[tuple[int, Response]]:
        """Answer `prompts`, each of which leaves room for an answer, in any order.

        Raises:
            BackendError: not even one prompt alone fits in memory.
        """
        self._waiting.clear()
        self._active.clear()
        since = time.monotonic()
        while self._admit(prompts):
            over = self._step()
            now = time.monotonic()
            share = (now - since) / max(1, sum(len(row.askers) for row in over))
            since = now if over else since
            for row in over:
                response = row.answer.response(share)
                for asker in row.askers:
                    yield asker, response

    def _admit(self, prompts: Iterator[Encoded]) -> bool:
        """Let trees in while there is room; tell whether there is anything to do."""
        self._active = [growth for growth in self._active if growth.rows]
        held = sum(growth.cache.capacity for growth in self._active)
        wanted = sum(growth.wanted for growth in self._active)
        while wanted < self.step_tokens and (self._waiting or self._plant(prompts)):
            tree = self._waiting[0]
            size = len(tree.tokens) + len(tree.branches)
            if self._active and held + size > self.batch_tokens:
                break
            self._waiting.popleft()
            growth = Growth(tree, self.endings, self.limit, self._root)
            self._active.append(growth)
            held, wanted = held + size, wanted + growth.wanted
        return bool(self._active)

    def _plant(self, prompts: Iterator[Encoded]) -> bool:
        """Take the next prompts, and compute what all of them begin with."""
        window = list(islice(prompts, _WINDOW))
        forest = plant(window, self._root_tokens)
        self.counts["prompts"] += len(window)
        self.counts["prompt_tokens"] += sum(len(tokens) for _, tokens in window)
        if forest.root != self._root_tokens[: len(forest.root)]:
            self._root_tokens = forest.root
            self._root = self._compute_root(forest.root)
        self._waiting.extend(forest.trees)
        return bool(window)

    def _compute_root(self, tokens: tuple[int, ...]) -> TreeCache:
        (tree,) = plant_on(0, [(0, tokens)])
        growth = Growth(tree, self.endings, self.limit, None)
        while not growth.answering:
            self._advance([growth])
        return growth.cache

    def _step(self) -> list[Row]:
        """Advance what is active; return the rows that are over."""
        # Answers first: their trees are the oldest, and leave the soonest.
        answering = [growth for growth in self._active if growth.answering]
        growing = [growth for growth in self._active if not growth.answering]
        return self._advance([*answering, *growing])

    def _advance(self, growths: Sequence[Growth]) -> list[Row]:
        """Compute one step; where memory lacks, do less at once from now on."""
        planned = self._planned(growths)
        tokens = sum(len(plan.tokens) for _, plan in planned)
        try:
            following = self._forward(planned)
        except RuntimeError as error:
            if not is_lack_of_memory(error):
                raise
            lack = str(error)
        else:
            return self._commit(planned, following)
        self._shrink(growths, tokens, lack)
        return []

    def _planned(self, growths: Sequence[Growth]) -> list[tuple[Growth, Plan]]:
        room = self.step_tokens
        guesses = self._guesses(growths)
        planned = []
        for growth in growths:
            if not growth.answering and room <= 0:
                continue
            plan = growth.plan(room, guesses)
            room -= len(plan.tokens)
            planned.append((growth, plan))
        return planned

    def _guesses(self, growths: Sequence[Growth]) -> int:
        """Return how many guesses each answer may make in a step of these trees."""
        known = sum(growth.wanted for growth in growths)
        answers = sum(growth.wanted for growth in growths if growth.answering)
        room = min(self.guess_tokens, self.step_tokens) - known
        return max(0, room // answers) if answers else 0

    def _forward(self, planned: Sequence[tuple[Growth, Plan]]) -> list[int]:
        """Return the tokens that follow all planned ends."""
        import torch

        with torch.inference_mode():
            logits = logits_after(self.model, planned, eager=self.eager)
            following: list[int] = logits.float().argmax(-1).tolist()
        return following

    def _commit(
        self, planned: Sequence[tuple[Growth, Plan]], following: Sequence[int]
    ) -> list[Row]:
        self.counts["steps"] += 1
        over, at = [], 0
        for growth, plan in planned:
            answers = growth.answering
            over += growth.commit(plan, following[at : at + len(plan.ends)])
            at += len(plan.ends)
            kind = "computed_answer_tokens" if answers else "computed_prompt_tokens"
            refused = growth.refused if answers else 0
            self.counts[kind] += len(plan.tokens) - refused
            self.counts["guesses"] += sum(plan.guesses)
            self.counts["guesses_refused"] += refused
        return over

    def _shrink(self, growths: Sequence[Growth], tokens: int, lack: str) -> None:
        """Halve what is computed and held; put aside what does not fit any more.

        Raises:
            BackendError: it was one prompt alone, and few of its tokens.
        """
        if not self.counts["out_of_memory"]:
            _LOG.warning("no memory for %d tokens at once; going on with less", tokens)
        self.counts["out_of_memory"] += 1
        alone = len(growths) == 1
        if alone and tokens <= _LEAST and len(growths[0].rows) <= 1:
            raise BackendError(
                f"one prompt of {len(growths[0].tree.tokens)} tokens does not fit in"
                f" memory, not even {tokens} tokens at a time ({_first_line(lack)});"
                " say 'dtype: bfloat16' in 'backend', lower 'max_tokens' in 'decoding',"
                " or use a device with more memory"
            )
        held = sum(growth.cache.capacity for growth in growths)
        self.batch_tokens = max(1, held // 2)
        self.step_tokens = max(_LEAST, min(self.step_tokens, tokens) // 2)
        if alone and (tokens > _LEAST and not growths[0].answering):
            return
        for growth in growths[len(growths) // 2 :]:
            self._put_aside(growth)
        free_memory()

    def _put_aside(self, growth: Growth) -> None:
        """Ask what a tree has not answered later, in two trees."""
        left = growth.unanswered()
        growth.rows = []
        half = len(left) // 2
        for part in (left[half:], left[:half]):
            self._waiting.extendleft(plant_on(growth.tree.root, part))


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[0][:200]
