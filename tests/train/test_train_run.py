"""Training end to end on a tiny model, through the command line."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from unibench.cli import main
from unibench.errors import CardError, DataError, TrainingError
from unibench.train.job import Job, load_job
from unibench.train.log import CURVE, read_log
from unibench.train.output import TrainingRecord
from unibench.train.run import train

spec = importlib.util.spec_from_file_location(
    "tiny_models", Path(__file__).parent.parent / "backends" / "tiny_models.py"
)
assert spec is not None and spec.loader is not None
tiny = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tiny)

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")

SILENT: Any = lambda _: None  # noqa: E731


def run(*arguments: str) -> None:
    """Run a command line that must succeed."""
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert not end.value.code


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny LLaMA and its card."""
    folder = tmp_path_factory.mktemp("base")
    weights = tiny.save_llama(folder / "weights", length=512)
    card = {
        "adapter": "uniner",
        "backend": {"name": "transformers"},
        "checkpoint": {"id": str(weights)},
        "context_length": 512,
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(card))
    return path


def conversations(count: int = 10, *, empty: bool = False) -> str:
    rows = []
    for n in range(count):
        pairs = [("person", "[]" if empty else f'["Ada {n}"]'), ("city", "[]")]
        turns = [
            {"from": "human", "value": f"Text: Ada {n} lives here."},
            {"from": "gpt", "value": "I've read this text."},
        ]
        for name, answer in pairs:
            question = f"What describes {name} in the text?"
            turns += [
                {"from": "human", "value": question},
                {"from": "gpt", "value": answer},
            ]
        rows.append(json.dumps({"id": str(n), "conversations": turns}))
    return "\n".join(rows) + "\n"


def write_recipe(folder: Path, base: Path, **changed: Any) -> Path:
    values: dict[str, Any] = {
        "kind": "training",
        "title": "a tiny one",
        "base": str(base),
        "card": {
            "training_data": {"kind": "no_human_labels"},
            "decoding": {"max_tokens": 6},
        },
        "data": {"epochs": 2, "mixture": [{"file": "talks.jsonl"}]},
        "format": {"max_length": 400},
        "tuning": {"rank": 4, "alpha": 8},
        "optimizer": {"learning_rate": 0.01, "rows": 2, "precision": "float32"},
    }
    values |= changed
    (folder / "talks.jsonl").write_text(conversations())
    path = folder / "tiny-tuned.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def job(path: Path, folder: Path) -> Job:
    return load_job(str(path), folder / "trained")


def losses(done: Job) -> list[tuple[int, float | None]]:
    return [(row.step, row.loss) for row in read_log(done.work.path)]


