"""Cards are found in the package, on UNIBENCH_PATH and by path; clashes are errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from unibench import resources
from unibench.errors import CardError, UnknownNameError


def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> Path:
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / f"{name}.yaml"
    path.write_text("adapter: x\n", "utf-8")
    monkeypatch.setenv("UNIBENCH_PATH", str(tmp_path))
    return path


def test_a_card_of_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = own_folder(tmp_path, monkeypatch, "mine")
    assert resources.find("models", "mine", "model") == path


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("a: 1\n", "utf-8")
    assert resources.find("models", str(path), "model") == path


def test_a_missing_path_is_named() -> None:
    with pytest.raises(CardError, match=r"no/such\.yaml: there is no such file"):
        resources.find("models", "no/such.yaml", "model")


def test_a_clash_names_both_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_folder(tmp_path, monkeypatch, "spacy-en-sm")
    with pytest.raises(CardError, match="stands in two places"):
        resources.files("models")


def test_an_unknown_model_suggests() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'spacy-en-sm'"):
        resources.find("models", "spacy-en-md", "model")


def test_a_path_that_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNIBENCH_PATH", "/no/such/folder")
    with pytest.raises(CardError, match="UNIBENCH_PATH names '/no/such/folder'"):
        resources.files("models")
