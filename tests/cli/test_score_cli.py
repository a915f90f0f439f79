"""unibench score, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from unibench.cli import cli, main

TEXT = "Ann Lee met Bo in Rome"
GOLD = [
    {"id": 1, "text": TEXT, "entity_type": "person", "mentions": ["Ann Lee", "Bo"]},
    {"id": 1, "entity_type": "place", "mentions": ["Rome"]},
]
ANSWERS = [
    {"id": 1, "entity_type": "person", "mentions": ["Ann", "Bo"]},
    {"id": 1, "entity_type": "place", "mentions": ["Rome", "Oslo"]},
]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = []
    for name, rows in (("gold.jsonl", GOLD), ("answers.jsonl", ANSWERS)):
        path = tmp_path / name
        path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
        paths.append(str(path))
    return paths


def run(*args: str) -> Any:
    result = CliRunner().invoke(cli, ["score", *args], catch_exceptions=False)
    assert result.exit_code == 0
    return result


def test_json_is_a_list_with_fractions_and_counts(files: list[str]) -> None:
    result = run(*files, "--profile", "uniner", "--profile", "partial", "--json")
    strict, half = json.loads(result.stdout)
    assert strict["profile"] == "uniner"
    assert (strict["correct"], strict["predicted"], strict["gold"]) == (2, 4, 3)
    assert strict["precision"] == 0.5
    assert strict["recall"] == pytest.approx(2 / 3)
    assert strict["f1"] == pytest.approx(4 / 7)
    assert strict["notes"]["invented"] == 1
    assert half["f1"] == pytest.approx(5 / 7)
    assert set(half["intervals"]) == {"precision", "recall", "f1"}


def test_the_table_has_an_interval_for_every_number(files: list[str]) -> None:
    head, rule, strict, *_ = run(*files).stdout.splitlines()
    assert head.split()[:4] == ["profile", "precision", "recall", "F1"]
    assert set(rule) <= {"-", " "}
    assert strict.split()[0] == "uniner"
    assert strict.count("[") == strict.count("]") == 4  # P, R, F1 and macro F1
    bare = run(*files, "--no-intervals").stdout
    assert "[" not in bare
    assert "57.1" in bare


def test_all_profiles_and_types(files: list[str]) -> None:
    rows = json.loads(run(*files, "--profile", "all", "--json").stdout)
    names = [row["profile"] for row in rows]
    assert len(names) == len(set(names)) == 18
    assert all(0 <= row["f1"] <= 1 for row in rows)
    table = run(*files, "--by-type").stdout
    assert "place" in table


def test_what_all_leaves_out_is_said(files: list[str], tmp_path: Path) -> None:
    bare = tmp_path / "bare.jsonl"
    rows = [{k: v for k, v in row.items() if k != "text"} for row in GOLD]
    bare.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    result = run(str(bare), files[1], "--profile", "all", "--json")
    assert "gliner is left out: profile 'gliner' compares words" in result.stderr
    assert {row["profile"] for row in json.loads(result.stdout)} >= {"uniner", "gner"}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param(["--profile", "unner"], "Did you mean 'uniner'", id="profile"),
        pytest.param(
            ["--parser", "nothing"], "no answer parser is called", id="parser"
        ),
        pytest.param(["--profile", "uniner:x=1"], "has no variant x=1", id="variant"),
    ],
)
def test_errors_are_one_line(
    files: list[str], capsys: pytest.CaptureFixture[str], args: list[str], said: str
) -> None:
    Path(files[1]).write_text(
        '{"id": 1, "entity_types": ["person", "place"], "response": "[]"}', "utf-8"
    )
    with pytest.raises(SystemExit) as stopped:
        main(["score", *files, *args])
    assert stopped.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert said in error


def test_missing_predictions_stop_unless_the_user_says_otherwise(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path(files[1]).write_text(json.dumps(ANSWERS[0]), "utf-8")
    with pytest.raises(SystemExit):
        main(["score", *files])
    assert "gold.jsonl: line 2: passage '1'" in capsys.readouterr().err
    (row,) = json.loads(
        run(*files, "--missing", "empty", "--profile", "uniner", "--json").stdout
    )
    assert row["notes"]["missing_predictions"] == 1
    assert row["gold"] == 3
