"""The commands end to end: plan, send, again, check, pull; and nothing that may not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.publish.conftest import SECRET_WORDS, MakeRun
from tests.publish.hub_stub import GUEST, OWNER, Fault, HubStub
from unibench.cli import main

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


class Outcome(NamedTuple):
    """What a command left: exit code and what it wrote."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def unibench(
    hub: HubStub,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Return a function that runs a command against the hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_ENDPOINT", hub.url)

    def run(*args: str, token: str = OWNER) -> Outcome:
        monkeypatch.setenv("HF_TOKEN", token)
        with pytest.raises(SystemExit) as stopped:
            main([str(arg) for arg in args])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert not token or token not in captured.out + captured.err
        return Outcome(int(stopped.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def runs(make_run: MakeRun, tmp_path: Path) -> str:
    """A folder with one run."""
    make_run()
    return str(tmp_path / "runs")


def test_a_dry_run_shows_every_file_and_only_reads(
    hub: HubStub, unibench: Run, runs: str, tmp_path: Path
) -> None:
    hub.make("owner/results")
    plan = tmp_path / "plan"
    told = unibench(
        "publish", "results", runs, "--repo", "owner/results", "--dry-run", "--json",
        "-o", str(plan),
    )  # fmt: skip
    assert told.code == 0
    rows = json.loads(told.out)
    for row in rows:
        assert (plan / row["path"]).stat().st_size == row["bytes"]
        assert row["state"] == "new"
    assert {sent.method for sent in hub.log} == {"GET"}


def test_nothing_is_sent_without_yes(hub: HubStub, unibench: Run, runs: str) -> None:
    hub.make("owner/results")
    told = unibench("publish", "results", runs, "--repo", "owner/results")
    assert told.code == 2
    assert "nothing was sent: add --yes" in told.err
    assert {sent.method for sent in hub.log} == {"GET"}


def test_dry_run_wins_over_yes(hub: HubStub, unibench: Run, runs: str) -> None:
    hub.make("owner/results")
    told = unibench(
        "publish", "results", runs, "--repo", "owner/results", "--yes", "--dry-run"
    )
    assert told.code == 0
    assert {sent.method for sent in hub.log} == {"GET"}


def test_a_dry_run_needs_no_hub_and_no_token(
    unibench: Run, runs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    told = unibench("publish", "results", runs, "--repo", "a/b", "--dry-run", token="")
    assert told.code == 0
    assert "Every file is shown as new" in told.err
    assert "leaderboard.parquet" in told.out


def test_from_runs_to_a_leaderboard(
    hub: HubStub, unibench: Run, runs: str, tmp_path: Path
) -> None:
    to_results = ("publish", "results", runs, "--repo", "owner/results", "--yes")
    missing = unibench(*to_results)
    assert missing.code == 1
    assert "--create" in missing.err
    assert unibench(*to_results, "--create", "--predictions").code == 0
    assert "nothing was sent" in unibench(*to_results, "--predictions").out

    benchmark = ("publish", "benchmark", "-d", "freecorpus", "--repo", "owner/bench")
    assert unibench(*benchmark, "--create", "--yes").code == 0
    assert "eval.yaml" in hub.repos["dataset", "owner/bench"].files()
    assert unibench(*benchmark, "--yes").out.count("nothing was sent") == 2

    space = (
        "publish", "space", "--repo", "owner/board", "--results", "owner/results",
        "--no-printed",
    )  # fmt: skip
    assert unibench(*space, "--create", "--yes").code == 0
    assert "nothing was sent" in unibench(*space, "--yes").out

    hub.make("guest/ner", "model")
    model = (
        "publish", "model", runs, "--repo", "guest/ner", "--benchmark", "owner/bench",
        "--results", "owner/results", "--yes",
    )  # fmt: skip
    assert "/discussions/1" in unibench(*model).out
    assert "nothing was sent" in unibench(*model).out

    assert "1 ok" in unibench("publish", "check", runs).err
    assert unibench("publish", "check", "--repo", "owner/results").code == 0
    out = tmp_path / "pulled"
    pulled = unibench(
        "leaderboard", "pull", "--repo", "owner/results", "-o", str(out), "--json"
    )
    assert json.loads(pulled.out)["runs"] == 1
    assert len(list(out.rglob("record.json"))) == 1


def test_a_stranger_proposes_and_the_maintainer_checks(
    hub: HubStub, unibench: Run, runs: str
) -> None:
    repo = hub.make("owner/results")
    words = ("publish", "results", runs, "--repo", "owner/results", "--yes")
    refused = unibench(*words, token=GUEST)
    assert refused.code == 1
    assert "--pr" in refused.err
    proposed = unibench(*words, "--pr", "--predictions", token=GUEST)
    assert proposed.code == 0
    assert unibench(*words, "--pr", "--predictions", token=GUEST).code == 0
    assert len(repo.proposals) == 1
    check = ("publish", "check", "--repo", "owner/results", "--pr", "1", "--json")
    checked = unibench(*check, token="")
    assert [row["verdict"] for row in json.loads(checked.out)] == ["ok"]
    # Somebody meddles with the proposal: the check is an error.
    files = dict(repo.files("refs/pr/1")) | {"x.py": b""}
    repo.commit(files, repo.at("refs/pr/1"), "more", "refs/pr/1")
    assert unibench(*check, token="").code == 1


def test_predictions_go_to_a_gated_repository_only(
    hub: HubStub, unibench: Run, runs: str
) -> None:
    hub.make("owner/results")
    closed = hub.make("owner/predictions")
    words = (
        "publish", "results", runs, "--repo", "owner/results", "--yes",
        "--predictions-repo", "owner/predictions",
    )  # fmt: skip
    refused = unibench(*words)
    assert refused.code == 1
    assert "is not gated" in refused.err
    assert not hub.sent("POST", "/commit/")
    assert unibench(*words, "--gate").code == 0
    assert closed.gated
    assert any(path.startswith("predictions/") for path in closed.files())
    open_files = hub.repos["dataset", "owner/results"].files()
    assert not any(path.startswith("predictions/") for path in open_files)


def test_a_dry_run_of_the_benchmark_shows_the_tasks_too(
    hub: HubStub, unibench: Run, runs: str, tmp_path: Path
) -> None:
    words = ("publish", "benchmark", "-d", "freecorpus", "--repo", "owner/bench")
    told = unibench(*words, "--dry-run", "--json", "-o", str(tmp_path / "plan"))
    assert {row["path"] for row in json.loads(told.out)} == {
        "README.md", "LICENSES.md", "manifest.json", "freecorpus/test.parquet",
    }  # fmt: skip
    assert "new" in told.err
    assert "eval.yaml" in told.err
    assert (tmp_path / "plan" / "eval.yaml").is_file()
    assert {sent.method for sent in hub.log} == {"GET"}


def test_eval_yaml_that_the_hub_refuses_is_a_warning(
    hub: HubStub, unibench: Run, runs: str
) -> None:
    hub.make("owner/bench")
    hub.faults.append(Fault("POST", "/commit/", 200))  # the data pass
    hub.faults.append(Fault("POST", "/commit/", 400))  # eval.yaml does not
    told = unibench(
        "publish", "benchmark", "-d", "freecorpus", "--repo", "owner/bench", "--yes"
    )
    assert told.code == 0
    assert "eval.yaml was not taken" in told.err
    assert "manifest.json" in hub.repos["dataset", "owner/bench"].files()


SENT, REFUSED = 0, 1
COMMANDS = [
    (SENT, "results {runs} --repo owner/x --create --predictions"),
    (SENT, "results {runs} --repo owner/x --create --predictions-repo owner/p --gate"),
    (SENT, "results {runs} --repo owner/y --pr --predictions"),
    (SENT, "model {runs} --repo guest/ner --benchmark o/b --results owner/r"
           " --model-index"),
    (SENT, "space {runs} --repo owner/s --create --no-printed"),
    (REFUSED, "benchmark --repo owner/b --create -d closedcorpus"),
    (REFUSED, "benchmark --repo owner/b --create -d hospitalcorpus"),
    (REFUSED, "benchmark --repo owner/b --create -d silentcorpus"),
    (REFUSED, "model --weights {runs} --repo owner/w --create --license mit"),
    (REFUSED, "dataset {runs} --repo owner/d --create"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "command"), COMMANDS, ids=[words for _, words in COMMANDS]
)
@pytest.mark.parametrize("subset", ["closedcorpus", "hospitalcorpus", "silentcorpus"])
def test_no_command_sends_text_that_may_not_be_published(
    hub: HubStub,
    unibench: Run,
    make_run: MakeRun,
    tmp_path: Path,
    code: int,
    command: str,
    subset: str,
) -> None:
    make_run(subset)
    hub.make("guest/ner", "model")
    hub.make("owner/y")
    runs = str(tmp_path / "runs")
    unibench("publish", "results", runs, "--repo", "owner/r", "--create", "--yes")
    words = [word.format(runs=runs) for word in command.split()]
    assert unibench("publish", *words, "--yes").code == code
    for repo in hub.repos.values():
        for tree, _ in repo.commits.values():
            for path, content in tree.items():
                assert not contains_text(path, content), path
    for blob in hub.blobs.values():
        assert not contains_text("blob.gz", blob)


def contains_text(path: str, content: bytes) -> bool:
    """Whether a published file holds a word of the corpora, packed or not."""
    import gzip

    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    if content.startswith(b"PAR1"):
        import io

        import pyarrow.parquet

        table = pyarrow.parquet.read_table(io.BytesIO(content))
        content = repr(table.to_pylist()).encode()
    return any(word.encode() in content for word in SECRET_WORDS)


def test_the_search_for_text_finds_it() -> None:
    import gzip

    from unibench.publish.benchmark.tables import split_bytes
    from unibench.schema.text import Passage

    assert contains_text("x", gzip.compress(b"... Zorvath ..."))
    assert contains_text("x", split_bytes([Passage("1", "Nobody came.")]))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("results", "--repo", "a/b"), "name the runs, or say --rebuild"),
        (("results", "--rebuild", "--pr", "--repo", "a/b"), "the owner says --rebuild"),
        (("model", "--repo", "a/b"), "name the runs, --benchmark and --results"),
        (("export", "-o", "x"), "name the runs to export"),
        (("check",), "name runs, or --repo"),
        (("check", "--pr", "3"), "name runs, or --repo"),
        (("results", "--rebuild", "--repo", "nobody", "--dry-run"), "OWNER/NAME"),
    ],
)
def test_wrong_usage_is_told(unibench: Run, words: tuple[str, ...], said: str) -> None:
    told = unibench("publish", *words)
    assert told.code in {1, 2}
    assert said in told.err


def test_export_writes_files(unibench: Run, runs: str, tmp_path: Path) -> None:
    told = unibench("publish", "export", runs, "-o", str(tmp_path / "e"), "--json")
    for row in json.loads(told.out):
        assert Path(row["path"]).stat().st_size == row["bytes"]


@pytest.mark.slow
def test_in_a_process_of_its_own_with_the_variables_a_user_sets(
    hub: HubStub, runs: str
) -> None:
    environment = {**os.environ, **hub.environment()}
    command = [
        sys.executable, "-m", "unibench", "publish", "results", runs, "--repo",
        "owner/results", "--create", "--yes", "--json",
    ]  # fmt: skip
    first, second = (
        subprocess.run(command, env=environment, capture_output=True, text=True)
        for _ in range(2)
    )
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["sent"] is True
    assert json.loads(second.stdout)["sent"] is False
    assert OWNER not in first.stdout + first.stderr


def test_a_token_is_in_no_file_that_was_sent(
    hub: HubStub, unibench: Run, runs: str
) -> None:
    unibench("publish", "results", runs, "--repo", "owner/results", "--create", "--yes")
    for sent in hub.log:
        assert OWNER.encode() not in sent.body
        assert OWNER not in sent.path
