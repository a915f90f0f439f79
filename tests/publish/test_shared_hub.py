"""The same way from runs to a leaderboard against another stand-in for the Hub.

That one was written apart from ours and from this code, proves itself against the real
clients, and ranks results as the Hub does. It lies beside the real raw files and not in
the project, so the test is skipped where it is absent.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.publish.conftest import MakeRun
from unibench.publish.benchmark.manifest import build
from unibench.publish.benchmark.plan import plan_benchmark, plan_eval
from unibench.publish.files import Repo
from unibench.publish.hub.client import Hub
from unibench.publish.hub.send import Sent, propose, publish
from unibench.publish.model.eval_results import FILE
from unibench.publish.model.propose import TITLE, plan_scores, scores_for
from unibench.publish.results.check import check_proposal, check_repository
from unibench.publish.results.gather import gather
from unibench.publish.results.plan import plan_results, plan_runs, proposal_title
from unibench.runner.recount import recount
from unibench.schema.record import RunRecord

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]
RESULTS = Repo("alice/results", "dataset")
BENCH = Repo("alice/bench", "dataset")
MODEL = Repo("alice/ner", "model")


@pytest.fixture(scope="module")
def stand_in(real_data: Path) -> ModuleType:
    """The module of the other stand-in."""
    path = real_data.parent.parent / "tools" / "loopback_hub.py"
    if not path.is_file():
        pytest.skip("no other stand-in for the Hub lies beside the raw files")
    spec = importlib.util.spec_from_file_location("shared_loopback_hub", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def other_hub(
    stand_in: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with stand_in.LoopbackHub(tmp_path / "hub", benchmarks=[BENCH.id]) as hub:
        yield hub


def add(alice: Hub, record: RunRecord) -> Sent:
    runs = gather([record], predictions=True).runs
    return publish(
        alice, RESULTS, lambda s: plan_results(s, runs, name=RESULTS.id), create=True
    )


def test_from_runs_to_the_hub_s_own_leaderboard(
    other_hub: Any, make_run: MakeRun
) -> None:
    alice, bob = Hub(other_hub.url, "hf_alice"), Hub(other_hub.url, "hf_bob")
    record = make_run(checkpoint=MODEL.id)
    assert add(alice, record).commit is not None
    assert add(alice, record).commit is None

    built = [build("freecorpus", "corrected")]
    publish(alice, BENCH, lambda s: plan_benchmark(s, built, {}, BENCH.id), create=True)
    publish(alice, BENCH, lambda s: plan_eval(s, (), ("freecorpus",)))
    alice.create(MODEL)
    scores = scores_for(
        MODEL.id, [record], benchmark=BENCH.id, results=alice.snapshot(RESULTS),
        model_index=True,
    )  # fmt: skip
    for _ in range(2):
        sent = propose(bob, MODEL, lambda s: plan_scores(s, scores), title=TITLE)
        assert sent.page.endswith("/discussions/1")
    (ranked,) = alice.api.get_dataset_leaderboard(BENCH.id)
    assert (ranked.model_id, ranked.value) == (MODEL.id, 85.71)
    assert ranked.filename == FILE
    assert ranked.pull_request == 1


def test_a_proposal_checked_merged_and_taken_in(
    other_hub: Any, make_run: MakeRun
) -> None:
    alice, bob = Hub(other_hub.url, "hf_alice"), Hub(other_hub.url, "hf_bob")
    add(alice, make_run(checkpoint=MODEL.id))
    runs = gather([make_run(checkpoint="bob/ner")], predictions=True).runs
    title = proposal_title(runs)
    propose(bob, RESULTS, lambda s: plan_runs(s, runs), title=title)
    reference = "refs/pr/1"
    base = alice.snapshot(RESULTS, alice.base_of(RESULTS, reference))
    (found,) = check_proposal(base, alice.snapshot(RESULTS, reference), recount)
    assert found.verdict == "ok", found.what
    alice.api.merge_pull_request(RESULTS.id, 1, repo_type="dataset")
    publish(alice, RESULTS, lambda s: plan_results(s, [], name=RESULTS.id))
    findings = check_repository(alice.snapshot(RESULTS), recount)
    assert {finding.verdict for finding in findings} == {"ok"}
    assert not [r for r in other_hub.requests if r.origin == "store" and r.authorized]


def test_a_commit_that_happened_although_it_failed(
    other_hub: Any, stand_in: ModuleType, make_run: MakeRun
) -> None:
    other_hub.faults.append(stand_in.Fault("POST", r"/commit/", 503, after=True))
    alice = Hub(other_hub.url, "hf_alice")
    add(alice, make_run())
    assert len(other_hub.sent("POST", r"/commit/")) == 1
