"""Open corpora in their official layout, those whose files are seldom at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from unibench.cli import cli
from unibench.data.api import load_dataset

Prepare = Callable[..., Callable[..., list[str]]]
HERE = Path(__file__).parent
CHANGED = "--accept-changed"  # the card knows the hashes of the real files


@pytest.mark.parametrize("edition", ["hub", "drive"])
def test_multinerd(edition: str, prepare: Prepare) -> None:
    show = prepare("multinerd", f"multinerd/{edition}", CHANGED)
    assert show("train") == [
        "Riga has lynxes . | location: Riga | animal: lynxes",
        "Anna Kowal in 1999 | person: Anna Kowal | time: 1999",
    ]
    assert show("dev") == ["Nothing ."]
    assert show("test") == [
        "Zeus sails the Argo | mythical figure: Zeus | vehicle: the Argo"
    ]


def test_bc4chemd(prepare: Prepare) -> None:
    show = prepare("bc4chemd", "bc4chemd", CHANGED)
    assert show("train") == [
        "Aspirin and 2 - propanol . | chemical: Aspirin | chemical: 2 - propanol",
        "No change",
    ]
    assert show("test") == ["NaCl KCl | chemical: NaCl | chemical: KCl"]


def test_ncbi_in_both_forms(prepare: Prepare) -> None:
    show = prepare("ncbi", "ncbi/conll_files")
    assert show("train") == [
        "Hereditary ataxia - telangiectasia is rare ."
        " | disease: Hereditary ataxia - telangiectasia",
        "No change",
    ]
    assert show("test") == [
        "Breast and colon cancer | disease: Breast and colon cancer"
    ]
    show = prepare("ncbi", "ncbi/original")
    assert show("train") == [
        "Hereditary ataxia-telangiectasia is rare."
        " | disease: Hereditary ataxia-telangiectasia",
        "We saw breast and colon cancer. | disease: breast and colon cancer",
        "It was breast cancer. | disease: breast cancer",
    ]


def test_stackoverflow_leaves_out_what_the_authors_leave_out(prepare: Prepare) -> None:
    show = prepare("stackoverflow_ner")
    kept = (
        "Open my file.txt in Demo Edit x=1"
        " | file name: my file.txt | application: Demo Edit"
    )
    assert show("train") == [
        "The demo_sort works | library function: demo_sort",
        kept,
    ]
    assert show("dev") == ["The demo_sort works | library function: demo_sort"]
    assert show("test") == [kept]


def test_harveyner_with_and_without_its_first_word(prepare: Prepare) -> None:
    show = prepare("harveyner")
    assert show("train") == ["Flooding on Demo Street | road: Demo Street", "Stay safe"]
    assert show("test") == [
        "Demo Bayou in Mossfield near Town Hall"
        " | river: Demo Bayou | area: Mossfield | exact location: Town Hall"
    ]
    assert show("dev", "paper") == ["-DOCSTART- Stay safe"]


def test_mapa_takes_the_english_rows_of_either_level(prepare: Prepare) -> None:
    coarse = prepare("mapa_coarse", "mapa")
    assert coarse("train") == [
        "On 3 May 2010 Mr Roe | date: 3 May 2010 | person: Mr Roe",
        "EUR 40 on 3.5.10 | amount: EUR 40 | date: 3.5.10",
    ]
    assert coarse("dev") == ["The Court | organization: Court"]
    fine = prepare("mapa_fine", "mapa")
    assert fine("train") == [
        "On 3 May 2010 Mr Roe | day: 3 | month: May | year: 2010 | title: Mr"
        " | family name: Roe",
        "EUR 40 on 3.5.10 | unit: EUR | value: 40 | standard abbreviation: 3.5.10",
    ]
    assert fine("dev") == ["The Court"]


def test_finer_ord_reads_the_word_none(prepare: Prepare) -> None:
    show = prepare("finer_ord")
    assert show("train") == [
        "Demo Bank fell | organization: Demo Bank",
        "None a, b",
        "Anna Kowal | person: Anna Kowal",
    ]
    # an I tag without its B tag opens a mention
    assert show("dev") == ["Riga rose | location: Riga"]
    assert show("test") == ["Riga , Latvia | location: Riga | location: Latvia"]
    assert show("dev", "paper") == ["Riga rose | location: Riga", ""]


def test_findvehicle_keeps_mentions_that_overlap(prepare: Prepare) -> None:
    show = prepare("findvehicle")
    assert show("train") == [
        "Find the red Audi Q7 . | color of vehicle: red | brand of vehicle: Audi"
        " | SUV: Audi Q7 | vehicle model: Q7",
        "It rained .",
    ]
    test = [
        "A car at the Bottom Left . | vehicle type: car"
        " | orientation of vehicle: Bottom | position of vehicle: Bottom Left"
    ]
    assert show("test") == show("dev", "paper") == test


def test_fabner_closes_what_bioes_closes(prepare: Prepare) -> None:
    show = prepare("fabner", "fabner", CHANGED)
    assert show("train") == [
        "Laser powder bed fusion of steel . | manufacturing process: Laser"
        " | manufacturing process: powder bed fusion | material: steel",
        "It failed",
    ]
    assert show("dev") == [
        "Steel . | material: Steel",
        "The lathe . | machine or equipment: lathe",
    ]
    assert show("dev", "paper") == ["Steel . | material: Steel"]


def test_fewnerd_at_both_levels(prepare: Prepare) -> None:
    fine = prepare("fewnerd_fine", "fewnerd", CHANGED)
    assert fine("train") == [
        "Anna Kowal left Riga . | actor: Anna Kowal | geopolitical entity: Riga",
        "Demo Tune , who | film: Demo | music: Tune",
    ]
    coarse = prepare("fewnerd_coarse", "fewnerd", CHANGED)
    assert coarse("train") == [
        "Anna Kowal left Riga . | person: Anna Kowal | location: Riga",
        "Demo Tune , who | art: Demo | art: Tune | person: who",
    ]
    assert coarse("test") == ["the Demo War and gold | event: Demo War"]


def test_deal_cuts_no_mention(prepare: Prepare) -> None:
    show = prepare("deal")
    telescope = "Demo Telescope data. | telescope: Demo Telescope"
    wavelength = "We saw it at 3 cm. | wavelength: 3 cm."
    assert show("train") == [
        telescope,
        wavelength,
        "We thank A. Kowal , Riga. | person: A. Kowal | location: Riga.",
    ]
    assert show("train", "paper")[2:] == [
        "We thank A. | person: A.",
        "Kowal , Riga. | person: Kowal | location: Riga.",
    ]
    assert show("test") == [telescope, wavelength]


def test_scirex_counts_document_tokens(prepare: Prepare) -> None:
    show = prepare("scirex")
    both = [
        "We run DemoNet on ToyBank . | method: DemoNet | material: ToyBank",
        "It wins at F1 and more . | metric: F1",
    ]
    assert show("train") == show("test") == both


def test_tweetner7_takes_2021_first_and_tests_on_2020(prepare: Prepare) -> None:
    show = prepare("tweetner7")
    records = "Hearing {@Demo Records@} {{URL}} | corporation: {@Demo Records@}"
    assert show("train") == [records, "Demo Fest today | event: Demo Fest"]
    assert show("dev") == ["ok", "Demo Fest today | event: Demo Fest"]
    assert show("test") == ["Demo Fest today | event: Demo Fest", "ok"]


def test_polyglot_ner_is_divided_as_the_paper_s_sizes_are(
    tmp_path: Path, prepare: Prepare
) -> None:
    folder = tmp_path / "acl_datasets" / "en" / "data"
    folder.mkdir(parents=True)
    block = "Riga\tLOC\n,\tLOC\nLatvia\tLOC\ngrew\tO\n\n\nAnna\tPER\nsang\tO\n\n"
    (folder / "en_wiki.conll").write_text(block * 250)
    show = prepare("polyglot_ner", str(tmp_path))
    # of 500: int(0.929243 * 500), and int(0.023586 * 500) twice; the rest in none
    sizes = [len(show(split)) for split in ("train", "dev", "test")]
    assert sizes == [464, 11, 11]
    assert {*show("train")} == {
        "Riga , Latvia grew | location: Riga , Latvia",
        "Anna sang | person: Anna",
    }


def instructuie(folder: Path, rows: list[tuple[str, str, str]]) -> None:
    """Write the three files of a folder of the InstructUIE collection."""
    folder.mkdir(parents=True)
    for split in ("train", "dev", "test"):
        found = [
            {
                "sentence": text,
                "entities": [
                    {
                        "name": name,
                        "type": kind,
                        "pos": [text.index(name), text.index(name) + len(name)],
                    }
                ],
            }
            for text, name, kind in rows
        ]
        (folder / f"{split}.json").write_text(json.dumps(found), "utf-8")


@pytest.mark.parametrize(
    ("subset", "folder", "name", "kind", "entity_type"),
    [
        ("ace05", "ACE2005", "Riga", "geographical social political", None),
        ("anatem", "AnatEM", "liver", "anatomy", None),
        ("bc2gm", "bc2gm", "abc kinase", "gene", None),
        ("bc4chemd", "bc4chemd", "NaCl", "Chemical", "chemical"),
        ("broad_twitter", "broad_tweet_corpus", "Riga", "location", None),
        ("fabner", "FabNER", "hard", "machanical property", "mechanical property"),
        ("findvehicle", "FindVehicle", "Q7", "SUV", None),
        ("genia", "GENIA_NER", "T cell", "cell type", None),
        ("harveyner", "HarveyNER", "Town Hall", "exact location", None),
        ("multinerd", "MultiNERD", "Zeus", "mythical figure", None),
        ("ncbi", "ncbi", "asthma", "Disease", "disease"),
        ("ontonotes", "Ontonotes", "Dutch", "national religious political", None),
        ("polyglot_ner", "PolyglotNER", "Riga", "location", None),
        ("tweetner7", "TweetNER7", "Demo Tune", "creative work", None),
    ],
)
def test_the_instructuie_collection_is_read_as_another_edition(
    subset: str,
    folder: str,
    name: str,
    kind: str,
    entity_type: str | None,
    tmp_path: Path,
) -> None:
    instructuie(tmp_path / folder, [(f"So {name} .", name, kind)])
    result = CliRunner().invoke(
        cli, ["data", "prepare", subset, "--from", str(tmp_path)]
    )
    assert result.exit_code == 0, result.exception
    for protocol in ("corrected", "paper"):
        for split in ("train", "dev", "test"):
            (passage,) = load_dataset(subset, split, protocol)
            (mention,) = passage.mentions
            assert (mention.text, mention.entity_type) == (name, entity_type or kind)
