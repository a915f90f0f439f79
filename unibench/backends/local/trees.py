"""Prompts as trees of tokens: what several begin with stands in a tree once.

The queries about one passage share the passage and differ in their last words; all
prompts of a run share the instructions. Sorted by their tokens, prompts that begin
alike are neighbours, whatever adapter wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

_WORTH = 16
"""Tokens that a prompt must share with the one before to stay in its tree."""
_STRANGERS = 1024
"""Columns of a tree that are not a prompt's own, at most.

Attention reads and masks them, so that a wider tree costs more than it saves: at
1,024 about as much as computing 30 tokens again for each 100 in a model of 135M.
"""


class Branch(msgspec.Struct, frozen=True):
    """One prompt in a tree: who asks it, and which columns hold its tokens.

    `askers` are positions in the list of prompts; equal prompts share a branch.
    `path` are half-open ranges of columns in order; the last one is its own.
    """

    askers: tuple[int, ...]
    path: tuple[tuple[int, int], ...]

    @property
    def own(self) -> tuple[int, int]:
        """The columns that this branch adds to the tree."""
        return self.path[-1]

    @property
    def length(self) -> int:
        """How many tokens the prompt has."""
        return sum(stop - start for start, stop in self.path)


class TokenTree(msgspec.Struct, frozen=True):
    """Prompts that share a prefix, each token once; parents stand before children.

    The first `root` columns are what all trees of a forest share.
    """

    root: int
    tokens: tuple[int, ...]
    depths: tuple[int, ...]
    branches: tuple[Branch, ...]


class Forest(msgspec.Struct, frozen=True):
    """The trees of some prompts, and the tokens with which every prompt begins."""

    root: tuple[int, ...]
    trees: tuple[TokenTree, ...]


def plant(
    prompts: Sequence[tuple[int, Sequence[int]]], known: Sequence[int] = ()
) -> Forest:
    """Return the trees of `prompts`, pairs of a position and tokens, none empty.

    `known` is a root computed before; as much of it as all prompts share is used.
    """
    ordered = _in_order(prompts)
    if not ordered:
        return Forest((), ())
    first, last = ordered[0][0], ordered[-1][0]
    shortest = min(len(tokens) for tokens, _ in ordered)
    # At least one token of each prompt is its own: it says what comes next.
    root = min(_shared(first, last), shortest - 1)
    reused = min(_shared(first, known), root)
    trees = tuple(_trees(ordered, reused))
    if len(trees) > 1 and reused < root:  # for one tree a root would save nothing
        trees, reused = tuple(_trees(ordered, root)), root
    return Forest(first[:reused], trees)


def plant_on(
    root: int, prompts: Sequence[tuple[int, Sequence[int]]]
) -> tuple[TokenTree, ...]:
    """Return the trees of `prompts` on a root of so many tokens, which they share."""
    return tuple(_trees(_in_order(prompts), root))


def _in_order(
    prompts: Sequence[tuple[int, Sequence[int]]],
) -> list[tuple[tuple[int, ...], int]]:
    return sorted((tuple(tokens), asker) for asker, tokens in prompts)


def _trees(
    ordered: Sequence[tuple[tuple[int, ...], int]], root: int
) -> Iterator[TokenTree]:
    growing: _Growing | None = None
    for tokens, asker in ordered:
        if growing is None or not growing.take(tokens, asker):
            if growing is not None:
                yield growing.tree()
            growing = _Growing(root, tokens, asker)
    if growing is not None:
        yield growing.tree()


class _Growing:
    """A tree while prompts are added in order."""

    def __init__(self, root: int, tokens: tuple[int, ...], asker: int) -> None:
        self.root = root
        self.last = tokens
        self.tokens = list(tokens)
        self.depths = list(range(len(tokens)))
        head = [(0, root)] if root else []
        self.paths = [(*head, (root, len(tokens)))]
        self.askers = [[asker]]

    def take(self, tokens: tuple[int, ...], asker: int) -> bool:
        """Add a prompt, if it shares enough with the last one."""
        shared = _shared(self.last, tokens)
        if shared == len(tokens):
            self.askers[-1].append(asker)
            return True
        strangers = len(self.tokens) - shared
        if shared - self.root < _WORTH or strangers > _STRANGERS:
            return False
        start = len(self.tokens)
        self.tokens += tokens[shared:]
        self.depths += range(shared, len(tokens))
        self.paths.append((*_cut(self.paths[-1], shared), (start, len(self.tokens))))
        self.askers.append([asker])
        self.last = tokens
        return True

    def tree(self) -> TokenTree:
        """Return what has grown."""
        branches = tuple(
            Branch(tuple(askers), path)
            for askers, path in zip(self.askers, self.paths, strict=True)
        )
        return TokenTree(self.root, tuple(self.tokens), tuple(self.depths), branches)


def _cut(path: Sequence[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """The first `length` columns of a path."""
    for start, stop in path:
        if length <= 0:
            return
        yield start, min(stop, start + length)
        length -= stop - start


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return at
    return min(len(one), len(other))
