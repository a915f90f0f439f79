"""Every dataset card and label map that is shipped: valid, whole, in agreement."""

from __future__ import annotations

import pytest

from unibench.data import catalogue, fingerprint
from unibench.data.formats.registry import make_format
from unibench.data.plan import SubsetPlan, plan_of
from unibench.data.steps.labels import rules_of, type_names
from unibench.data.steps.splitters import make_splitter
from unibench.errors import CardError
from unibench.resources import data_root
from unibench.schema.dataset_card import PROTOCOLS
from unibench.schema.dataset_splits import SPLITS

DATASETS = sorted(catalogue.datasets())
SUBSETS = list(catalogue.subsets())
PLANS = {subset: plan_of(subset) for subset in SUBSETS}
DOMAINS = {
    "General",
    "Biomed",
    "Clinics",
    "STEM",
    "Programming",
    "Social media",
    "Law",
    "Finance",
    "Transportation",
}
RELEASED = {"crossner", "mit_movie", "mit_restaurant"}


def test_cards_and_label_maps_come_in_pairs() -> None:
    names = {
        folder: {path.stem for path in (data_root() / folder).glob("*.yaml")}
        for folder in ("dataset_cards", "label_maps")
    }
    assert names["dataset_cards"] - {"suites"} == names["label_maps"]


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_card_says_what_a_user_must_know(dataset: str) -> None:
    card = catalogue.card(dataset)
    assert card.title
    assert card.license
    assert card.citation
    assert card.homepage or dataset == "mini"
    titles = [source.title for source in card.sources]
    assert len(titles) == len(set(titles))
    if card.access == "open":
        assert any(s.url or s.hub or s.path or s.package for s in card.sources)
    assert not card.statistics.keys() - set(card.subsets or {dataset})


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_label_map_is_complete(dataset: str) -> None:
    label_map = catalogue.label_map(dataset)
    subsets = set(catalogue.card(dataset).subsets)
    assert not set(label_map.subsets) - subsets
    assert not label_map.labels.keys() & label_map.dropped.keys()
    for raw in label_map.labels:
        label = label_map.label(raw)
        assert label.definition.endswith("."), raw
        assert len(label.definition) > 12, raw
        assert 2 <= len(set(label.paraphrases)) <= 4, raw
        assert label.name not in label.paraphrases, raw
        assert not label.released or dataset in RELEASED, raw
    assert all(label_map.dropped.values())
    for labels in label_map.subsets.values():
        assert not set(labels) - {*label_map.labels, *label_map.dropped}
        assert len(labels) == len(set(labels))
    if label_map.subsets:
        used = {raw for labels in label_map.subsets.values() for raw in labels}
        assert used == {*label_map.labels, *label_map.dropped}


@pytest.mark.parametrize("subset", SUBSETS)
def test_a_subset_can_be_made(subset: str) -> None:
    plan = PLANS[subset]
    assert plan.domain in DOMAINS
    assert plan.layouts
    rules_of(plan.relabel)
    for layout in plan.layouts:
        for protocol in PROTOCOLS:
            read = plan.for_protocol(layout, protocol)
            make_format(read.format, subset)
            make_splitter(read.splitter, subset)
            assert read.split_names(), layout.source.title


@pytest.mark.parametrize("subset", SUBSETS)
@pytest.mark.parametrize(
    "labels", ["natural", "raw", "definition", "paraphrase:1", "paraphrase:2"]
)
def test_every_wording_tells_the_types_apart(subset: str, labels: str) -> None:
    label_map = PLANS[subset].label_map
    names = type_names(label_map, subset, labels, released=False)
    assert names.types
    released = type_names(label_map, subset, "natural", released=True)
    assert len(released.raw_labels) == len(
        type_names(label_map, subset, "natural", released=False).raw_labels
    )


@pytest.mark.parametrize("subset", SUBSETS)
def test_names_are_natural(subset: str) -> None:
    names = type_names(PLANS[subset].label_map, subset, "natural", released=False)
    for name in names.raw_labels:
        assert name == name.strip()
        assert "_" not in name


def unexplained(plan: SubsetPlan, protocol: str) -> list[str]:
    """Return what Table 6 has otherwise and no difference of the card names."""
    expected = plan.expected(protocol)
    found = []
    for split in SPLITS:
        printed = getattr(plan.table6, split)
        have = expected[split].passages if split in expected else None
        named = any(
            protocol in d.protocols
            and d.of == "passages"
            and (not d.splits or split in d.splits)
            for d in plan.differences
        )
        if expected and have is not None and printed not in {None, have} and not named:
            found.append(f"{split}: {have}, Table 6 has {printed}")
    return found


@pytest.mark.parametrize("subset", SUBSETS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_expected_statistics_agree_with_map_and_table_6(
    subset: str, protocol: str
) -> None:
    plan = PLANS[subset]
    raw = set(plan.label_map.raw_labels(subset))
    for statistics in plan.expected(protocol).values():
        assert not statistics.labels.keys() - raw
        kept = sum(
            count
            for label, count in statistics.labels.items()
            if label in plan.label_map.labels
        )
        assert statistics.mentions == kept
        assert statistics.empty <= statistics.passages
    assert not unexplained(plan, protocol)


@pytest.mark.parametrize("subset", SUBSETS)
def test_types_are_as_many_as_in_table_6(subset: str) -> None:
    plan = PLANS[subset]
    names = type_names(plan.label_map, subset, "natural", released=False)
    differ = plan.table6.types not in {None, len(names.raw_labels)}
    assert not differ or any(d.of == "types" for d in plan.differences)


@pytest.mark.parametrize("subset", SUBSETS)
def test_shipped_fingerprints_are_of_the_expected_sets(subset: str) -> None:
    plan = PLANS[subset]
    known = fingerprint.shipped(plan)
    if known is None:
        return
    assert known.names == plan.names_sha256[:16]
    for protocol, splits in known.protocols.items():
        expected = plan.expected(protocol)
        for split, values in splits.items():
            assert values.passages == expected[split].passages


def test_a_format_option_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(CardError, match="allowed"):
        make_format({"name": "columns", "sheme": "IOB2"}, "test")