def test_a_recipe_becomes_a_model_that_evaluate_loads_by_name(
    tmp_path: Path,
    base: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write_recipe(tmp_path, base)
    output = tmp_path / "trained"
    run("train", str(path), "-o", str(output), "--json")
    record = msgspec.json.decode(capsys.readouterr().out, type=TrainingRecord)
    done = job(path, tmp_path)
    assert record.data.counts["conversations.talks.jsonl"] == 20
    assert record.steps == record.steps_planned == len(losses(done))
    assert 0 < record.trained_parameters < record.parameters
    first, *_, last = losses(done)
    assert first[1] is not None and last[1] is not None and last[1] < first[1]
    assert done.work.file(CURVE).stat().st_size > 1000

    monkeypatch.setenv("UNIBENCH_PATH", str(output))
    runs = tmp_path / "runs"
    asked = ["-d", "mini_law", "--limit", "2"]
    run("evaluate", "-m", "tiny-tuned", *asked, "-o", str(runs), "--json")
    (row,) = json.loads(capsys.readouterr().out)["records"]
    assert row["model"]["name"] == "tiny-tuned"
    assert row["model"]["training_data"]["kind"] == "no_human_labels"

    before = done.weights.joinpath("adapter_model.safetensors").read_bytes()
    run("train", str(path), "-o", str(output))  # done already: nothing to do
    assert "steps" in capsys.readouterr().out
    assert done.weights.joinpath("adapter_model.safetensors").read_bytes() == before


@pytest.mark.slow
def test_full_tuning_writes_a_whole_checkpoint(tmp_path: Path, base: Path) -> None:
    done = job(write_recipe(tmp_path, base, tuning="full"), tmp_path)
    record = train(done, SILENT)
    assert record.trained_parameters == record.parameters
    assert (done.weights / "model.safetensors").is_file()
    assert (done.weights / "tokenizer.json").is_file()
    assert yaml.safe_load(done.card.read_text())["checkpoint"]["id"] == str(
        done.weights.resolve()
    )


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_curve(
    tmp_path: Path, base: Path
) -> None:
    whole = job(write_recipe(tmp_path, base), tmp_path)
    train(whole, SILENT)
    folder = tmp_path / "killed"
    folder.mkdir()
    path = write_recipe(folder, base)
    command = [sys.executable, "-m", "unibench", "train", str(path)]
    child = subprocess.Popen(
        [*command, "-o", str(folder / "trained")],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    killed = job(path, folder)
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline and child.poll() is None:
        if list(killed.checkpoints.glob("checkpoint-*/trainer_state.json")):
            child.send_signal(signal.SIGKILL)
            break
        time.sleep(0.01)
    child.communicate()
    train(killed, SILENT)
    assert [step for step, _ in losses(killed)] == [step for step, _ in losses(whole)]
    for (_, got), (_, wanted) in zip(losses(killed), losses(whole), strict=True):
        assert got == pytest.approx(wanted, abs=2e-4)


@pytest.mark.slow
def test_a_changed_recipe_is_refused_until_it_begins_again(
    tmp_path: Path, base: Path
) -> None:
    train(job(write_recipe(tmp_path, base), tmp_path), SILENT)
    changed = job(write_recipe(tmp_path, base, seed=1), tmp_path)
    with pytest.raises(TrainingError, match=r"recipe\.seed was 0 and is 1.*--again"):
        train(changed, SILENT)
    train(changed, SILENT, again=True)


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["loss", "f1"])
def test_the_best_weights_are_kept_and_training_ends_early(
    tmp_path: Path, base: Path, metric: str
) -> None:
    evaluation = {
        "subsets": ["conllpp"],
        "metric": metric,
        "limit": 2,
        "times": 4,
        "patience": 1,
    }
    prepare_conll(tmp_path)
    path = write_recipe(
        tmp_path,
        base,
        evaluation=evaluation,
        optimizer={"learning_rate": 1e-9, "rows": 2, "precision": "float32"},
    )
    done = job(path, tmp_path)
    record = train(done, SILENT)
    measured = [row for row in read_log(done.work.path) if row.dev is not None]
    # Weights that do not change do not get better: the first measure is the best.
    assert record.best_step == measured[0].step
    if metric == "f1":
        assert len(measured) == 2
        assert record.steps < record.steps_planned


def prepare_conll(folder: Path) -> None:
    """Prepare CoNLL++ from invented files in the official layout."""
    raw = folder / "raw" / "conllpp"
    raw.mkdir(parents=True)
    sentence = "-DOCSTART- -X- -X- O\n\nAda NNP B-NP B-PER\nsleeps VBZ B-VP O\n\n"
    sentence += "London NNP B-NP B-LOC\nrains VBZ B-VP O\n\n"
    for split in ("train", "dev", "test"):
        (raw / f"conllpp_{split}.txt").write_text(sentence)
    run("data", "prepare", "conllpp", "--from", str(raw.parent), "--accept-changed")


def test_empty_answers_only_are_refused(tmp_path: Path, base: Path) -> None:
    path = write_recipe(tmp_path, base)
    (tmp_path / "talks.jsonl").write_text(conversations(empty=True))
    with pytest.raises(TrainingError, match="every answer in the data is an empty"):
        train(job(path, tmp_path), SILENT)


def test_nothing_that_fits_is_refused(tmp_path: Path, base: Path) -> None:
    path = write_recipe(tmp_path, base, format={"max_length": 10})
    with pytest.raises(TrainingError, match=r"40 queries were longer"):
        train(job(path, tmp_path), SILENT)


def test_a_window_beyond_the_model_is_refused(tmp_path: Path, base: Path) -> None:
    path = write_recipe(tmp_path, base, format={"max_length": 513})
    with pytest.raises(TrainingError, match="reads at most 512"):
        train(job(path, tmp_path), SILENT)


def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path, base: Path) -> None:
    optimizer = {
        "learning_rate": 1e30,
        "warmup": 0,
        "rows": 2,
        "precision": "float32",
        "schedule": "constant_with_warmup",
    }
    path = write_recipe(tmp_path, base, optimizer=optimizer)
    with pytest.raises(TrainingError, match=r"loss is nan.*learning_rate"):
        train(job(path, tmp_path), SILENT)


def test_an_unprepared_subset_is_named(tmp_path: Path, base: Path) -> None:
    data = {"mixture": [{"subset": "ontonotes"}]}
    path = write_recipe(tmp_path, base, data=data)
    with pytest.raises(DataError, match="ontonotes"):
        train(job(path, tmp_path), SILENT)


def test_a_missing_file_of_conversations_is_named(tmp_path: Path, base: Path) -> None:
    data = {"mixture": [{"file": "none.jsonl"}]}
    path = write_recipe(tmp_path, base, data=data)
    with pytest.raises(DataError, match=r"none\.jsonl: there is no such file"):
        train(job(path, tmp_path), SILENT)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "distillation"}, "unibench distill"),
        ({"kind": "x"}, "no training recipe"),
        ({"data": {"mixture": [{"distilled": True}]}}, "names distilled data by file"),
        ({"method": "token_classification"}, "needs spans"),
        ({"optimizer": {"lr": 1}}, "lr"),
    ],
    ids=["distillation", "other kind", "distilled", "spans", "unknown key"],
)
def test_a_wrong_recipe_is_refused(
    tmp_path: Path, base: Path, changed: dict[str, Any], message: str
) -> None:
    path = write_recipe(tmp_path, base, **changed)
    with pytest.raises(CardError, match=message):
        job(path, tmp_path)
