"""The shipped small recipe with its real teacher, SmolLM2-135M, served over HTTP."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest
import yaml

from tests.distill.model_server import model_server
from unibench.adapters.load import build_backend, load_card
from unibench.distill.recipes import load_job, run_stage
from unibench.distill.work import STAGES, Progress
from unibench.resources import data_root
from unibench.schema.conversation import read_conversations
from unibench.schema.model_card import Decoding


@pytest.mark.slow
def test_all_stages_with_a_real_model_over_http(
    tmp_path: Path, shared_weights: None
) -> None:
    _, card = load_card("smollm2-135m-instruct")
    decoding = Decoding(max_tokens=48)
    card = msgspec.structs.replace(card, decoding=decoding)
    recipe = small_recipe(tmp_path / "recipe", decoding)
    with model_server(build_backend(card)) as server:
        job = load_job(str(recipe), tmp_path / "work", base_urls=[server.url])
        counts = {s: run_stage(s, job, Progress()).counts for s in STAGES}
        assert server.answered == 4
    assert counts["label"]["answer_tokens"] > 0
    assert counts["filter"]["answers"] == 4
    rows = list(read_conversations(tmp_path / "work" / "dataset" / "train.jsonl"))
    assert len(rows) == counts["filter"]["kept"] > 0


def small_recipe(folder: Path, decoding: Decoding) -> Path:
    """The shipped recipe with four short passages and short answers.

    A model of this size seldom ends its list, so cut lists are kept.
    """
    training = data_root() / "training"
    shutil.copytree(training / "small_corpus", folder / "small_corpus")
    values = yaml.safe_load((training / "small.yaml").read_text("utf-8"))
    values["passages"] |= {"sample": 4, "max_tokens": 40, "test_overlap": None}
    values["teacher"]["decoding"] = msgspec.to_builtins(decoding)
    values["filter"]["cut"] = "keep"
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(values), "utf-8")
    return path
