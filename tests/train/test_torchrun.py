"""A recipe under torchrun: two processes with FSDP train the model of one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.backends.tiny_models import save_llama
from unibench.train.job import load_job
from unibench.train.log import read_log

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),
]

ROWS = 12
"""Conversations: three steps of four."""
WAYS = {
    "full": {"tuning": "full", "checkpointing": True},
    "lora": {"tuning": {"rank": 4, "alpha": 8}, "checkpointing": False},
}


def write_job(folder: Path, name: str, way: dict[str, Any], processes: int) -> Path:
    """A recipe whose step takes four rows, however many processes share them."""
    values = {
        "kind": "training",
        "title": name,
        "base": str(folder / "base.yaml"),
        "data": {"mixture": [{"file": "talks.jsonl"}]},
        "format": {"max_length": 400, "packing": False},
        "tuning": way["tuning"],
        "optimizer": {
            "learning_rate": 0.01,
            "warmup": 0,
            "rows": 4 // processes,
            "precision": "float32",
            "checkpointing": way["checkpointing"],
            "sharding": "fsdp",
        },
        "card": {"training_data": {"kind": "no_human_labels"}},
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny LLaMA, its card, and conversations."""
    pytest.importorskip("trl", reason="needs unibench[train]")
    made = tmp_path_factory.mktemp("torchrun")
    weights = save_llama(made / "base", length=512)
    card = {
        "adapter": "uniner",
        "backend": {"name": "transformers"},
        "checkpoint": {"id": str(weights)},
    }
    (made / "base.yaml").write_text(yaml.safe_dump(card))
    with (made / "talks.jsonl").open("w") as file:
        for n in range(ROWS):
            turns = [f"Text: Ann {n} met Bo.", "I've read this text."]
            turns += ["What describes person in the text?", json.dumps([f"Ann {n}"])]
            speakers = ["human", "gpt", "human", "gpt"]
            told = [
                {"from": who, "value": what}
                for who, what in zip(speakers, turns, strict=True)
            ]
            file.write(json.dumps({"id": str(n), "conversations": told}) + "\n")
    return made


def launch(path: Path, output: Path, processes: int) -> str:
    """Train in so many processes; return what was printed."""
    program = [sys.executable, "-m"]
    if processes > 1:
        program += ["torch.distributed.run", "--standalone", "--nproc-per-node"]
        program += [str(processes), "-m"]
    done = subprocess.run(
        [*program, "unibench", "train", str(path), "-o", str(output), "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("way", sorted(WAYS))
def test_two_processes_train_the_model_of_one(folder: Path, way: str) -> None:
    from safetensors.torch import load_file

    found: dict[int, Any] = {}
    for processes in (1, 2):
        path = write_job(folder, f"{way}-{processes}", WAYS[way], processes)
        output = folder / f"out-{way}-{processes}"
        record = json.loads(launch(path, output, processes))  # one process answers
        assert (record["processes"], record["steps"]) == (processes, 3)
        job = load_job(str(path), output)
        (weights,) = job.weights.glob("*.safetensors")
        curve = [row.loss for row in read_log(job.work.path)]
        found[processes] = record, curve, load_file(weights)
        assert job.card.is_file()
    (one, curve, weights), (two, other_curve, other) = found[1], found[2]
    for name in ("parameters", "trained_parameters"):
        assert one[name] == two[name]
    assert other_curve == pytest.approx(curve, abs=1e-4)
    assert other.keys() == weights.keys()
    for name, values in weights.items():
        assert other[name].shape == values.shape
        assert (other[name] - values).abs().max() < 1e-4, name
    if way == "full":
        is_whole(job.weights)


def is_whole(weights: Path) -> None:
    """Check that transformers reads a checkpoint without a missing key."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    _, report = AutoModelForCausalLM.from_pretrained(weights, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert len(AutoTokenizer.from_pretrained(weights)) > 0
