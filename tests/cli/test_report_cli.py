"""The report commands, from run folders to what they print and write."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from unibench.cli.report import COMMANDS, command
from unibench.errors import RunError, UnknownNameError
from unibench.runner.store import run_folder, write_run
from unibench.schema.record import (
    DataIdentity,
    Environment,
    ModelIdentity,
    RunRecord,
    Tally,
    Usage,
)
from unibench.schema.score import Counts, Interval, Score


def record(model: str, subset: str, correct: int, **changes: Any) -> RunRecord:
    made = RunRecord(
        unibench_version="0.1.0", scoring_version=1, created="2026-01-01T00:00:00",
        model=ModelIdentity(name=model, adapter="a", backend="b", checkpoint="c",
                            card_sha256="d"),
        data=DataIdentity(dataset=subset, subset=subset, split="test",
                          protocol="corrected", domain="General", access="open",
                          license="mit", fingerprint="f", card_sha256="c",
                          label_map_sha256="l"),
        entity_types=("person",),
        scores={
            name: Score(profile=name, profile_version=1,
                        counts=Counts(correct, 100, 100),
                        by_type={"person": Counts(correct, 100, 100)},
                        interval=Interval(correct / 100 - 0.02, correct / 100 + 0.02))
            for name in ("uniner", "partial", "strict_span")
        },
        tally=Tally(passages=5, queries=10), usage=Usage(seconds=2.0, requests=10),
        environment=Environment(command="x", python="3.11", platform="p", hardware="h"),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    for model, subset, correct in (
        ("a", "mit_movie", 40), ("b", "mit_movie", 60), ("a", "crossner_ai", 50),
    ):  # fmt: skip
        made = record(model, subset, correct)
        write_run(run_folder(folder, model, made.data, limit=None, labels="natural"),
                  made, [])  # fmt: skip
    return folder


def report(*arguments: Any) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_an_example(name: str) -> None:
    result = report(name, "--help")
    assert result.exit_code == 0
    assert "Example:" in result.output


def test_help_lists_all_without_importing_them() -> None:
    output = report("--help").output
    assert all(name in output for name in COMMANDS)


def test_table_as_csv(runs: Path) -> None:
    result = report("table", runs, "-d", "mit_movie", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["model"], row["uniner_f1"]) for row in rows] == [
        ("a", "40.0"),
        ("b", "60.0"),
    ]


@pytest.mark.parametrize(
    ("style", "best"),
    [("text", "60.0*"), ("markdown", "**60.0**"), ("latex", "{60.0}")],
)
def test_table_marks_the_best(runs: Path, style: str, best: str) -> None:
    assert best in report("table", runs, "-d", "mit_movie", "--format", style).stdout


def test_table_by_type_and_by_model_as_json(runs: Path) -> None:
    types = json.loads(
        report("table", runs, "--by", "type", "-m", "b", "--json").stdout
    )
    assert [row["type"] for row in types] == ["person"]
    models = report("table", runs, "--by", "model", "--no-printed", "--format", "json")
    rows = json.loads(models.stdout)
    assert {row["model"]: row["covers"] for row in rows} == {"a": "2/2", "b": "1/2"}


def test_table_of_printed_figures_needs_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    output = report("table", "--by", "model", "-d", "ood_7").stdout
    assert "UniNER-13B-type" in output


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        pytest.param(["-d", "mitmovie"], UnknownNameError, "Did you mean 'mit_movie'",
                     id="subset"),
        pytest.param(["-m", "c"], UnknownNameError, "no model among these runs",
                     id="model"),
        pytest.param(["--profile", "gner"], UnknownNameError,
                     "no profile in these runs", id="profile"),
    ],
)  # fmt: skip
def test_a_wrong_choice_is_one_clear_error(
    runs: Path, arguments: list[str], error: type[Exception], message: str
) -> None:
    result = report("table", runs, *arguments)
    assert isinstance(result.exception, error)
    assert message in str(result.exception)


def test_no_runs_is_an_error(tmp_path: Path) -> None:
    result = report("table", tmp_path)
    assert isinstance(result.exception, RunError)
    assert "holds no record.json" in str(result.exception)


def test_a_record_of_another_version_is_an_error(runs: Path) -> None:
    path = next(runs.rglob("record.json"))
    path.write_text(
        path.read_text().replace('"record_version": 1', '"record_version": 9')
    )
    result = report("leaderboard", runs, "-o", runs / "site")
    assert isinstance(result.exception, RunError)
    assert "is a record of version 9" in str(result.exception)


def test_two_records_of_one_cell_are_told_on_stderr(runs: Path) -> None:
    newer = record("a", "mit_movie", 45, created="2026-02-01T00:00:00")
    write_run(runs / "again", newer, [])
    result = report("table", runs, "-d", "mit_movie", "-m", "a", "--format", "csv")
    assert "a newer run of 2026-02-01T00:00:00 replaces it" in result.stderr
    assert next(csv.DictReader(io.StringIO(result.stdout)))["uniner_f1"] == "45.0"


def test_chart_and_paper_and_leaderboard(runs: Path, tmp_path: Path) -> None:
    assert report("chart", runs, "-o", tmp_path / "c", "--by", "subset").exit_code == 0
    assert (tmp_path / "c.svg").stat().st_size > 1000
    made = report("paper", runs, "-o", tmp_path / "p", "--only", "table2")
    assert made.exit_code == 0
    assert "measured,a," in (tmp_path / "p" / "table2.csv").read_text()
    board = report("leaderboard", runs, "-o", tmp_path / "s")
    assert board.exit_code == 0
    assert (tmp_path / "s" / "models" / "a.html").is_file()


def test_a_leaderboard_of_nothing_is_wrong_usage(tmp_path: Path) -> None:
    result = report("leaderboard", "-o", tmp_path, "--no-printed")
    assert result.exit_code == 2
    assert "there is nothing to show" in result.stderr


def test_errors_of_mini_are_drawn_and_changed_predictions_refused(
    tmp_path: Path,
) -> None:
    from unibench.data.api import load_prepared
    from unibench.schema.query import Prediction

    prepared = load_prepared("mini_general", "test")
    made = record("a", "mini_general", 40)
    made = msgspec.structs.replace(made, data=prepared.identity)
    rows = [
        Prediction(p.id, prepared.entity_types, p.mentions[:1])
        for p in prepared.passages
    ]
    written = write_run(tmp_path / "run", made, rows)
    result = report("errors", tmp_path / "run", "-o", tmp_path / "pages")
    assert result.exit_code == 0, result.exception
    assert (tmp_path / "pages" / "data" / "0.js").is_file()
    path = Path(written.path).parent / "predictions.jsonl"
    path.write_text(path.read_text() + "\n")
    again = report("errors", tmp_path / "run", "-o", tmp_path / "pages")
    assert "has changed since its record was written" in str(again.exception)
