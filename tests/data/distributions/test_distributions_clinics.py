"""The clinical corpora, in the layout in which they are handed out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from unibench.cli import cli

HERE = Path(__file__).parent
Prepare = Callable[..., Callable[..., list[str]]]


def test_i2b2_2006_mends_its_tag_and_keeps_lines(prepare: Prepare) -> None:
    show = prepare("i2b2_2006_deid")
    # eleven lines that are not blank, two of them one instance: int(0.7 * 10) = 7
    assert show("train") == [
        "012345678",
        "MFC | hospital: MFC",
        "Admission Date : 04/01/2031 | date: 04/01",
        "BARLOW , THEO , 91 years old , of Mossfield"
        " | patient: BARLOW , THEO | age: 91 | location: Mossfield",
        "Seen by QUILL & MARSH on the 25th of July"
        " | doctor: QUILL & MARSH | date: 25th of July",
        "Call 555-0100 . | phone number: 555-0100",
        "Dictated By : ANNA QUILL , M.D. QX12"
        " | doctor: ANNA QUILL | identification number: QX12",
    ]
    assert show("dev") == [
        "No acute distress .",
        "Discharged to North/Hill Home . | hospital: North/Hill Home",
        "Stable .",
    ]
    assert show("test") == ["Dr. Ode 's clinic | doctor: Ode", "BP < 120 & stable ."]


def test_i2b2_2006_as_the_paper_read_it(prepare: Prepare) -> None:
    show = prepare("i2b2_2006_deid")
    # thirteen lines, blank ones too: int(0.7 * 13) = 9
    assert len(show("train", "paper")) == 9
    assert show("train", "paper")[3] == ""
    assert show("dev", "paper") == [
        "Discharged to North | hospital: North",
        "Hill Home . | hospital: Hill Home",
        "",
        "Stable .",
    ]
    assert show("test", "paper")[1] == ""


def test_i2b2_2010_counts_lines_and_tokens(prepare: Prepare) -> None:
    show = prepare("i2b2_2010_concepts")
    both = sorted(show("train") + show("dev"))
    assert both == sorted(
        [
            "Mr. Barlow has mild chest pain . | medical problem: mild chest pain",
            "A chest x-ray was normal . | medical test: A chest x-ray",
            "He was given Aspirin 81 mg . | treatment: Aspirin",
            'The "cold turkey" method  was tried .'
            ' | treatment: The "cold turkey" method',
            " Fever persisted . | medical problem: Fever",
            "She has severe/back pain . | medical problem: severe/back pain",
            "An MRI is planned . | medical test: An MRI",
            "No complaints .",
        ]
    )
    assert show("test") == [
        "Insulin was started for diabetes ."
        " | treatment: Insulin | medical problem: diabetes"
    ]
    assert len(show("train", "paper") + show("dev", "paper")) == len(both) + 1


def test_i2b2_2012_reads_events_alone(prepare: Prepare) -> None:
    show = prepare("i2b2_2012_temporal")
    assert sorted(show("train") + show("dev")) == [
        "2031-05-02",
        "Admission Date : | occurrence: Admission",
        "The patient was started on aspirin in the Emergency Department ."
        " | treatment: aspirin | clinical department: the Emergency Department",
        "The patient's fever was shown by a blood culture ."
        " | medical problem: The patient's fever | evidential event: shown"
        " | medical test: a blood culture",
    ]
    assert show("test") == [
        "Discharged home after two days . | occurrence: Discharged",
        "Wound well . | medical problem: Wound",
    ]


def test_i2b2_2014_takes_the_type_from_the_attribute(prepare: Prepare) -> None:
    show = prepare("i2b2_2014_deid")
    notes = {
        "Record date: 2081-03-14 | date: 2081-03-14",
        "Dr. Anna Quill saw Mr. Theo Barlow at Mossfield Clinic."
        " | doctor: Anna Quill | patient: Theo Barlow | hospital: Mossfield Clinic",
        "10/12/2081Dr Quill wrote from 12 Elm/Street, Mossfield 01234."
        " | date: 10/12/2081 | doctor: Quill | street: 12 Elm/Street"
        " | city: Mossfield | zip code: 01234",
        "He works at Barlow & Sons as a baker."
        " | organization: Barlow & Sons | profession: baker",
        "Seen “today” in Effingfield, room 12. | city: Effingfield",
    }
    assert {*show("train"), *show("dev")} == notes
    # both notes of patient 220 are in one split
    assert sorted(map(len, (show("train"), show("dev")))) == [1, 4]
    assert show("test") == [
        "MRN 4711; call 555-0100 (92 years)."
        " | medical record number: 4711 | phone number: 555-0100 | age: 92"
    ]


def test_n2c2_2018_joins_fragments_over_a_line_end(prepare: Prepare) -> None:
    show = prepare("n2c2_2018_task2")
    assert sorted(show("train") + show("dev")) == [
        "Aspirin 81 mg daily for one week | drug: Aspirin | strength: 81 mg"
        " | frequency: daily | duration: for one week",
        "Continue amoxicillin/clavulanate. | drug: amoxicillin/clavulanate",
        "Started vancomycin 1 g IV every 12 hours | drug: vancomycin"
        " | strength: 1 g | route: IV | frequency: every 12 hours",
        "by mouth. | route: by mouth",
        "for cellulitis; developed a rash. | reason: cellulitis"
        " | adverse drug event: rash | reason: rash",
    ]
    assert show("test") == [
        "Take 2 tablets of ibuprofen. | dosage: 2 | dosage form: tablets"
        " | drug: ibuprofen"
    ]


@pytest.mark.parametrize("release", ["release_2013", "release_2014"])
def test_share_clef_keeps_the_pieces_of_a_mention(
    release: str, prepare: Prepare
) -> None:
    show = prepare("share_clef_2014", f"share_clef_2014/{release}")
    assert sorted(show("train") + show("dev")) == [
        "Admission Date: [**2012-01-05**]/Left atrium is moderately dilated."
        " | disorder: Left atrium + dilated",
        "No fever. | disorder: fever",
        "The patient has chest/pain and  shortness of breath."
        " | disorder: chest/pain | disorder: shortness of breath",
    ]
    assert show("test") == ["No pneumothorax. | disorder: pneumothorax"]


@pytest.mark.parametrize(
    ("subset", "missing"),
    [
        ("i2b2_2006_deid", "deid_surrogate_train_all_version2.xml"),
        ("i2b2_2010_concepts", "reference_standard_for_test_data/concepts/*.con"),
        ("i2b2_2012_temporal", "2012-08-08.test-data.event-timex-groundtruth"),
        ("i2b2_2014_deid", "training-PHI-Gold-Set1/*.xml"),
        ("n2c2_2018_task2", "training_20180910/*.txt"),
        ("share_clef_2014", "Task1TrainSetCorpus199"),
    ],
)
def test_an_empty_folder_is_told_what_to_order_and_what_is_missing(
    subset: str, missing: str, tmp_path: Path
) -> None:
    result = CliRunner().invoke(
        cli, ["data", "prepare", subset, "--from", str(tmp_path)]
    )
    message = str(result.exception)
    assert result.exit_code == 1
    assert missing in message
    assert "agreement" in message


@pytest.mark.parametrize(
    ("subset", "kind"),
    [
        ("i2b2_2006_deid", "zip"),
        ("i2b2_2010_concepts", "gztar"),
        ("i2b2_2014_deid", "gztar"),
        ("n2c2_2018_task2", "zip"),
    ],
)
def test_archives_are_read_as_they_come(
    subset: str, kind: str, tmp_path: Path, prepare: Prepare
) -> None:
    unpacked = prepare(subset)("test")
    for item in sorted((HERE / subset).iterdir()):
        shutil.make_archive(
            str(tmp_path / item.stem), kind, root_dir=HERE / subset, base_dir=item.name
        )
    show = prepare(subset, str(tmp_path))
    assert show("test") == unpacked
    assert show("train")


def test_half_a_distribution_gives_its_splits_and_names_the_rest(
    tmp_path: Path,
) -> None:
    name = "test_data"
    shutil.copytree(HERE / "i2b2_2010_concepts" / name, tmp_path / name)
    training = "concept_assertion_relation_training_data"
    shutil.copytree(HERE / "i2b2_2010_concepts" / training, tmp_path / training)
    args = ["data", "prepare", "i2b2_2010_concepts", "--from", str(tmp_path)]
    result = CliRunner().invoke(cli, [*args, "--json"])
    rows = json.loads(result.output)
    assert [row["missing"] for row in rows] == [
        {"test": ["reference_standard_for_test_data/concepts/*.con"]}
    ] * 2
    assert rows[0]["passages"] == {"train": 5, "dev": 3}
    shutil.rmtree(tmp_path / training / "beth" / "concept")
    result = CliRunner().invoke(cli, args)
    assert result.exit_code == 1
    assert f"{training}/beth/**/*.con" in str(result.exception)
