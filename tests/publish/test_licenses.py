"""The licence of a card decides what of a dataset may be on the Hub."""

from __future__ import annotations

import pytest

from unibench.data import catalogue
from unibench.publish.licenses import NOTHING, may_redistribute, rights_of
from unibench.reporting.published import subset_of_name


@pytest.mark.parametrize(
    ("license_", "redistribute", "commercial", "share_alike"),
    [
        pytest.param("MIT", True, True, False, id="mit"),
        pytest.param("cc-by-4.0", True, True, False, id="by"),
        pytest.param("CC-BY-SA-3.0", True, True, True, id="by-sa"),
        pytest.param("CC-BY-NC-4.0", True, False, False, id="by-nc"),
        pytest.param("CC-BY-NC-SA-4.0", True, False, True, id="by-nc-sa"),
        pytest.param("CC-BY-ND-4.0", False, True, False, id="no-derivatives"),
        pytest.param("CC0-1.0", True, True, False, id="cc0"),
        pytest.param("public domain", True, True, False, id="public-domain"),
        pytest.param("Apache-2.0 AND LicenseRef-X", False, False, False, id="and"),
        pytest.param("MIT AND CC-BY-SA-4.0", True, True, True, id="and-strictest"),
        pytest.param("LicenseRef-X OR MIT", True, True, False, id="or-freest"),
        pytest.param("LDC User Agreement", False, False, False, id="agreement"),
        pytest.param("none stated", False, False, False, id="none-stated"),
        pytest.param("unknown", False, False, False, id="unknown"),
        pytest.param("other", False, False, False, id="other"),
        pytest.param("", False, False, False, id="empty"),
        pytest.param("cc-by", False, False, False, id="no-version"),
    ],
)
def test_rights(
    license_: str, redistribute: bool, commercial: bool, share_alike: bool
) -> None:
    rights = rights_of(license_)
    assert rights.redistribute is redistribute
    assert rights.commercial is commercial
    assert rights.share_alike is share_alike


def test_a_single_licence_keeps_its_hub_name() -> None:
    assert rights_of("CC-BY-NC-SA-4.0").hub_id == "cc-by-nc-sa-4.0"
    assert rights_of("MIT AND CC-BY-4.0").hub_id == "other"
    assert rights_of("no such licence") == NOTHING


MAY = {
    "anatem", "bc2gm", "bc5cdr", "broad_twitter", "crossner_ai", "crossner_literature",
    "crossner_music", "crossner_politics", "crossner_science", "deal", "ener",
    "fewnerd_coarse", "fewnerd_fine", "finer_ord", "mapa_coarse", "mapa_fine",
    "multinerd", "ncbi", "scirex", "sofc", "somesci", "stackoverflow_ner", "tasteset",
    "wikineural_en", "wlp",
}  # fmt: skip
"""Of the 49; the reference gives each licence. The text of conllpp is Reuters', the
licence of the GENIA Project covers annotations, the platform's terms cover tweets."""


@pytest.mark.parametrize("subset", sorted(subset_of_name().values()))
def test_each_of_the_49(subset: str) -> None:
    card = catalogue.card(catalogue.subsets()[subset])
    assert may_redistribute(card) is (subset in MAY), card.license


def test_all_49_are_there() -> None:
    assert len(set(subset_of_name().values())) == 49


@pytest.mark.parametrize("dataset", sorted(catalogue.datasets()))
def test_what_is_not_open_is_never_redistributed(dataset: str) -> None:
    card = catalogue.card(dataset)
    assert card.access == "open" or not may_redistribute(card)
