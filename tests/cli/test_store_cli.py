"""unibench store: from one machine to another, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unibench.backends.store import ResponseStore
from unibench.cli import main
from unibench.schema.query import Response, content_hash

CARDS = {
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
        "Ilse\tB-PER\nmoored\tO\nin\tO\nParis\tB-LOC\n.\tO\n\nNobody\tO\nwaved\tO\n"
    ),
    "label_maps/harbour.yaml": "labels: {PER: person, LOC: location}\n",
    "models/counted.yaml": """
adapter: callable
checkpoint: {id: counted, revision: "1"}
options: {function: "counted_answers:answer"}
""",
}
FUNCTION = """
from pathlib import Path
def answer(text, types):
    with Path(__file__).with_name("asked.txt").open("a") as asked:
        asked.write(text + "\\n")
    return [("location", "Paris")] if "Paris" in text else []
"""


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset and a model that writes down what it is asked."""
    for name, text in CARDS.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (tmp_path / "counted_answers.py").write_text(FUNCTION, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("UNIBENCH_PATH", str(tmp_path / "mine"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(args))
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def done(capsys: pytest.CaptureFixture[str], *args: str) -> Any:
    code, out, err = run(capsys, *args, "--json")
    assert code == 0, err
    return json.loads(out)


def test_another_machine_asks_nothing_again(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate = ("evaluate", "-m", "counted", "-d", "harbour", "-o")
    (first,) = done(capsys, *evaluate, "here")["records"]
    asked = (shelf / "asked.txt").read_text()
    assert first["usage"]["requests"] == len(asked.splitlines()) == 2
    file = "answers.jsonl.zst"
    assert done(capsys, "store", "export", file)["answers"] == 2
    monkeypatch.setenv("UNIBENCH_CACHE", str(shelf / "elsewhere"))
    assert done(capsys, "store", "import", file)["added"] == 2
    (second,) = done(capsys, *evaluate, "there")["records"]
    assert (second["usage"]["requests"], second["usage"]["reused"]) == (0, 2)
    assert (shelf / "asked.txt").read_text() == asked
    assert second["scores"] == first["scores"]


@pytest.fixture
def stored() -> dict[str, Response]:
    answers = {
        content_hash(i): Response("x", prompt_tokens=1000, model=f"m{i % 2}")
        for i in range(7)
    }
    with ResponseStore() as store:
        store.put(answers)
    return answers


def test_show(stored: object, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "store", "show")
    assert (code, err) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    assert rows[0][:2] == ["model", "answers"]
    assert [row[:4] for row in rows[2:5]] == [
        ["m0", "4", "4,000", "-"],
        ["m1", "3", "3,000", "-"],
        ["all", "7", "7,000", "-"],
    ]
    assert "responses.sqlite: " in out
    found = done(capsys, "store", "show")
    assert (found["version"], found["all"]["answers"]) == (2, 7)
    assert [row["model"] for row in found["models"]] == ["m0", "m1"]


def test_import_tells_what_became_of_every_line(
    stored: dict[str, Response], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "x.jsonl")
    code, out, _ = run(capsys, "store", "export", file, "-m", "m1")
    assert (code, out.partition(": ")[2][:9]) == (0, "3 answers")
    text = Path(file).read_text("utf-8").replace('"x"', '"y"', 1)
    Path(file).write_text(text, "utf-8")
    _, out, _ = run(capsys, "store", "import", file)
    assert "3 answers: 0 new, 2 already here" in out
    assert "1 requests had another answer here, which was kept" in out
    _, out, _ = run(capsys, "store", "import", file, "--replace")
    assert "1 other answers were replaced" in out
    _, out, _ = run(capsys, "store", "import", file)
    assert out == "3 answers: 0 new, 3 already here\n"


def test_a_broken_line_is_one_error(
    stored: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.jsonl").write_text("{}\n", "utf-8")
    code, out, err = run(capsys, "store", "import", str(tmp_path / "x.jsonl"))
    assert (code, out) == (1, "")
    assert err.startswith("Error: ")
    assert "x.jsonl: line 1 is no stored answer: " in err
    assert done(capsys, "store", "show")["all"]["answers"] == 7


def test_prune_says_first_and_deletes_then(
    stored: object, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "store", "prune", "-m", "m1", "--dry-run")
    assert code == 0
    assert "3 answers would be deleted; 7 are in the store" in out
    assert done(capsys, "store", "prune", "--older-than", "1")["answers"] == 0
    _, out, _ = run(capsys, "store", "prune", "-m", "m1", "--older-than", "0")
    assert "3 answers were deleted; 4 are in the store" in out
    assert [row["model"] for row in done(capsys, "store", "show")["models"]] == ["m0"]


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        pytest.param(["prune"], 2, "say which answers", id="nothing-chosen"),
        pytest.param(["prune", "-m", "m7"], 1, "called 'm7'.", id="unknown-model"),
        pytest.param(["import", "none.jsonl"], 2, "does not exist", id="no-file"),
        pytest.param(["export", "/no/such/x"], 1, "No such file", id="no-folder"),
    ],
)
def test_bad_input_is_one_error(
    stored: object,
    capsys: pytest.CaptureFixture[str],
    args: list[str],
    code: int,
    said: str,
) -> None:
    found, out, err = run(capsys, "store", *args)
    assert (found, out) == (code, "")
    assert said in err
    assert "Traceback" not in err


def test_check(stored: object, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "store", "check")
    assert (code, err) == (0, "")
    assert "7 of 7 can be read" in out
    with ResponseStore() as store, store.database() as db:
        db.execute("UPDATE responses SET response = x'00' WHERE id = 1")
    code, out, err = run(capsys, "store", "check", "--json")
    assert code == 1
    assert [row["state"] for row in json.loads(out)] == ["ok", "broken", "ok"]
    assert "is damaged: save what can be read" in err
