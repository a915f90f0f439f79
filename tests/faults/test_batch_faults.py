"""The Batch API through the command line, and what a kill at each step repeats.

Each command runs in a process of its own (a fork of this one), which the server kills
with SIGKILL just before or just after it has done what was asked. Afterwards the
command is run again as a user would. Nothing may be lost, and the model may not have
worked twice for any request.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backends.batch_loopback import (
    BatchLoopback,
    Hook,
    batch_loopback,
    never_line,
    once,
)
from unibench.backends.store import ResponseStore
from unibench.cli import main

PEOPLE = ("Ann", "Bo", "Cy", "Di", "Ed")
FILES = {
    "dataset_cards/quay.yaml": """
title: Quay
domain: Transportation
license: CC0-1.0
homepage: https://example.org
citation: invented
sources: [{title: beside the card, path: quay}]
format: {name: columns}
splits: {test: test.tsv}
""",
    "dataset_cards/quay/test.tsv": "\n".join(
        f"{name}\tB-PER\nsang\tO\n.\tO\n" for name in PEOPLE
    ),
    "label_maps/quay.yaml": "labels: {PER: person}\n",
    "models/batched.yaml": """
adapter: json_types
backend: {name: openai, base_url: URL, retries: 0}
checkpoint: {id: batched, revision: "1"}
decoding: {max_tokens: 100}
""",
    "models/prices-mine.csv": (
        "model,input_usd,output_usd,batch_factor,as_of,source\n"
        "batched,10,100,0.5,2026-01-01,invented\n"
    ),
}


def answer(body: dict[str, Any]) -> str:
    """The name in the passage, as json_types asks for it."""
    content = str(body["messages"][-1]["content"])
    return json.dumps(
        {"person": [name for name in PEOPLE if f"{name} sang" in content]}
    )


@pytest.fixture
def server() -> Iterator[BatchLoopback]:
    with batch_loopback(answer) as loopback:
        yield loopback


@pytest.fixture
def shelf(
    server: BatchLoopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A dataset, a model and a price of the user's own."""
    for name, content in FILES.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.replace("URL", server.url), "utf-8")
    monkeypatch.setenv("UNIBENCH_PATH", str(tmp_path / "mine"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("unibench.backends.batch.send._LOOK_AGAIN_S", 0.01)
    from unibench.backends.prices import _table

    _table.cache_clear()
    return tmp_path


class Process:
    """A command in a process of its own; `pid` is what the server may kill."""

    pid = 0

    def run(self, *args: str) -> int:
        """Return the exit code, negative for the signal that ended it."""
        self.pid = os.fork()
        if not self.pid:
            self._command(args)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def _command(self, args: tuple[str, ...]) -> None:
        code = 70
        try:
            main(list(args))
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            os._exit(code)

    def kill(self) -> None:
        """End the process; it has no moment to tidy up."""
        os.kill(self.pid, signal.SIGKILL)
        time.sleep(0.05)  # so that it is gone before an answer could be sent


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(args))
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


EVALUATE = ("evaluate", "-m", "batched", "-d", "quay", "--batch")


def test_what_is_under_way_is_shown_and_not_asked_twice(
    shelf: Path, server: BatchLoopback, capsys: pytest.CaptureFixture[str]
) -> None:
    server.at_once = False
    code, out, err = run(capsys, *EVALUATE)
    assert code == 0, err
    assert "Answers not there yet: quay 5" in out
    assert "batch_1" in out
    assert "Run the same command again" in out
    assert not (shelf / "runs").exists()
    assert "in_progress" in run(capsys, "batches", "list")[1]

    code, _, err = run(capsys, *EVALUATE[:-1])  # the same one by one, too early
    assert (code, server.chats) == (1, 0)
    assert "5 of these requests are under way in batches already (batch_1)" in err
    _, out, _ = run(capsys, *EVALUATE[:-1], "--dry-run", "--json")
    total = json.loads(out)["total"]
    assert (total["under_way"], total["to_ask"]) == (5, 0)


def test_submit_leave_come_back_and_score(
    shelf: Path, server: BatchLoopback, capsys: pytest.CaptureFixture[str]
) -> None:
    server.at_once = False
    run(capsys, *EVALUATE)
    (batch,) = server.batches.values()
    server.finish(batch)
    code, out, err = run(capsys, *EVALUATE)
    assert code == 0, err
    assert "batch_1: completed, 5 of 5 answered" in err
    assert "Collected 5 answers now for $0.005" in out
    (path,) = (shelf / "runs").rglob("record.json")
    record = json.loads(path.read_text("utf-8"))
    counts = {"correct": 5, "predicted": 5, "gold": 5}
    assert record["scores"]["uniner"]["counts"] == counts
    assert record["tally"]["flags"] == {"batch": 5}
    # 5 times 100 and 10 tokens at half of 10 and 100 dollars a million
    assert record["usage"]["answers_usd"] == pytest.approx(5 * 0.001)

    _, out, _ = run(capsys, *EVALUATE[:-1], "--json")  # and the same answers do here
    (again,) = json.loads(out)["records"]
    assert again["scores"] == record["scores"]
    assert (server.chats, len(server.batches)) == (0, 1)
    assert run(capsys, "batches", "list")[1] == "No batch is under way.\n"
    (listed,) = json.loads(run(capsys, "batches", "list", "--all", "--json")[1])
    assert (listed["batch_id"], listed["answered"]) == ("batch_1", 5)


def test_answers_asked_one_by_one_are_not_sent_in_a_batch(
    shelf: Path, server: BatchLoopback, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, *EVALUATE[:-1], "--limit", "2")[0] == 0
    assert server.chats == 2
    assert run(capsys, *EVALUATE, "--wait", "--poll", "0.01")[0] == 0
    assert len(server.asked) == 3


def test_json_says_what_is_pending(
    shelf: Path, server: BatchLoopback, capsys: pytest.CaptureFixture[str]
) -> None:
    server.at_once = False
    _, out, _ = run(capsys, *EVALUATE, "--json", "--batch-requests", "3")
    shown = json.loads(out)
    assert shown["pending"] == [{"subset": "quay", "requests": 5, "missing": 5}]
    assert [b["requests"] for b in shown["batches"]["under_way"]] == [3, 2]
    assert shown["records"] == []


def test_the_budget_is_held_before_a_batch_is_sent(
    shelf: Path, server: BatchLoopback, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, *EVALUATE, "--budget", "0.001")
    assert (code, server.batches) == (1, {})
    assert "more than the budget of $0.001, so they were not sent" in err
    assert run(capsys, *EVALUATE, "--budget", "1", "--wait", "--poll", "0.01")[0] == 0


def test_the_budget_stops_a_run_and_goes_on(
    shelf: Path, server: BatchLoopback, capsys: pytest.CaptureFixture[str]
) -> None:
    # an answer costs 0.002; at worst 0.01 and 10 millionths a byte of its prompt
    code, _, err = run(capsys, *EVALUATE[:-1], "--budget", "0.02")
    assert code == 1
    assert 0 < server.chats < 5
    assert "the budget of $0.02 is used up: this run spent" in err
    assert f"{5 - server.chats} requests are not asked" in err
    assert server.chats * 0.002 <= 0.02
    assert run(capsys, *EVALUATE[:-1], "--budget", "1")[0] == 0
    assert server.chats == 5


def test_a_budget_needs_a_price(
    shelf: Path, server: BatchLoopback, capsys: pytest.CaptureFixture[str]
) -> None:
    for more in ((), ("--batch",)):
        code, _, err = run(
            capsys, "evaluate", "-m", "free", "--base-url", server.url, "-d", "quay",
            "--budget", "1", *more,
        )  # fmt: skip
        assert code == 1
        assert "no price is known for 'free'" in err
    assert not server.chats
    assert not server.batches


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param(("--wait",), "--wait needs --batch", id="wait"),
        pytest.param(("--batch-requests", "5"), "needs --batch", id="size"),
        pytest.param(("--batch", "--poll", "5"), "--poll needs --wait", id="poll"),
        pytest.param(("--budget", "0"), "0", id="budget"),
    ],
)
def test_options_that_make_no_sense(
    shelf: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], said: str
) -> None:
    code, _, err = run(capsys, *EVALUATE[:-1], *args)
    assert code == 2
    assert said in err


