"""`unibench distill`: the five commands, what they print and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.distill.conftest import write_files
from tests.distill.stub_teacher import stub_teacher
from unibench.cli import main
from unibench.distill.recipes import read_recipe
from unibench.resources import files


def unibench(*arguments: str) -> int:
    """Run the command line; return its exit code."""
    with pytest.raises(SystemExit) as end:
        main(["distill", *arguments])
    return int(end.value.code or 0)


def test_a_whole_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert unibench("passages", "ships.yaml") == 0
    shown = capsys.readouterr()
    assert "passages: documents: 120 documents" in shown.err
    assert "by source: logs" in shown.out
    assert "distilled/ships/passages.jsonl" in shown.out

    assert unibench("label", "ships.yaml", "--dry-run") == 0
    assert capsys.readouterr().out.startswith("60 requests, 0 of them stored; about ")
    with stub_teacher(0.3) as teacher:
        assert unibench("label", "ships.yaml", "--base-url", teacher.url) == 0
    assert unibench("filter", "ships.yaml", "--json") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out[shown.out.index("{") :])["counts"]["answers"] == 60

    assert unibench("stats", "ships.yaml") == 0
    shown = capsys.readouterr()
    assert "types by frequency" in shown.out
    assert "distilled/ships/types.png" in shown.out
    assert unibench("stats", "ships.yaml", "--json") == 0
    assert json.loads(capsys.readouterr().out)["all"]["pairs"] > 30

    assert unibench("conversations", "ships.yaml") == 0
    assert "distilled/ships/dataset/README.md" in capsys.readouterr().out
    assert unibench("conversations", "ships.yaml") == 0
    assert "conversations: done before, on 20" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("passages", "pile_ner_typo"), "Did you mean 'pile_ner_type'", id="name"
        ),
        pytest.param(("passages", "no.yaml"), "there is no such file", id="path"),
        pytest.param(
            ("passages", "pile_ner_type"), "corpus 'pile': no file is called", id="pile"
        ),
        pytest.param(("filter", "ships.yaml"), "'label' is not done yet", id="order"),
    ],
)
def test_errors_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert unibench(*arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert message in error


def test_a_corpus_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(tmp_path / "here")
    (tmp_path / "here" / "corpus").rename(tmp_path / "corpus")
    monkeypatch.chdir(tmp_path)
    recipe = str(tmp_path / "here" / "ships.yaml")
    assert unibench("passages", recipe, "--corpus", str(tmp_path), "-o", "w") == 0
    assert (tmp_path / "w" / "passages.jsonl").exists()


RECIPES = {
    name: path
    for name, path in files("training").items()
    if "kind: distillation" in path.read_text("utf-8")
}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_shipped_recipe_is_right(name: str) -> None:
    recipe = read_recipe(RECIPES[name])
    assert recipe.passages is not None
    assert recipe.teacher is not None
    assert recipe.teacher.model in files("models")


@pytest.mark.parametrize(
    ("name", "prompt"),
    [("pile_ner_type", "types"), ("pile_ner_definition", "definitions")],
)
def test_the_papers_recipes_say_what_the_paper_says(name: str, prompt: str) -> None:
    recipe = read_recipe(RECIPES[name])
    assert recipe.passages is not None
    assert recipe.teacher is not None
    assert (recipe.passages.sample, recipe.passages.max_tokens) == (50_000, 256)
    assert recipe.teacher.prompt == prompt
    assert recipe.conversations.negatives.strategy == "frequency"
    assert yaml.safe_load(RECIPES[name].read_text("utf-8"))["kind"] == "distillation"
