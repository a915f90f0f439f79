"""What cards say: 49 subsets, nine domains, suites."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import pytest

from unibench.errors import CardError, UnknownNameError
from unibench.reporting.catalogue import DOMAINS, Catalogue, read_catalogue
from unibench.reporting.published import published_results

REAL = read_catalogue()


def test_the_49_subsets_of_43_datasets_have_cards() -> None:
    assert len(REAL.benchmark) == 49
    infos = [REAL.info(subset) for subset in REAL.benchmark]
    assert [info.subset for info in infos if not info.carded] == []
    assert len({info.dataset for info in infos}) == 43


def test_suites_are_what_they_say() -> None:
    assert set(REAL.suites["uniner_43"]) == set(REAL.benchmark)
    assert len(REAL.suites["ood_7"]) == 7
    assert len(REAL.suites["supervised_20"]) == 20


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("model", ["gpt-3.5-turbo-0301 (ChatGPT)", "UniNER-7B-type"])
def test_domain_means_are_the_printed_ones_less_one(model: str, domain: str) -> None:
    """The corrected Figure 9 over our domains meets Figure 5a minus 1.0 (trap u)."""
    subsets = REAL.by_domain(REAL.benchmark)[domain]
    rows = [row for row in published_results() if row.model == model]
    cells = {r.subset: float(r.value) for r in rows if "corrected version" in r.source}
    (printed,) = [float(r.value) for r in rows if r.dataset == f"DOMAIN {domain}"]
    found = mean(cells[subset] for subset in subsets)
    assert found == pytest.approx(printed - 1.0, abs=0.051)


def test_a_name_may_be_a_suite_a_dataset_a_domain_or_a_subset(
    catalogue: Catalogue,
) -> None:
    assert len(catalogue.expand("three")) == 3
    assert catalogue.expand("crossner") == ("crossner_ai", "crossner_music")
    assert catalogue.expand("Social media") == ("mit_movie",)
    assert catalogue.expand("mit_movie") == ("mit_movie",)
    with pytest.raises(UnknownNameError, match=r"'crosner'\. Did you mean 'crossner'"):
        catalogue.expand("crosner")


def test_a_subset_without_a_card_is_named_and_has_no_domain(
    catalogue: Catalogue,
) -> None:
    info = catalogue.info("mine")
    assert (info.subset, info.domain, info.carded) == ("mine", "", False)
    assert catalogue.by_domain(["mine"]) == {"no card": ("mine",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: [b]\nb: [a]", "contains itself", id="circle"),
        pytest.param("a: [nothing_of_the_kind]", "which is no subset", id="unknown"),
        pytest.param("a: 3", "Expected `array`", id="type"),
    ],
)
def test_a_broken_list_of_suites_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    path = tmp_path / "suites.yaml"
    path.write_text(text)
    monkeypatch.setattr(
        "unibench.reporting.catalogue.files", lambda folder: {"suites": path}
    )
    with pytest.raises(CardError, match=message):
        read_catalogue()