def test_batch_needs_a_server(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "evaluate", "-m", "spacy-en-sm", "-d", "quay", "--batch")
    assert code == 1
    assert "--batch needs a model behind an OpenAI-compatible server" in err


def test_a_batch_is_cancelled_and_one_that_is_lost_forgotten(
    shelf: Path, server: BatchLoopback, capsys: pytest.CaptureFixture[str]
) -> None:
    server.at_once = False
    run(capsys, *EVALUATE)
    code, out, err = run(capsys, "batches", "cancel", "batch_1", "-m", "batched")
    assert code == 0, err
    assert "batch_1 is cancelled" in out
    code, _, err = run(capsys, "batches", "cancel", "batch_x", "-m", "batched")
    assert (code, "no batch is called 'batch_x'" in err) == (1, True)
    code, out, _ = run(capsys, *EVALUATE)
    assert "5 requests were in batches that were cancelled" in out
    run(capsys, *EVALUATE)
    assert len(server.batches) == 2
    server.batches.clear()
    code, _, err = run(capsys, *EVALUATE)
    assert (code, "batches forget batch_2" in err) == (1, True)
    assert run(capsys, "batches", "forget", "batch_2")[0] == 0
    run(capsys, *EVALUATE)
    assert len(server.batches) == 1


STEPS = [
    pytest.param(when, step, id=f"{when}-{step}")
    for step in ("list", "upload", "create", "retrieve", "content")
    for when in ("before", "after")
]


