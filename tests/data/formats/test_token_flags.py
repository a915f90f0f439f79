"""EBM-NLP's release: one number a token, in a file for each label."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats.token_flags import ELSEWHERE, TokenFlags
from unibench.errors import FormatError

LABELS = ["participants", "outcomes"]
FILES = {
    "documents/7.tokens": "Mild\npain\n.\nPain\nfell\n",
    "documents/8.tokens": "Other\n",
    "aggregated/participants/train/7.AGGREGATED.ann": "1\n0\n0\n0\n0\n",
    "aggregated/outcomes/train/7_AGGREGATED.ann": "1,1,1,2,0",
}


def pairs(passage: Any) -> list[tuple[str, str]]:
    return [(m.entity_type, m.text) for m in passage.mentions]


def test_runs_of_numbers_are_mentions_and_labels_overlap(read: Any) -> None:
    (passage,), repairs = read.noted(TokenFlags, FILES, labels=LABELS)
    assert (passage.id, passage.document) == ("7", "7")
    assert passage.text == "Mild pain . Pain fell"
    assert pairs(passage) == [
        ("participants", "Mild"),
        ("outcomes", "Mild pain ."),
        ("outcomes", "Pain"),
    ]
    assert repairs == {ELSEWHERE: 1}


def test_fine_labels_and_breaks_after_sentences(read: Any) -> None:
    one = {"aggregated/outcomes/train/7_AGGREGATED.ann": "1 1 1 1 0"}
    options = {"labels": LABELS, "fine": True, "break_after": ["."]}
    (passage,) = read(TokenFlags, FILES | one, **options)
    assert pairs(passage) == [
        ("participants-1", "Mild"),
        ("outcomes-1", "Mild pain ."),
        ("outcomes-1", "Pain"),
    ]


@pytest.mark.parametrize(
    ("path", "content", "problem"),
    [
        ("outcomes/7.ann", "1\n0\n", "2 numbers for 5 tokens"),
        ("outcomes/7.ann", "1 1 1 1 x", "line 1: 'x' is no whole number"),
        ("other/7.ann", "", r"stands for the labels \[\]"),
        ("participants/7.ann", "", "like aggregated/participants"),
        ("outcomes/9.ann", "", r"its tokens \(9.tokens\) are missing"),
        ("README", "", "is neither tokens nor annotations"),
    ],
)
def test_bad_files_are_named(read: Any, path: str, content: str, problem: str) -> None:
    files = {k: v for k, v in FILES.items() if "outcomes" not in k or "/9" in path}
    with pytest.raises(FormatError, match=f"{path}: .*{problem}"):
        read(TokenFlags, files | {path: content}, labels=LABELS)


def test_a_missing_label_is_named(read: Any) -> None:
    files = {k: v for k, v in FILES.items() if "outcomes" not in k}
    with pytest.raises(FormatError, match=r"7\.tokens: its outcomes are missing"):
        read(TokenFlags, files, labels=LABELS)


@given(st.lists(st.tuples(st.text("abé.", min_size=1), st.integers(0, 2)), max_size=8))
def test_round_trip(read: Any, rows: list[tuple[str, int]]) -> None:
    words = "".join(f"{word}\n" for word, _ in rows)
    flags = "".join(f"{flag}\n" for _, flag in rows)
    files = {"d/1.tokens": words, "x/X/1.ann": flags}
    (passage,) = read(TokenFlags, files, labels=["X"], fine=True)
    assert passage.text == " ".join(word for word, _ in rows)
    marked = Counter({f"X-{n}": sum(flag == n for _, flag in rows) for n in (1, 2)})
    found = Counter[str]()
    for mention in passage.mentions:
        found[mention.entity_type] += len(mention.text.split(" "))
    assert found == +marked
    for cut in range(0, len(flags), 3):
        read.broken(TokenFlags, files | {"x/X/1.ann": flags[:cut]}, labels=["X"])
        read.broken(TokenFlags, files | {"d/1.tokens": words[:cut]}, labels=["X"])
