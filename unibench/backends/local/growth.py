"""A tree of prompts on its way through the model: first its tokens, then answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from unibench.backends.local.answers import Answer, Endings
from unibench.backends.local.tree_attention import Part, TreeCache
from unibench.backends.local.trees import Branch, TokenTree

_SPARSE = 0.5
"""A cache of which fewer columns are still seen is packed anew."""


class Row:
    """One answer in the making; `askers` are the positions of its prompts."""

    def __init__(self, branch: Branch, answer: Answer) -> None:
        """Begin with no token."""
        self.branch = branch
        self.askers = branch.askers
        self.answer = answer
        self.over = False
        self.newest = -1

    def take(self, token: int) -> None:
        """Go on with the next token."""
        self.newest = token
        self.over = self.answer.feed(token)

    @property
    def depth(self) -> int:
        """Where the newest token stands."""
        return self.answer.prompt_tokens + len(self.answer.tokens) - 1


class Plan(msgspec.Struct, frozen=True):
    """What a tree wants computed next.

    `rows` are the answers that go on behind the tokens at the places `ends`; `seen`
    says which columns each token sees, itself included.
    """

    tokens: Sequence[int]
    depths: Sequence[int]
    ends: Sequence[int]
    rows: Sequence[Row]
    seen: Any


class Growth:
    """A tree, its cache, and the rows whose answers are not over."""

    def __init__(
        self, tree: TokenTree, endings: Endings, limit: int, root: TreeCache | None
    ) -> None:
        """Start with the columns of the root, which `root` holds."""
        self.tree = tree
        self.cache = TreeCache(len(tree.tokens) + len(tree.branches))
        if root is not None:
            self.cache.copy(root, tree.root)
        self.rows = [
            Row(branch, endings.begin(branch.length, limit - branch.length))
            for branch in tree.branches
        ]
        self.answering = False
        self._seen: Any = None

    @property
    def wanted(self) -> int:
        """How many tokens are next: of the prompts all that are left, or the answers'.

        Those of the answers come together.
        """
        if self.answering:
            return len(self.rows)
        return len(self.tree.tokens) - self.cache.used

    def unanswered(self) -> list[tuple[int, tuple[int, ...]]]:
        """Return the prompts of all rows that are not over, to be asked again."""
        tokens = self.tree.tokens
        return [
            (asker, tuple(t for span in row.branch.path for t in tokens[slice(*span)]))
            for row in self.rows
            if not row.over
            for asker in row.askers
        ]

    def plan(self, room: int) -> Plan:
        """Return what is next: of the prompts at most `room` tokens, or all answers."""
        return self._plan_answers() if self.answering else self._plan_prompts(room)

    def part(self, plan: Plan, first: int) -> Part:
        """Return the planned tokens as a part of a step, from row `first` of it."""
        count = len(plan.tokens)
        self.cache.reserve(self.cache.used + count)
        return Part(self.cache, slice(first, first + count), self.cache.used, plan.seen)

    def commit(self, plan: Plan, following: Sequence[int]) -> list[Row]:
        """Take the token that follows each planned end; return the rows now over."""
        self.cache.used += len(plan.tokens)
        for row, token in zip(plan.rows, following, strict=True):
            row.take(token)
        if self.answering:
            self._seen = plan.seen
            self._drop_ended()
        elif self.cache.used == len(self.tree.tokens):
            self._begin_answers()
        return [row for row in plan.rows if row.over]

    def _plan_prompts(self, room: int) -> Plan:
        import torch

        start = self.cache.used
        stop = min(len(self.tree.tokens), start + room)
        seen = torch.zeros(stop - start, stop, dtype=torch.bool)
        ends, rows = [], []
        for row in self.rows:
            *ancestors, (first, end) = row.branch.path
            low, high = max(first, start), min(end, stop)
            if low >= high:
                continue
            mine = seen[low - start : high - start]
            for left, right in ancestors:
                mine[:, left:right] = True
            mine[:, first:high] = torch.ones(
                high - low, high - first, dtype=torch.bool
            ).tril(low - first)
            if high == end:
                ends.append(end - 1 - start)
                rows.append(row)
        tokens, depths = self.tree.tokens[start:stop], self.tree.depths[start:stop]
        return Plan(tokens, depths, ends, rows, seen)

    def _plan_answers(self) -> Plan:
        import torch

        count = len(self.rows)
        return Plan(
            [row.newest for row in self.rows],
            [row.depth for row in self.rows],
            range(count),
            list(self.rows),
            torch.cat([self._seen, torch.eye(count, dtype=torch.bool)], dim=1),
        )

    def _begin_answers(self) -> None:
        import torch

        self.answering = True
        self._seen = torch.zeros(len(self.rows), self.cache.used, dtype=torch.bool)
        for mine, row in zip(self._seen, self.rows, strict=True):
            for left, right in row.branch.path:
                mine[left:right] = True
        self._drop_ended()

    def _drop_ended(self) -> None:
        """Let the rows that are over leave, and with them what only they saw."""
        import torch

        staying = [at for at, row in enumerate(self.rows) if not row.over]
        if len(staying) == len(self.rows):
            return
        self.rows = [self.rows[at] for at in staying]
        self._seen = self._seen[staying]
        columns = torch.nonzero(self._seen.any(0))[:, 0]
        if self.rows and len(columns) < _SPARSE * self.cache.used:
            self._seen = self._seen[:, columns]
            self.cache.keep(columns)
