"""Prompts as trees: every token once, every prompt readable along its path."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.backends.local.trees import Forest, TokenTree, plant, plant_on

PASSAGE = tuple(range(100, 130))


def prompts_of(trees: Sequence[TokenTree]) -> dict[int, tuple[int, ...]]:
    return {
        asker: tuple(t for start, stop in b.path for t in tree.tokens[start:stop])
        for tree in trees
        for b in tree.branches
        for asker in b.askers
    }


def test_queries_of_one_passage_share_it() -> None:
    asked = [(0, (*PASSAGE, 1, 2)), (1, (*PASSAGE, 1, 3, 4)), (2, (*PASSAGE, 5))]
    forest = plant(asked)
    (tree,) = forest.trees
    assert forest.root == ()
    assert tree.tokens == (*PASSAGE, 1, 2, 3, 4, 5)
    assert tree.depths == (*range(32), 31, 32, 30)
    assert [b.path for b in tree.branches] == [
        ((0, 32),),
        ((0, 31), (32, 34)),
        ((0, 30), (34, 35)),
    ]
    assert [b.length for b in tree.branches] == [32, 33, 31]


def test_equal_prompts_are_one_branch() -> None:
    (tree,) = plant([(7, (1, 2)), (9, (1, 2))]).trees
    assert [b.askers for b in tree.branches] == [(7, 9)]


def test_passages_share_what_all_begin_with() -> None:
    first = [(at, (1, 2, 3, *PASSAGE, at)) for at in range(2)]
    second = [(at, (1, 2, 3, 9, *PASSAGE, at)) for at in range(2, 4)]
    forest = plant([*first, *second])
    assert forest.root == (1, 2, 3)
    assert [tree.root for tree in forest.trees] == [3, 3]
    assert [len(tree.tokens) for tree in forest.trees] == [36, 35]
    assert prompts_of(forest.trees) == dict([*first, *second])


def test_a_root_that_is_known_is_used_again() -> None:
    forest = plant([(0, (1, 2, 3, 4)), (1, (1, 2, 3, 5))], known=(1, 2, 9))
    assert forest.root in {(1, 2), (1, 2, 3)}
    alone = plant([(0, (1, 2, 3, 4))], known=(1, 2, 3, 4))
    assert alone.root == (1, 2, 3)


def test_a_tree_does_not_grow_without_bound() -> None:
    asked = [(at, (*PASSAGE, at, *range(50))) for at in range(100)]
    trees = plant(asked).trees
    assert prompts_of(trees) == dict(asked)
    assert len(trees) > 1
    assert max(len(tree.tokens) for tree in trees) < 1024 + 2 * 81


TOKENS = st.lists(st.integers(0, 3), min_size=1, max_size=40).map(tuple)


@pytest.mark.parametrize("stem", [(), PASSAGE], ids=["no stem", "stem"])
@given(tails=st.lists(TOKENS, max_size=12), known=TOKENS)
def test_every_prompt_stands_in_the_forest(
    stem: tuple[int, ...], tails: list[tuple[int, ...]], known: tuple[int, ...]
) -> None:
    asked = [(at, (*stem, *tail)) for at, tail in enumerate(tails)]
    forest: Forest = plant(asked, (*stem, *known))
    assert prompts_of(forest.trees) == dict(asked)
    for tree in forest.trees:
        assert tree.tokens[: tree.root] == forest.root
        for branch in tree.branches:
            columns = [c for start, stop in branch.path for c in range(start, stop)]
            assert columns == sorted(set(columns))
            assert [tree.depths[c] for c in columns] == list(range(len(columns)))
            assert branch.own[0] < branch.own[1]
            assert branch.own[0] >= tree.root


@given(tails=st.lists(TOKENS, min_size=1, max_size=8))
def test_trees_on_a_given_root_keep_it(tails: list[tuple[int, ...]]) -> None:
    asked = [(at, (*PASSAGE, *tail)) for at, tail in enumerate(tails)]
    trees = plant_on(10, asked)
    assert {tree.root for tree in trees} == {10}
    assert prompts_of(trees) == dict(asked)
