"""A tree of prompts on its way through the model: first its tokens, then answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from unibench.backends.local.answers import Answer, Endings
from unibench.backends.local.guesses import Guesser
from unibench.backends.local.tree_attention import Part, TreeCache
from unibench.backends.local.trees import Branch, TokenTree

_SPARSE = 0.5
"""A cache of which fewer columns are still seen is packed anew."""


class Row:
    """One answer in the making; `askers` are the positions of its prompts."""

    def __init__(self, branch: Branch, answer: Answer, tree: TokenTree) -> None:
        """Begin with no token."""
        self.branch = branch
        self.askers = branch.askers
        self.answer = answer
        self.over = False
        self.newest = -1
        self._tree = tree
        self._guesser: Guesser | None = None

    def prompt(self) -> tuple[int, ...]:
        """Return the tokens of the prompt."""
        tokens = self._tree.tokens
        return tuple(t for span in self.branch.path for t in tokens[slice(*span)])

    def guess(self, most: int) -> list[int]:
        """Return what may come behind the newest token, at most so many tokens."""
        left = self.answer.room - len(self.answer.tokens) - 1
        if min(most, left) <= 0:
            return []
        if self._guesser is None:
            self._guesser = Guesser((*self.prompt(), *self.answer.tokens))
        return self._guesser.guess(min(most, left))

    def take(self, following: Sequence[int], guessed: Sequence[int] = ()) -> int:
        """Go on with what follows the newest token, and each guess that was right.

        `following` holds what the model says behind the newest token and behind each
        of the guesses. Returns how many of them were right.
        """
        self._go_on(following[0])
        right = 0
        for at, token in enumerate(guessed):
            if self.over or token != following[at]:
                break
            self._go_on(following[at + 1])
            right += 1
        if self._guesser is not None:
            self._guesser.learn(len(guessed), right)
        return right

    def _go_on(self, token: int) -> None:
        self.newest = token
        self.over = self.answer.feed(token)
        if self._guesser is not None:
            self._guesser.add(token)

    @property
    def depth(self) -> int:
        """Where the newest token stands."""
        return self.answer.prompt_tokens + len(self.answer.tokens) - 1


class Plan(msgspec.Struct, frozen=True):
    """What a tree wants computed next.

    `rows` are the answers that go on behind the tokens at the places `ends`; `seen`
    says which columns each token sees, itself included. Where answers go on, each
    row has as many tokens as `guesses` says and one more, its newest, before them.
    """

    tokens: Sequence[int]
    depths: Sequence[int]
    ends: Sequence[int]
    rows: Sequence[Row]
    seen: Any
    guesses: Sequence[int] = ()


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
            Row(branch, endings.begin(branch.length, limit - branch.length), tree)
            for branch in tree.branches
        ]
        self.answering = False
        self.refused = 0
        """Guesses of the last step that were wrong."""
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
        left = [row for row in self.rows if not row.over]
        return [(asker, row.prompt()) for row in left for asker in row.askers]

    def plan(self, room: int, guesses: int = 0) -> Plan:
        """Return what is next: of the prompts at most `room` tokens, or all answers.

        Each answer may have so many guesses.
        """
        if self.answering:
            return self._plan_answers(guesses)
        return self._plan_prompts(room)

    def part(self, plan: Plan, first: int) -> Part:
        """Return the planned tokens as a part of a step, from row `first` of it."""
        count = len(plan.tokens)
        self.cache.reserve(self.cache.used + count)
        return Part(self.cache, slice(first, first + count), self.cache.used, plan.seen)

    def commit(self, plan: Plan, following: Sequence[int]) -> list[Row]:
        """Take the token that follows each planned end; return the rows now over."""
        self.cache.used += len(plan.tokens)
        if self.answering:
            self._commit_answers(plan, following)
        else:
            for row, token in zip(plan.rows, following, strict=True):
                row.take([token])
            if self.cache.used == len(self.tree.tokens):
                self._begin_answers()
        return [row for row in plan.rows if row.over]

    def _commit_answers(self, plan: Plan, following: Sequence[int]) -> None:
        """Take what was right; a wrong guess stays as a column that nobody sees."""
        newest, first, right = [], 0, 0
        for row, count in zip(plan.rows, plan.guesses, strict=True):
            stop = first + count + 1
            kept = row.take(following[first:stop], plan.tokens[first + 1 : stop])
            newest.append(first + kept)
            first, right = stop, right + kept
        guessed = sum(plan.guesses)
        self.refused = guessed - right
        self._seen = plan.seen[newest] if guessed else plan.seen
        self._drop_ended()

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

    def _plan_answers(self, guesses: int) -> Plan:
        import torch

        guessed = [row.guess(guesses) for row in self.rows]
        counts = [len(more) for more in guessed]
        tokens: list[int] = []
        depths: list[int] = []
        for row, more in zip(self.rows, guessed, strict=True):
            tokens += (row.newest, *more)
            depths += range(row.depth, row.depth + len(more) + 1)
        if any(counts):  # a guess sees its row's newest token and the guesses before
            own = [torch.ones(count + 1, count + 1).tril() for count in counts]
            new = torch.block_diag(*own).bool()
            before = self._seen.repeat_interleave(torch.tensor(counts) + 1, dim=0)
        else:
            new = torch.eye(len(tokens), dtype=torch.bool)
            before = self._seen
        seen = torch.cat([before, new], dim=1)
        return Plan(tokens, depths, range(len(tokens)), list(self.rows), seen, counts)

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
        if len(staying) == len(self.rows) and not self.refused:
            return
        self.rows = [self.rows[at] for at in staying]
        self._seen = self._seen[staying]
        columns = torch.nonzero(self._seen.any(0))[:, 0]
        if self.rows and len(columns) < _SPARSE * self.cache.used:
            self._seen = self._seen[:, columns]
            self.cache.keep(columns)
