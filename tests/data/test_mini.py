"""Our own corpus: offsets, sizes, hard cases; everything that its card promises."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from unibench.data.api import load_prepared
from unibench.data.catalogue import resolve
from unibench.resources import data_root
from unibench.schema.text import Passage

SUBSETS = resolve(["mini"])


def passages(subset: str) -> tuple[Passage, ...]:
    return load_prepared(subset, "test").passages


def test_mini_has_the_nine_domains() -> None:
    domains = {load_prepared(subset, "test").identity.domain for subset in SUBSETS}
    assert len(SUBSETS) == len(domains) == 9


@pytest.mark.parametrize("subset", SUBSETS)
def test_each_domain_is_whole(subset: str) -> None:
    prepared = load_prepared(subset, "test")
    counts = Counter(m.entity_type for p in prepared.passages for m in p.mentions)
    lengths = [len(p.text.split()) for p in prepared.passages]
    assert len(prepared.passages) == 25
    assert len({p.text for p in prepared.passages}) == 25
    assert sum(not p.mentions for p in prepared.passages) == 3
    assert 4 <= len(prepared.entity_types) <= 8
    assert set(counts) == set(prepared.entity_types)
    assert min(counts.values()) >= 6
    assert min(lengths) <= 12
    assert max(lengths) >= 50
    assert prepared.definitions.keys() == set(prepared.entity_types)


@pytest.mark.parametrize("subset", SUBSETS)
def test_offsets_cut_out_the_written_text(subset: str) -> None:
    path = (
        data_root() / "dataset_cards" / "mini" / f"{subset.removeprefix('mini_')}.jsonl"
    )
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for row in rows:
        for mention in row["mentions"]:
            spans = mention.get("spans") or [[mention["start"], mention["end"]]]
            pieces = [row["text"][start:end] for start, end in spans]
            assert " ".join(pieces) == mention["text"]
            assert all(piece == piece.strip() != "" for piece in pieces)
            assert spans == sorted(spans)


def nested(passage: Passage) -> bool:
    flat = [(m.spans[0].start, m.spans[-1].end) for m in passage.mentions]
    return any(a != b and a[0] <= b[0] and b[1] <= a[1] for a in flat for b in flat)


def repeated(passage: Passage) -> bool:
    counts = Counter((m.entity_type, m.text) for m in passage.mentions)
    return max(counts.values(), default=0) > 1


def test_hard_cases_occur() -> None:
    every = [p for subset in SUBSETS for p in passages(subset)]
    assert sum(map(nested, every)) >= 20
    assert sum(map(repeated, every)) >= 20
    assert sum(any(len(m.spans) > 1 for m in p.mentions) for p in every) >= 8
    assert sum("\n" in p.text for p in every) >= 8
    for subset in SUBSETS:
        assert sum(map(nested, passages(subset))) >= 1, subset
        assert sum(map(repeated, passages(subset))) >= 2, subset


def test_it_needs_no_network_and_no_preparing() -> None:
    assert load_prepared("mini_law", "test", "paper").identity.access == "open"
