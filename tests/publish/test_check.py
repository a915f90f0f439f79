"""Checks of proposals and repositories: what is right, unverified, and wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.publish.conftest import MakeRun
from tests.publish.hub_stub import GUEST, HubStub
from tests.publish.test_hub_faults import Connect
from unibench.publish.files import Repo
from unibench.publish.hub.send import propose, publish
from unibench.publish.results.check import (
    Finding,
    check_local,
    check_proposal,
    check_repository,
)
from unibench.publish.results.gather import gather
from unibench.publish.results.plan import plan_results, plan_runs, proposal_title
from unibench.publish.results.pull import pull, read_runs
from unibench.publish.results.runs import run_file
from unibench.runner.recount import recount
from unibench.runner.store import find_runs
from unibench.schema.record import RunRecord
from unibench.schema.score import Counts

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
REPO = Repo("owner/results", "dataset")


def verdicts(findings: list[Finding]) -> list[str]:
    return [finding.verdict for finding in findings]


def proposed(
    hub: HubStub, connect: Connect, *records: RunRecord, predictions: bool = True
) -> None:
    hub.make(REPO.id)
    runs = gather(records, predictions=predictions).runs
    propose(
        connect(GUEST),
        REPO,
        lambda s: plan_runs(s, runs),
        title=proposal_title(runs),
    )


def checked(connect: Connect) -> list[Finding]:
    here = connect("")
    revision = "refs/pr/1"
    before = here.snapshot(REPO, here.base_of(REPO, revision))
    return check_proposal(before, here.snapshot(REPO, revision), recount)


def inflated(record: RunRecord) -> RunRecord:
    """A record that claims a better score than its predictions give."""
    counts = Counts(3.0, predicted=3, gold=3)
    score = record.scores["uniner"]
    by_type = {"person": Counts(1.0, 1, 1), "place": Counts(2.0, 2, 2)}
    better = msgspec.structs.replace(score, counts=counts, by_type=by_type)
    return msgspec.structs.replace(record, scores={**record.scores, "uniner": better})


def test_a_good_proposal_is_scored_again(
    hub: HubStub, connect: Connect, make_run: MakeRun
) -> None:
    proposed(hub, connect, make_run(), make_run("silentcorpus"))
    findings = checked(connect)
    assert verdicts(findings) == ["ok", "ok"]
    assert "the same under partial, strict_span, uniner" in findings[0].what


def test_a_claim_that_its_predictions_do_not_give(
    hub: HubStub, connect: Connect, make_run: MakeRun
) -> None:
    proposed(hub, connect, inflated(make_run()))
    (finding,) = checked(connect)
    assert finding.verdict == "wrong"
    assert "give F1 85.71, the record says 100.00" in finding.what


def test_what_cannot_be_told_is_unverified(
    hub: HubStub, connect: Connect, make_run: MakeRun
) -> None:
    proposed(hub, connect, make_run(), make_run("closedcorpus"), predictions=False)
    findings = checked(connect)
    assert verdicts(findings) == ["unverified", "unverified"]
    assert "without predictions" in findings[0].what


def test_another_scoring_version_is_unverified(
    hub: HubStub, connect: Connect, make_run: MakeRun
) -> None:
    proposed(hub, connect, make_run(scoring_version=7))
    (finding,) = checked(connect)
    assert finding.verdict == "unverified"
    assert "scoring version 7" in finding.what


def test_predictions_that_leave_queries_out(make_run: MakeRun) -> None:
    record = make_run()
    folder = Path(record.path).parent / "predictions.jsonl"
    folder.write_bytes(b"".join(folder.read_bytes().splitlines(keepends=True)[:2]))
    (finding,) = check_local(record, recount)
    assert finding.verdict == "wrong"


def test_a_run_of_this_machine_is_checked_before_it_is_proposed(
    make_run: MakeRun,
) -> None:
    assert verdicts(check_local(make_run(), recount)) == ["ok"]
    (finding,) = check_local(make_run(model_revision=""), recount)
    assert finding.verdict == "wrong"
    assert "not pinned" in finding.what


Meddle = Callable[[dict[str, bytes], RunRecord], None]


def meddle_with_index(files: dict[str, bytes], record: RunRecord) -> None:
    files["leaderboard.jsonl"] = b"{}\n"


def delete_a_run(files: dict[str, bytes], record: RunRecord) -> None:
    del files[run_file(record).path]


def change_a_run(files: dict[str, bytes], record: RunRecord) -> None:
    files[run_file(record).path] += b" "


def add_a_script(files: dict[str, bytes], record: RunRecord) -> None:
    files["results.py"] = b"print()"


def add_a_run_elsewhere(files: dict[str, bytes], record: RunRecord) -> None:
    files["runs/a.json"] = run_file(record).read()


def add_nothing(files: dict[str, bytes], record: RunRecord) -> None:
    return


@pytest.mark.parametrize(
    ("meddle", "said"),
    [
        (meddle_with_index, "may not change or delete"),
        (delete_a_run, "may not change or delete"),
        (change_a_run, "may not change or delete"),
        (add_a_script, "neither a run nor the predictions"),
        (add_a_run_elsewhere, "no path of a run"),
        (add_nothing, "adds no run"),
    ],
)
def test_what_a_proposal_may_not_do(
    hub: HubStub, connect: Connect, make_run: MakeRun, meddle: Meddle, said: str
) -> None:
    record = make_run()
    runs = gather([record]).runs
    publish(connect(), REPO, lambda s: plan_results(s, runs, name=REPO.id), create=True)
    repo = hub.repos["dataset", REPO.id]
    files = dict(repo.files())
    meddle(files, record)
    repo.commit(files, repo.at("main"), "bad", "refs/pr/1")
    findings = checked(connect)
    assert any(f.verdict == "wrong" and said in f.what for f in findings), findings


def test_a_proposal_is_compared_with_where_it_started(
    hub: HubStub, connect: Connect, make_run: MakeRun
) -> None:
    proposed(hub, connect, make_run())
    later = gather([make_run("silentcorpus")]).runs
    publish(connect(), REPO, lambda s: plan_results(s, later, name=REPO.id))
    assert verdicts(checked(connect)) == ["ok"]  # main has moved; that is no deletion


def test_a_repository_whose_aggregates_do_not_follow(
    hub: HubStub, connect: Connect, make_run: MakeRun
) -> None:
    runs = gather([make_run()], predictions=True).runs
    publish(connect(), REPO, lambda s: plan_results(s, runs, name=REPO.id), create=True)
    snapshot = connect("").snapshot(REPO)
    assert verdicts(check_repository(snapshot, recount)) == ["ok"] * 3
    repo = hub.repos["dataset", REPO.id]
    files = dict(repo.files())
    files["leaderboard.jsonl"] = files["leaderboard.jsonl"].replace(b"0.85", b"0.95")
    files["predictions/x.jsonl.gz"] = b""
    repo.commit(files, repo.at("main"), "meddled", "main")
    found = {
        f.path: f.verdict for f in check_repository(connect("").snapshot(REPO), recount)
    }
    assert found["leaderboard.jsonl"] == "wrong"
    assert found["leaderboard.parquet"] == "ok"
    assert found["predictions/x.jsonl.gz"] == "wrong"
    publish(connect(), REPO, lambda s: plan_results(s, [], name=REPO.id, rebuild=True))
    after = connect("").snapshot(REPO)
    assert json.loads(after.read("leaderboard.jsonl"))["subset"] == "freecorpus"


# --- pulling ------------------------------------------------------------------------


def test_pulled_runs_are_those_that_were_published(
    hub: HubStub, connect: Connect, make_run: MakeRun, tmp_path: Path
) -> None:
    records = [make_run(), make_run("silentcorpus")]
    runs = gather(records).runs
    publish(connect(), REPO, lambda s: plan_results(s, runs, name=REPO.id), create=True)
    repo = hub.repos["dataset", REPO.id]
    files = dict(repo.files())
    files["runs/../../evil.json"] = b"{}"
    files["runs/x/y/z-0123456789abcdef.json"] = b"{}"
    repo.commit(files, repo.at("main"), "evil", "main")
    out = tmp_path / "a" / "pulled"
    pulled = pull(connect("").snapshot(REPO), out)
    assert (len(pulled.records), pulled.written) == (2, 2)
    assert len(pulled.refused) == 2
    assert not list(tmp_path.glob("**/evil*"))
    found = list(find_runs([out]))
    assert {r.subset for r in found} == {"freecorpus", "silentcorpus"}
    assert {r.strict for r in found} == {r.strict for r in records}
    assert pull(connect("").snapshot(REPO), out).written == 0


def test_read_runs_of_an_empty_repository(hub: HubStub, connect: Connect) -> None:
    hub.make(REPO.id)
    assert read_runs(connect("").snapshot(REPO)).records == ()
