"""Rows: every example once and whole, and no contact between them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.train.rows import RowCollator, best_fit, packed_rows, visible
from unibench.train.tokens import IGNORED, Example


@given(st.lists(st.integers(1, 20), max_size=60), st.integers(20, 40))
def test_best_fit_puts_everything_somewhere_once(sizes: list[int], width: int) -> None:
    bins = best_fit(sizes, width)
    assert sorted(at for chosen in bins for at in chosen) == list(range(len(sizes)))
    assert all(sum(sizes[at] for at in chosen) <= width for chosen in bins)
    # Two bins that are at most half full would have been one.
    assert sum(2 * sum(sizes[at] for at in chosen) <= width for chosen in bins) <= 1


def example(*ids: int, branches: tuple[int, ...] = ()) -> Example:
    size = len(ids)
    return Example(
        ids, (IGNORED, *ids[1:]), tuple(range(size)), branches or (0,) * size
    )


def test_rows_keep_the_order_of_tokens_and_number_conversations() -> None:
    (row,) = packed_rows([example(1, 2, 3), example(4, 5)], 6, packing=True, seed=0)
    assert row == {
        "input_ids": [1, 2, 3, 4, 5],
        "labels": [IGNORED, 2, 3, IGNORED, 5],
        "position_ids": [0, 1, 2, 0, 1],
        "conversations": [0, 0, 0, 1, 1],
        "branches": [0, 0, 0, 0, 0],
    }


def test_equal_seeds_give_equal_rows_and_others_another_order() -> None:
    many = [example(n, n, n) for n in range(40)]
    first, again, other = (
        [r["input_ids"] for r in packed_rows(many, 4, packing=True, seed=seed)]
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert Counter(map(tuple, first)) == Counter(map(tuple, other))


def test_who_sees_whom() -> None:
    torch = pytest.importorskip("torch")
    # A conversation of a passage (a a) and two branches (b, c c), another one (d), and
    # one token of padding.
    conversations = torch.tensor([[0, 0, 0, 0, 0, 1, -1]])
    branches = torch.tensor([[0, 0, 1, 2, 2, 0, 0]])
    seen = visible(conversations, branches)[0].int().tolist()
    assert seen == [
        [1, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0],
        [1, 1, 0, 1, 0, 0, 0],
        [1, 1, 0, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
    ]


def test_a_packed_example_gets_the_logits_that_it_gets_alone() -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    model = transformers.LlamaForCausalLM(config).eval()
    plain = example(7, 8, 9, 10)
    # A passage of three tokens and two branches of two.
    tree = Example(
        (1, 2, 3, 4, 5, 6, 7),
        (IGNORED,) * 7,
        (0, 1, 2, 3, 4, 3, 4),
        (0, 0, 0, 1, 1, 2, 2),
    )
    (row,) = packed_rows([plain, tree], 16, packing=True, seed=0)
    batch = RowCollator(0)([row, {k: v[:3] for k, v in row.items()}])
    del batch["labels"]
    with torch.no_grad():
        packed = model(**batch).logits[0]
        alone = [
            model(input_ids=torch.tensor([ids])).logits[0]
            for ids in ([7, 8, 9, 10], [1, 2, 3, 4, 5], [1, 2, 3, 6, 7])
        ]
    assert row["input_ids"] == [1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10]  # the longest first
    torch.testing.assert_close(packed[:5], alone[1])
    torch.testing.assert_close(packed[5:7], alone[2][3:])
    torch.testing.assert_close(packed[7:11], alone[0])
