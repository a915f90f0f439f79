"""The main job through the command line: evaluate, resume, rescore, compare, report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unibench.cli import main

SHELF = {
    "dataset_cards/harbour.yaml": """
title: Harbour
domain: Transportation
license: CC0-1.0
homepage: https://example.org
citation: invented
sources: [{title: beside the card, path: harbour}]
format: {name: columns}
splits: {test: test.tsv}
""",
    "dataset_cards/harbour/test.tsv": (
        "Ilse\tB-PER\nmoored\tO\nin\tO\nParis\tB-LOC\n.\tO\n\n"
        "Nobody\tO\nwaved\tO\n.\tO\n\n"
        "Rome\tB-LOC\nfell\tO\n.\tO\n"
    ),
    "label_maps/harbour.yaml": "labels: {PER: person, LOC: location}\n",
    "models/replayed.yaml": """
adapter: json_types
backend: {name: replay, file: ANSWERS}
checkpoint: {id: replayed, revision: "1"}
""",
}


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a dataset and a model of the user's own, on UNIBENCH_PATH."""
    for name, content in SHELF.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content.replace("ANSWERS", str(tmp_path / "answers.jsonl"))
        path.write_text(text, "utf-8")
    monkeypatch.setenv("UNIBENCH_PATH", str(tmp_path / "mine"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(args))
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def evaluate(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    args = ("evaluate", "-m", "spacy-en-sm", "-d", "harbour", "--json", *more)
    code, out, err = run(capsys, *args)
    assert code == 0, err
    (record,) = json.loads(out)["records"]
    assert isinstance(record, dict)
    return record


def test_from_two_yaml_files_to_a_record(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = evaluate(capsys)
    counts = record["scores"]["uniner"]["counts"]
    assert counts["gold"] == 3
    assert record["tally"]["queries"] == 6
    assert record["usage"]["requests"] == 3
    written = json.loads(Path(record["path"]).read_text("utf-8"))
    assert written["data"]["fingerprint"] == record["data"]["fingerprint"]
    assert written["environment"]["packages"]["spacy"]

    again = evaluate(capsys)
    assert (again["usage"]["requests"], again["usage"]["reused"]) == (0, 3)
    assert again["scores"] == record["scores"]


def test_rescoring_gives_the_same_and_adds_a_profile(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = evaluate(capsys)
    code, out, err = run(capsys, "rescore", "runs", "--profile", "token", "--json")
    assert code == 0, err
    rows = {row["profile"]: row for row in json.loads(out)}
    assert rows["uniner"]["before"] == rows["uniner"]["now"]
    assert rows["token"]["before"] == "-"
    assert rows["uniner"]["scored from"] == "answers"
    written = json.loads(Path(record["path"]).read_text("utf-8"))
    assert written["scores"]["uniner"] == record["scores"]["uniner"]


def test_rescoring_says_when_the_answers_are_gone(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = evaluate(capsys)
    for file in (shelf / "cache").glob("responses.sqlite*"):
        file.unlink()
    code, out, err = run(capsys, "rescore", "runs", "--json")
    assert code == 0, err
    row = next(row for row in json.loads(out) if row["profile"] == "uniner")
    assert row["scored from"] == "predictions (3 answers are not stored here)"
    after = json.loads(Path(before["path"]).read_text("utf-8"))
    assert after["scores"]["uniner"] == before["scores"]["uniner"]


def test_a_changed_label_map_is_noticed_by_rescore(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(capsys)
    map_file = shelf / "mine" / "label_maps" / "harbour.yaml"
    map_file.write_text("labels: {PER: human, LOC: location}\n", "utf-8")
    code, _, err = run(capsys, "rescore", "runs")
    assert code == 1
    assert "a card, a label map or a raw file has changed" in err


def test_edited_predictions_are_noticed(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = evaluate(capsys)
    file = Path(record["path"]).with_name("predictions.jsonl")
    file.write_text(file.read_text("utf-8") + "\n", "utf-8")
    code, _, err = run(capsys, "rescore", "runs")
    assert code == 1
    assert "has changed since its record was written" in err


def test_a_run_compared_with_itself_shows_no_difference(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(capsys)
    code, out, err = run(capsys, "compare", "runs", "runs", "--json")
    assert code == 0, err
    (one,) = json.loads(out)["comparison"]["subsets"]
    assert (one["first"], one["p_value"]) == (one["second"], 1.0)
    assert json.loads(out)["changes"] == {"harbour": []}


def test_compare_wants_one_model_a_side(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(capsys)
    code, _, err = run(capsys, "compare", "runs", "no-such-folder")
    assert code == 2
    assert "does not exist" in err


def test_a_dry_run_asks_nothing(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ("evaluate", "-m", "spacy-en-sm", "-d", "harbour", "--dry-run", "--json")
    code, out, _ = run(capsys, *args)
    (row,) = json.loads(out)["subsets"]
    assert code == 0
    assert (row["passages"], row["pairs"], row["requests"]) == (3, 6, 3)
    assert row["stored"] == 0
    assert not (shelf / "runs").exists()


def test_a_replayed_model_without_its_answers_says_so(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shelf / "answers.jsonl").write_text("", "utf-8")
    code, out, err = run(capsys, "evaluate", "-m", "replayed", "-d", "harbour")
    assert (code, out) == (1, "")
    assert "answers.jsonl" in err
    assert not (shelf / "runs").exists()


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        pytest.param(
            "dataset_cards/harbour.yaml",
            SHELF["dataset_cards/harbour.yaml"] + "colour: red\n",
            "unknown field `colour`",
            id="unknown-key",
        ),
        pytest.param(
            "label_maps/harbour.yaml", "labels: {PER: person}\n", "LOC", id="unmapped"
        ),
        pytest.param(
            "dataset_cards/harbour/test.tsv",
            "Ilse\tB-PER\nwaved\n",
            "line 2",
            id="ragged",
        ),
    ],
)
def test_a_broken_dataset_is_one_clear_error(
    shelf: Path,
    capsys: pytest.CaptureFixture[str],
    file: str,
    text: str,
    said: str,
) -> None:
    (shelf / "mine" / file).write_text(text, "utf-8")
    code, out, err = run(capsys, "evaluate", "-m", "spacy-en-sm", "-d", "harbour")
    assert (code, out) == (1, "")
    assert err.startswith("Error: ")
    assert said in err
    assert err.count("\n") == 1
    assert not (shelf / "runs").exists()
