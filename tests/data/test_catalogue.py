"""Names of datasets, subsets and suites, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unibench.data import catalogue
from unibench.data.catalogue import resolve
from unibench.errors import CardError, UnknownNameError

DOMAINS = {
    "general": 16,
    "biomed": 8,
    "clinics": 7,
    "stem": 7,
    "programming": 1,
    "social_media": 5,
    "law": 3,
    "finance": 1,
    "transportation": 1,
}


def test_the_benchmark_has_43_datasets_and_49_subsets() -> None:
    subsets = resolve(["uniner_43"])
    known = catalogue.subsets()
    assert len(subsets) == len(set(subsets)) == 49
    assert len({known[subset] for subset in subsets}) == 43
    assert {name: len(resolve([name])) for name in DOMAINS} == DOMAINS
    assert len(resolve(["ood_7"])) == 7
    assert len(resolve(["supervised_20"])) == 20
    assert len(resolve(["mini"])) == 9


def test_suites_agree_with_the_cards() -> None:
    from unibench.data.plan import plan_of

    for name in DOMAINS:
        for subset in resolve([name]):
            assert plan_of(subset).domain.lower().replace(" ", "_") == name
    of_all = resolve(["uniner_43"])
    assert set(resolve(["open"])) == {
        subset for subset in of_all if plan_of(subset).card.access == "open"
    }


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(["conllpp"], ["conllpp"], id="subset"),
        pytest.param(["mapa"], ["mapa_coarse", "mapa_fine"], id="dataset"),
        pytest.param(["law"], ["ener", "mapa_coarse", "mapa_fine"], id="suite"),
        pytest.param(["mapa_fine", "mapa"], ["mapa_fine", "mapa_coarse"], id="once"),
    ],
)
def test_names_are_resolved_in_order(names: list[str], expected: list[str]) -> None:
    assert resolve(names) == expected


def test_an_unknown_name_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'crossner_ai'"):
        resolve(["crosner_ai"])


def test_one_s_own_datasets_and_suites(toy: Any) -> None:
    folder: Path = toy.root / "cards" / "dataset_cards"
    (folder / "my.suites.yaml").write_text("mine: [toy, law]\nbad: [toy, gone]\n")
    assert resolve(["mine"]) == ["toy", "ener", "mapa_coarse", "mapa_fine"]
    with pytest.raises(CardError, match="'bad' lists gone"):
        resolve(["bad"])
    (folder / "my.suites.yaml").write_text("law: [toy]\n")
    with pytest.raises(CardError, match="'law' is defined elsewhere"):
        resolve(["toy"])


def test_a_dataset_without_a_label_map(toy: Any) -> None:
    (toy.root / "cards" / "label_maps" / "toy.yaml").unlink()
    with pytest.raises(CardError, match=r"no label_maps/toy\.yaml"):
        catalogue.label_map("toy")


def test_a_subset_of_two_cards(toy: Any) -> None:
    toy.save(subsets={"conllpp": {}})
    with pytest.raises(CardError, match="both have a subset 'conllpp'"):
        resolve(["toy"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"colour": 1}, "unknown field `colour`", id="unknown-key"),
        pytest.param({"splits": {"validation": "x"}}, "no split", id="split"),
        pytest.param({"access": "licensed"}, "`order`", id="order"),
        pytest.param(
            {"files": {"a": {"sha256": "abc"}}}, "64 lower-case hex", id="hash"
        ),
        pytest.param(
            {"sources": [{"title": "x", "hub": "a/b"}]}, "`revision`", id="revision"
        ),
        pytest.param(
            {"sources": [{"title": "x", "hub": "a/b", "revision": "c", "url": "d"}]},
            "more than one place",
            id="places",
        ),
        pytest.param(
            {"filters": [{"name": "distinkt"}]}, "Invalid value 'distinkt'", id="filter"
        ),
        pytest.param(
            {"paper": [{"name": "dev_is_test"}]}, "missing required field", id="why"
        ),
        pytest.param(
            {"partition": [{"files": "a", "into": {"train": 0.9, "dev": 0.2}}]},
            "more than 1",
            id="shares",
        ),
    ],
)
def test_a_card_that_cannot_be_is_refused(
    toy: Any, change: dict[str, Any], message: str
) -> None:
    toy.save(**change)
    with pytest.raises(CardError, match=r"toy\.yaml") as caught:
        catalogue.card("toy")
    assert message in str(caught.value)
