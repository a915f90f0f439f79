"""Records are written with their predictions and read back, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from unibench.errors import RunError
from unibench.runner.store import (
    find_runs,
    own_folder,
    read_predictions,
    read_record,
    run_folder,
    write_run,
)
from unibench.schema.prepared import PreparedSet
from unibench.schema.query import Prediction
from unibench.schema.record import Environment, ModelIdentity, RunRecord
from unibench.schema.score import Counts, Score
from unibench.schema.text import Mention


def record(prepared: PreparedSet) -> RunRecord:
    counts = Counts(1, 2, 2)
    return RunRecord(
        unibench_version="0", scoring_version=1, created="2026-01-01T00:00:00+00:00",
        model=ModelIdentity(
            name="m", adapter="a", backend="b", checkpoint="c", card_sha256="d"
        ),
        data=prepared.identity,
        entity_types=prepared.entity_types,
        scores={
            name: Score(profile=name, profile_version=1, counts=counts)
            for name in ("uniner", "partial")
        },
        environment=Environment(command="", python="", platform="", hardware=""),
    )  # fmt: skip


PREDICTION = Prediction(
    id="p0", entity_types=("person",), mentions=(Mention("person", "Ann"),)
)


def test_a_run_is_read_back_as_written(tmp_path: Path, prepared: PreparedSet) -> None:
    written = write_run(tmp_path / "m" / "tiny", record(prepared), [PREDICTION])
    (found,) = find_runs([tmp_path])
    assert found == written
    assert found.strict == Counts(1, 2, 2)
    assert read_predictions(found) == [PREDICTION]
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("model", "limit", "expected"),
    [
        pytest.param("uniner-7b", None, "uniner-7b/tiny-test", id="name"),
        pytest.param("./my/m.yaml", 40, "my-m/tiny-test-first40", id="path"),
        pytest.param("Qwen/Qwen3-8B", None, "Qwen-Qwen3-8B/tiny-test", id="hub-id"),
        pytest.param("../..", None, "model/tiny-test", id="no-way-up"),
    ],
)
def test_run_folders(
    model: str, limit: int | None, expected: str, prepared: PreparedSet
) -> None:
    folder = run_folder(
        Path("runs"), model, prepared.identity, limit=limit, labels="natural"
    )
    assert folder == Path("runs") / expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"{", "is no run record", id="cut"),
        pytest.param(b'{"record_version": 99}', "record of version 99", id="newer"),
        pytest.param(
            b'{"record_version": 1}', "missing required field", id="incomplete"
        ),
    ],
)
def test_a_bad_record_is_named(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(RunError, match=expected):
        read_record(path)


def test_a_changed_card_does_not_replace_the_old_run(
    tmp_path: Path, prepared: PreparedSet
) -> None:
    folder = tmp_path / "m" / "tiny"
    assert own_folder(folder, "d" * 64) == folder
    write_run(folder, record(prepared), [PREDICTION])
    assert own_folder(folder, "d") == folder
    assert own_folder(folder, "e" * 64) == tmp_path / "m" / "tiny-eeeeeeee"
    (folder / "record.json").write_text("{", "utf-8")
    assert own_folder(folder, "e" * 64) == folder


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        RunError, match=r"holds no record\.json; run 'unibench evaluate"
    ):
        list(find_runs([tmp_path]))
