"""unibench data: what a user sees, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from unibench.cli import main

CARD: dict[str, Any] = {
    "title": "Toy",
    "domain": "General",
    "license": "cc0-1.0",
    "homepage": "https://toy.example",
    "citation": "none",
    "format": {"name": "columns"},
    "splits": {"train": "train.txt", "test": "test.txt"},
    "table6": {"train": 1, "test": 2, "types": 1},
    "differences": [
        {"name": "one lost", "why": "a test", "protocols": ["corrected"]},
    ],
    "paper": [{"name": "drop_last_passage", "splits": ["test"], "why": "a test"}],
}
TEST = "Rome\tB-LOC\n\nno\tO\n\nOslo\tB-LOC\nLima\tB-LOC\n"


class Screen:
    """Runs a command; keeps what it printed and its exit code."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.out = self.err = ""

    def __call__(self, *args: str) -> int:
        try:
            main(["data", *args])
            code: Any = 0
        except SystemExit as end:
            code = end.code
        self.out, self.err = self.capsys.readouterr()
        return int(code or 0)

    def rows(self) -> list[dict[str, Any]]:
        loaded: list[dict[str, Any]] = json.loads(self.out)
        return loaded


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Screen:
    return Screen(capsys)


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset `toy` by name, and the folder of its raw files."""
    cards = tmp_path / "cards"
    for folder, values in (
        ("dataset_cards", CARD),
        ("label_maps", {"labels": {"LOC": "location"}}),
    ):
        (cards / folder).mkdir(parents=True)
        (cards / folder / "toy.yaml").write_text(yaml.safe_dump(values), "utf-8")
    monkeypatch.setenv("UNIBENCH_PATH", str(cards))
    files = tmp_path / "raw" / "toy"
    files.mkdir(parents=True)
    (files / "train.txt").write_text("a\tO\n", "utf-8")
    (files / "test.txt").write_text(TEST, "utf-8")
    return files.parent


def test_list(run: Screen, raw: Path) -> None:
    assert run("list", "--json") == 0
    rows = {row["subset"]: row for row in run.rows()}
    for name in ("dataset", "subset", "domain", "access", "state"):
        assert all(row[name] for row in rows.values())
    assert rows["mini_law"]["state"] == "packaged"
    assert rows["toy"]["state"] == "to fetch"
    assert rows["ace05"]["state"] == "to order"
    assert run("prepare", "toy", "--from", str(raw)) == 0
    assert run("list", "toy") == 0
    assert "prepared" in run.out
    assert run("list") == 0
    assert "the benchmark: 43 datasets, 49 subsets, 9 domains" in run.out


def test_show(run: Screen) -> None:
    assert run("show", "crossner_politics") == 0
    for part in ("license: mit", "political party", "DropLastPassage", "misc"):
        assert part in run.out
    assert run("show", "ace05", "--json") == 0
    (details,) = run.rows()
    assert "LDC2006T06" in details["order"]


def test_prepare_and_export(run: Screen, raw: Path, tmp_path: Path) -> None:
    assert run("prepare", "toy", "--from", str(raw), "--json") == 0
    rows = {row["protocol"]: row for row in run.rows()}
    assert rows["corrected"]["passages"] == {"train": 1, "test": 3}
    assert rows["paper"]["passages"] == {"train": 1, "test": 2}
    out = tmp_path / "out.json"
    arguments = ["export", "toy", "--protocol", "paper", "-o", str(out)]
    assert run(*arguments, "--format", "conversations") == 0
    assert [row["id"] for row in json.loads(out.read_text())] == ["toy_0", "toy_1"]
    assert run("export", "toy", "--format", "conll") == 0
    assert run.out == (
        "Rome\tB-location\n\nno\tO\n\nOslo\tB-location\nLima\tB-location\n\n"
    )
    assert run("export", "toy") == 0
    assert [json.loads(line)["text"] for line in run.out.splitlines()] == [
        "Rome",
        "no",
        "Oslo Lima",
    ]


def test_prepare_everything_that_is_found(run: Screen, raw: Path) -> None:
    assert run("prepare", "--from", str(raw), "--json") == 0
    assert {row["subset"] for row in run.rows()} == {"toy"}
    assert run("prepare", "--from", str(raw / ".." / "cards")) == 1
    assert "no files of any dataset" in run.err
    assert run("prepare") == 2


def test_one_failure_does_not_stop_the_others(run: Screen, raw: Path) -> None:
    assert run("prepare", "toy", "ace05", "--from", str(raw), "--json") == 1
    assert {row["subset"] for row in run.rows()} == {"toy"}
    assert run.err.startswith("Error: ace05: missing")


def test_check(run: Screen, raw: Path) -> None:
    assert run("check", "toy", "--json") == 0
    assert {row["state"] for row in run.rows()} == {"unavailable"}
    assert run("stats", "toy", "--from", str(raw), "--write") == 0
    assert "3 (2)" in run.out
    assert run("check", "toy", "--from", str(raw), "--json") == 0
    rows = {row["protocol"]: row for row in run.rows()}
    assert rows["corrected"]["state"] == "explained"
    assert rows["corrected"]["explained"] == {"one lost": "a test"}
    assert rows["paper"]["state"] == "ok"
    assert run("check", "toy") == 0
    assert "1/-/3, 1 types" in run.out
    assert "toy: one lost: a test" in run.out
    assert run("fingerprint", "toy", "--write", "--json") == 0
    assert {row["split"] for row in run.rows()} == {"train", "test"}
    assert run("check", "toy", "--protocol", "paper", "--json") == 0
    assert run.rows()[0]["state"] == "identical"
    (raw / "toy" / "test.txt").write_text(TEST + "\nmore\tO\n", "utf-8")
    assert run("check", "toy", "--from", str(raw)) == 1
    assert "test: 4 passages, the card expects 3" in run.out
    assert "Error: different from what is expected: toy" in run.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["check", "crosner"], "no subset, dataset or suite is called", id="name"
        ),
        pytest.param(["export", "toy"], "toy is not on this machine", id="not-here"),
        pytest.param(["export", "ace05"], "LDC2006T06", id="order"),
        pytest.param(["stats", "conllpp"], "--from DIR", id="stats"),
        pytest.param(["fingerprint", "conllpp"], "--from DIR", id="fingerprint"),
        pytest.param(
            ["export", "mini_law", "--labels", "longest"], "paraphrase:K", id="labels"
        ),
        pytest.param(["new", "My Corpus"], "lower-case", id="new"),
    ],
)
def test_one_line_says_what_is_wrong(
    run: Screen,
    raw: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.setenv("UNIBENCH_OFFLINE", "1")
    assert run(*arguments) == 1
    assert run.err.startswith("Error: ")
    assert message in run.err
    assert "Traceback" not in run.err


def test_fetch_says_what_failed(run: Screen, raw: Path) -> None:
    assert run("fetch", "mini") == 0
    assert "packaged" in run.out
    assert run("fetch", "crossner_ai", "--attempts", "1", "--json") == 1
    (row,) = run.rows()
    assert row["state"] == "failed"
    assert "raw.githubusercontent.com" in row["problem"]
    assert "crossner_ai: licence mit" in run.err
    assert run("fetch") == 2


def test_new_from_files(run: Screen, raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    arguments = ["new", "my_corpus", "--from", str(raw / "toy"), "-o", str(out)]
    assert run(*arguments) == 0
    card = yaml.safe_load((out / "dataset_cards" / "my_corpus.yaml").read_text())
    assert card["splits"] == {"train": "train.txt", "test": "test.txt"}
    made = yaml.safe_load((out / "label_maps" / "my_corpus.yaml").read_text())
    assert made["labels"]["LOC"]["name"] == "loc"
    assert run(*arguments) == 1
    assert "is there already" in run.err


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("a NN B-X\n", {"name": "columns", "separator": " "}, id="blanks"),
        pytest.param(
            "B-X\ta\n", {"name": "columns", "token": 1, "tag": 0}, id="tag-first"
        ),
        pytest.param("0\ta\tB-X\n", {"name": "columns", "token": 1}, id="index"),
        pytest.param("-DOCSTART-\tO\n\na\tB-X\n", {"name": "columns"}, id="tab"),
    ],
)
def test_new_guesses_the_columns(
    run: Screen, tmp_path: Path, content: str, expected: dict[str, Any]
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "valid.bio").write_text(content, "utf-8")
    assert run("new", "x", "--from", str(tmp_path / "files"), "-o", str(tmp_path)) == 0
    card = yaml.safe_load((tmp_path / "dataset_cards" / "x.yaml").read_text())
    assert card["format"] == expected
    assert card["splits"] == {"dev": "valid.bio"}
