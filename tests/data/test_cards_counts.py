"""Counts of the real files, as measured apart from this code, from the official files.

The figures stand in the reference of the datasets, not in the cards: a card whose
statistics were written from a wrong reading does not pass here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from unibench.data.prepare import prepare_from
from unibench.data.raw.locate import RawFolder
from unibench.data.store import Manifest

pytestmark = pytest.mark.realdata
Counts = dict[str, tuple[int, int]]

# split -> (passages, mentions before labels are dropped)
CORRECTED: dict[str, Counts] = {
    "anatem": {"train": (5861, 6946), "dev": (2118, 2139), "test": (3830, 4616)},
    "bc2gm": {"train": (12500, 15197), "dev": (2500, 3061), "test": (5000, 6325)},
    "biored": {"train": (4373, 13351), "dev": (1131, 3533), "test": (1106, 3535)},
    "broad_twitter": {"train": (5338, 7141), "dev": (2001, 3368), "test": (2001, 4376)},
    "ebmnlp": {"dev": (10386, 17023), "test": (2076, 3549)},
    "ener": {"train": (8072, 0), "dev": (1009, 0), "test": (1010, 0)},
    "fewnerd_fine": {"dev": (18817, 34830), "test": (14007, 28342)},
    "genia": {"dev": (1669, 4337), "test": (1854, 5474)},
    "jnlpba": {"train": (16807, 46750), "dev": (1739, 4551), "test": (3856, 8662)},
    "scierc": {"train": (350, 5598), "dev": (50, 811), "test": (100, 1685)},
    "scirex": {"train": (71826, 0)},
    "sofc": {"train": (568, 2962), "dev": (135, 650), "test": (173, 978)},
    "somesci": {"train": (0, 5242), "dev": (0, 1068), "test": (0, 927)},
    "tweetner7": {"train": (7111, 23478), "dev": (310, 1000), "test": (2807, 8648)},
    "wlp": {"train": (8207, 35477), "dev": (2736, 12294), "test": (2736, 12974)},
}
PAPER: dict[str, Counts] = {
    "jnlpba": {"train": (18608, 46750), "dev": (1940, 4551), "test": (4261, 8662)},
    "deal": {"train": (26984, 0)},
}
TEST_LABELS: dict[str, dict[str, int]] = {
    "biored": {
        "GeneOrGeneProduct": 1180,
        "DiseaseOrPhenotypicFeature": 917,
        "ChemicalEntity": 754,
        "OrganismTaxon": 393,
        "SequenceVariant": 241,
        "CellLine": 50,
    },
    "broad_twitter": {"PER": 2650, "ORG": 1090, "LOC": 636},
    "ebmnlp": {"INT": 1521, "OUT": 1404, "PAR": 624},
    "genia": {
        "protein": 3066,
        "DNA": 1257,
        "cell_type": 604,
        "cell_line": 438,
        "RNA": 109,
    },
    "jnlpba": {
        "protein": 5067,
        "cell_type": 1921,
        "DNA": 1056,
        "cell_line": 500,
        "RNA": 118,
    },
    "scierc": {
        "OtherScientificTerm": 522,
        "Method": 430,
        "Task": 263,
        "Generic": 241,
        "Material": 158,
        "Metric": 71,
    },
    "sofc": {"VALUE": 365, "MATERIAL": 265, "EXPERIMENT": 229, "DEVICE": 119},
    "tweetner7": {
        "person": 2712,
        "group": 1518,
        "event": 1099,
        "product": 972,
        "corporation": 900,
        "creative_work": 731,
        "location": 716,
    },
    "somesci": {
        "Application_Usage": 248,
        "Application_Creation": 47,
        "Application_Mention": 31,
        "Application_Deposition": 22,
        "Version": 136,
        "Developer": 105,
        "Citation": 66,
        "URL": 65,
        "PlugIn_Usage": 45,
        "PlugIn_Creation": 17,
        "PlugIn_Mention": 11,
        "PlugIn_Deposition": 8,
        "ProgrammingEnvironment_Usage": 43,
        "ProgrammingEnvironment_Mention": 6,
        "OperatingSystem_Usage": 16,
        "OperatingSystem_Mention": 17,
        "License": 11,
        "Abbreviation": 10,
        "Extension": 10,
        "Release": 7,
        "SoftwareCoreference_Deposition": 4,
        "AlternativeName": 2,
    },
}
EMPTY = {
    "anatem": {"train": 2347, "dev": 996, "test": 1522},
    "bc2gm": {"train": 6111, "dev": 1213, "test": 2453},
    "biored": {"train": 468, "dev": 125, "test": 115},
    "jnlpba": {"train": 1657, "dev": 225, "test": 654},
}


@pytest.fixture(scope="module")
def folder(real_data: Path) -> RawFolder:
    return RawFolder(real_data)


def counted(manifest: Manifest, expected: Counts) -> Counts:
    """The same counts of a prepared set; what is not expected is 0."""
    return {
        split: (
            made.statistics.passages if expected[split][0] else 0,
            sum(made.statistics.labels.values()) if expected[split][1] else 0,
        )
        for split, made in manifest.splits.items()
    }


BIG = {"scirex", "somesci", "wlp"}


@pytest.mark.parametrize(
    "subset",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in BIG else name
        for name in CORRECTED
    ],
)
def test_passages_and_mentions(subset: str, folder: RawFolder) -> None:
    manifest = prepare_from(subset, "corrected", folder)
    assert counted(manifest, CORRECTED[subset]) == CORRECTED[subset]
    for split, empty in EMPTY.get(subset, {}).items():
        assert manifest.splits[split].statistics.empty == empty
    if subset in TEST_LABELS:
        assert manifest.splits["test"].statistics.labels == TEST_LABELS[subset]


@pytest.mark.slow
@pytest.mark.parametrize("subset", PAPER)
def test_the_paper_s_reading(subset: str, folder: RawFolder) -> None:
    manifest = prepare_from(subset, "paper", folder)
    assert counted(manifest, PAPER[subset]) == PAPER[subset]


@pytest.mark.slow
def test_coarse_types_are_the_fine_ones_of_one_kind(folder: RawFolder) -> None:
    fine = prepare_from("fewnerd_fine", "corrected", folder)
    coarse = prepare_from("fewnerd_coarse", "corrected", folder)
    for split, made in fine.splits.items():
        kinds: dict[str, int] = {}
        for label, count in made.statistics.labels.items():
            kind = label.partition("-")[0]
            kinds[kind] = kinds.get(kind, 0) + count
        assert coarse.splits[split].statistics.labels == kinds


@pytest.mark.slow
def test_both_layouts_of_one_corpus_hold_the_same(folder: RawFolder) -> None:
    collection = prepare_from("anatem", "corrected", folder)
    title = "the official release 1.0.2, one file a document and twelve types"
    official = prepare_from("anatem", "corrected", folder, source=title)
    for split, made in collection.splits.items():
        other = official.splits[split].statistics
        assert (other.passages, other.mentions, other.empty) == (
            made.statistics.passages,
            made.statistics.mentions,
            made.statistics.empty,
        )
    assert len(official.splits["test"].statistics.labels) == 12
    assert official.splits["test"].statistics.labels["Cancer"] == 1117


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["XML", "JSON"])
def test_biored_is_one_corpus_in_every_form(kind: str, folder: RawFolder) -> None:
    manifest = prepare_from(
        "biored", "corrected", folder, source=f"the official files as BioC {kind}"
    )
    assert manifest.splits["test"].statistics.labels == TEST_LABELS["biored"]
    assert manifest.splits["test"].statistics.passages == 1106
    assert ("train" in manifest.splits) == (kind == "XML")