def killing(process: Process) -> Hook:
    return once(lambda: process.kill())


@pytest.mark.parametrize(("when", "step"), STEPS)
def test_a_kill_at_any_step_loses_nothing_and_pays_nothing_twice(
    shelf: Path,
    server: BatchLoopback,
    when: str,
    step: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("unibench.cli.batch_options.GRACE_S", 0.1)
    process = Process()
    getattr(server, when)[step] = killing(process)
    command = (*EVALUATE, "--wait", "--poll", "0.01", "--batch-requests", "3")
    assert process.run(*command) == -signal.SIGKILL
    assert process.run(*command) == 0
    assert sorted(server.asked.values()) == [1] * 5
    created = [batch["request_counts"]["total"] for batch in server.batches.values()]
    assert sorted(created) == [2, 3]
    with ResponseStore() as store:
        assert len(store) == 5
    assert len(list((shelf / "runs").rglob("record.json"))) == 1
    assert not list((shelf / "cache" / "batches").rglob("*.jsonl*"))


def test_a_kill_while_answers_are_stored(
    shelf: Path, server: BatchLoopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the store and the ledger, and between the answers of one batch."""
    from unibench.backends.batch.ledger import BatchLedger

    monkeypatch.setattr("unibench.backends.batch.answers._CHUNK", 2)
    process = Process()
    settle = BatchLedger.settle

    def die(self: BatchLedger, *args: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    for broken in (die, die):
        monkeypatch.setattr(BatchLedger, "settle", broken)
        command = (*EVALUATE, "--wait", "--poll", "0.01")
        assert process.run(*command) == -signal.SIGKILL
    monkeypatch.setattr(BatchLedger, "settle", settle)
    with ResponseStore() as store:
        assert len(store) == 2
    assert process.run(*EVALUATE, "--wait", "--poll", "0.01") == 0
    assert sorted(server.asked.values()) == [1] * 5


def test_expired_requests_alone_are_asked_again(
    shelf: Path, server: BatchLoopback, capsys: pytest.CaptureFixture[str]
) -> None:
    server.at_once = False
    run(capsys, *EVALUATE)
    (batch,) = server.batches.values()
    first, *rest = server.requests_of(batch)
    errors = [never_line(line["custom_id"], "batch_expired") for line in rest]
    server.finish(batch, [server.work(first)], errors, "expired")
    _, _, err = run(capsys, *EVALUATE)
    assert "batch_1: expired, 1 of 5 answered" in err
    assert "sent 4 requests as batch_2" in err
    server.finish(server.batches["batch_2"])
    assert run(capsys, *EVALUATE)[0] == 0
    assert sorted(server.asked.values()) == [1] * 5


Write = Callable[..., Path]


def test_a_teacher_is_asked_in_batches_too(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from tests.distill.conftest import write_files
    from tests.distill.stub_teacher import good

    def teach(body: dict[str, Any]) -> str:
        return good(body["messages"][-1]["content"].partition("Passage: ")[2])

    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    label = ("distill", "label", "ships.yaml")
    with batch_loopback(teach) as server:
        url = ("--base-url", server.url)
        assert run(capsys, "distill", "passages", "ships.yaml")[0] == 0
        server.at_once = False
        code, out, err = run(capsys, *label, *url, "--batch")
        assert (code, "batch_1" in out) == (0, True), err
        code, out, err = run(capsys, *label, *url, "--batch", "--json")
        assert json.loads(out)["batches"]["under_way"][0]["requests"] == 60
        code, _, err = run(capsys, *label, *url)
        assert (code, "under way in batches already" in err) == (1, True)
        server.at_once = True
        code, out, err = run(capsys, *label, *url, "--batch", "--json")
        assert code == 0, err
        counts = json.loads(out)["counts"]
        assert (counts["answers"], counts["from_batches"]) == (60, 60)
        assert sorted(server.asked.values()) == [1] * 60
        assert server.chats == 0
    assert run(capsys, "distill", "filter", "ships.yaml")[0] == 0
