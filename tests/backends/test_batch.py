"""The Batch API: what is sent, collected, sent again, and never sent twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backends.batch_loopback import (
    BatchLoopback,
    bad_line,
    batch_loopback,
    cut_off,
    good_line,
    never_line,
    once,
    refuse,
)
from unibench.backends.batch.answers import BATCHED
from unibench.backends.batch.files import Limits
from unibench.backends.batch.ledger import BatchLedger
from unibench.backends.batch.queue import Ask
from unibench.backends.batch.run import BatchRun, BatchStatus, refuse_under_way
from unibench.backends.batch.send import BatchOptions
from unibench.backends.openai import OpenAIBackend
from unibench.backends.prices import Price
from unibench.backends.store import ResponseStore
from unibench.errors import BackendError, RunError
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Message, Prompt, content_hash

PRICE = Price(input_usd=10, output_usd=100, batch_factor=0.5, as_of="2026-01-01")
SCHEMA = {"type": "object"}


def shout(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"]).upper()


@pytest.fixture
def server() -> Iterator[BatchLoopback]:
    with batch_loopback(shout) as loopback:
        yield loopback


@pytest.fixture
def store() -> Iterator[ResponseStore]:
    with ResponseStore() as opened:
        yield opened


def asks(*words: str, schema: dict[str, Any] | None = None) -> list[Ask]:
    return [
        Ask(content_hash(w), Prompt((Message("user", w),), schema=schema), (1000, 100))
        for w in words
    ]


def visit(
    server: BatchLoopback,
    store: ResponseStore,
    wanted: list[Ask],
    *,
    backend: dict[str, Any] | None = None,
    notes: list[str] | None = None,
    **options: Any,
) -> BatchStatus:
    card = ModelCard(
        adapter="json_types",
        checkpoint=Checkpoint(id="test/model"),
        backend={"name": "openai", "base_url": server.url, "retries": 0}
        | (backend or {}),
    )
    chosen = BatchOptions(**{"poll_s": 0.01, "grace_s": 0.05} | options)
    told = [] if notes is None else notes
    run = BatchRun(OpenAIBackend(card), store, PRICE, chosen, told.append)
    return run.run(lambda: iter(wanted))


def texts(store: ResponseStore, wanted: list[Ask]) -> list[str | None]:
    found = store.get([ask.key for ask in wanted])
    return [found[ask.key].text if ask.key in found else None for ask in wanted]


def test_submit_leave_come_back_collect(
    server: BatchLoopback, store: ResponseStore
) -> None:
    server.at_once = False
    wanted = asks("a", "b", "c")
    first = visit(server, store, wanted)
    assert (first.sent, len(first.under_way), first.finished) == (3, 1, False)
    (batch,) = server.batches.values()
    (line, *_) = server.requests_of(batch)
    assert line["custom_id"] == wanted[0].key
    assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")
    assert line["body"]["model"] == "test/model"
    assert line["body"]["messages"] == [{"role": "user", "content": "a"}]
    assert batch["completion_window"] == "24h"

    again = visit(server, store, wanted)
    assert (again.sent, len(again.under_way)) == (0, 1)

    server.finish(batch)
    done = visit(server, store, wanted)
    assert (done.collected, done.unanswered, done.finished) == (3, 0, True)
    assert texts(store, wanted) == ["A", "B", "C"]
    answer = store.get([wanted[0].key])[wanted[0].key]
    assert (answer.prompt_tokens, answer.completion_tokens) == (100, 10)
    assert answer.flags == (BATCHED,)
    assert done.cost_usd == pytest.approx(3 * (100 * 5 + 10 * 50) / 1e6)
    assert visit(server, store, wanted).sent == 0
    assert len(server.batches) == 1


def test_waiting_collects_in_one_visit(
    server: BatchLoopback, store: ResponseStore
) -> None:
    wanted = asks("a", "b")
    status = visit(server, store, wanted, wait=True)
    assert (status.finished, status.collected) == (True, 2)


@pytest.mark.parametrize(
    ("limits", "sizes"),
    [
        pytest.param(Limits(2, 10**6), [2, 2, 1], id="requests"),
        pytest.param(Limits(10, 520), [2, 2, 1], id="bytes"),
        pytest.param(Limits(50_000, 200_000_000), [5], id="the-api's"),
    ],
)
def test_files_hold_what_the_api_takes(
    server: BatchLoopback, store: ResponseStore, limits: Limits, sizes: list[int]
) -> None:
    wanted = asks("a", "b", "c", "d", "e")
    status = visit(server, store, wanted, limits=limits, wait=True)
    assert status.collected == 5
    batches = [server.requests_of(batch) for batch in server.batches.values()]
    assert [len(batch) for batch in batches] == sizes
    for batch in server.batches.values():
        assert len(server.files[batch["input_file_id"]]) <= limits.bytes


def test_a_request_larger_than_a_file_is_an_error(
    server: BatchLoopback, store: ResponseStore
) -> None:
    with pytest.raises(RunError, match="is larger than a batch file may be"):
        visit(server, store, asks("a" * 600), limits=Limits(10, 500))
    assert not server.batches


def test_equal_requests_are_sent_once(
    server: BatchLoopback, store: ResponseStore
) -> None:
    wanted = asks("a", "b", "a", "c", "b", "a")
    visit(server, store, wanted, wait=True, limits=Limits(1, 10**6))
    assert server.asked == {ask.key: 1 for ask in wanted}


def test_stored_answers_are_not_sent(
    server: BatchLoopback, store: ResponseStore
) -> None:
    visit(server, store, asks("a"), wait=True)
    assert visit(server, store, asks("a", "b"), wait=True).sent == 1


END = [
    pytest.param("completed", id="left-out"),
    pytest.param("expired", id="expired"),
]


@pytest.mark.parametrize("status", END)
def test_what_is_missing_is_sent_again(
    server: BatchLoopback, store: ResponseStore, status: str
) -> None:
    server.at_once = False
    wanted, notes = asks("a", "b", "c"), list[str]()
    visit(server, store, wanted)
    (batch,) = server.batches.values()
    first, *rest = server.requests_of(batch)
    errors = [never_line(rest[0]["custom_id"], f"batch_{status}")]
    server.finish(batch, [server.work(first)], errors, status)
    server.at_once = True
    done = visit(server, store, wanted, wait=True, notes=notes)
    assert texts(store, wanted) == ["A", "B", "C"]
    assert (done.sent, done.collected) == (2, 3)
    assert set(server.asked.values()) == {1}
    assert f"batch_1: {status}, 1 of 3 answered" in notes[0]


def test_what_somebody_cancelled_is_sent_by_the_next_visit(
    server: BatchLoopback, store: ResponseStore
) -> None:
    server.at_once = False
    wanted = asks("a", "b")
    visit(server, store, wanted)
    (batch,) = server.batches.values()
    first = server.requests_of(batch)[0]
    server.finish(batch, [server.work(first)], status="cancelled")
    status = visit(server, store, wanted, wait=True)
    assert (status.collected, status.cancelled, status.sent) == (1, 1, 0)
    assert not status.finished
    server.at_once = True
    assert visit(server, store, wanted, wait=True).sent == 1
    assert texts(store, wanted) == ["A", "B"]


def test_a_batch_that_is_not_accepted_is_one_clear_error(
    server: BatchLoopback, store: ResponseStore
) -> None:
    server.at_once = False
    wanted = asks("a")
    visit(server, store, wanted)
    (batch,) = server.batches.values()
    said = {"code": "model_not_found", "message": "no model m", "line": 1}
    batch |= {"status": "failed", "errors": {"object": "list", "data": [said]}}
    with pytest.raises(BackendError, match=r"not accept batch_1.*line 1: no model"):
        visit(server, store, wanted)
    server.at_once = True
    assert visit(server, store, wanted, wait=True).collected == 1


def test_a_full_queue_is_met_with_smaller_batches(
    server: BatchLoopback, store: ResponseStore
) -> None:
    """The account may have 2 requests waiting; larger batches fail."""
    said = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}

    def room() -> None:
        for batch in server.batches.values():
            total = batch["request_counts"]["total"]
            if batch["status"] == "in_progress" and total > 2:
                batch |= {"status": "failed", "errors": {"data": [said]}}

    server.before["retrieve"] = room
    wanted = asks(*"abcdefgh")
    status = visit(server, store, wanted, wait=True)
    assert status.finished
    assert texts(store, wanted) == list("ABCDEFGH")
    assert set(server.asked.values()) == {1}
    sizes = [b["request_counts"]["total"] for b in server.batches.values()]
    assert sizes == [8, 4, 2, 2, 2, 2]


def test_a_request_that_is_always_refused_is_given_up(
    server: BatchLoopback, store: ResponseStore
) -> None:
    def refuse_b() -> None:
        for batch in server.batches.values():
            if batch["status"] == "in_progress":
                lines = server.requests_of(batch)
                good = [r for r in lines if r["body"]["messages"][0]["content"] != "b"]
                bad = [r["custom_id"] for r in lines if r not in good]
                errors = [bad_line(key, 400, "bad prompt", "nope") for key in bad]
                server.finish(batch, [server.work(r) for r in good], errors)

    server.before["retrieve"] = refuse_b
    wanted = asks("a", "b")
    with pytest.raises(
        BackendError,
        match=r"1 requests failed in 3 batches each .*bad prompt \(nope\).*without --b",
    ):
        visit(server, store, wanted, wait=True)
    assert texts(store, wanted) == ["A", None]
    assert len(server.batches) == 3
    with pytest.raises(BackendError, match="failed in 3 batches"):
        visit(server, store, wanted)
    assert len(server.batches) == 3


def test_a_prompt_that_is_too_long_has_that_as_its_answer(
    server: BatchLoopback, store: ResponseStore
) -> None:
    server.at_once = False
    wanted = asks("a")
    visit(server, store, wanted)
    (batch,) = server.batches.values()
    line = bad_line(wanted[0].key, 400, "too long", "context_length_exceeded")
    server.finish(batch, [], [line])
    assert visit(server, store, wanted).finished
    assert store.get([wanted[0].key])[wanted[0].key].finish_reason == "prompt_too_long"


def test_a_refused_schema_is_left_out_next_time(
    server: BatchLoopback, store: ResponseStore
) -> None:
    def no_schema() -> None:
        for batch in server.batches.values():
            lines = server.requests_of(batch)
            if batch["status"] == "in_progress" and "response_format" in str(lines):
                said = "response_format is not supported"
                errors = [bad_line(r["custom_id"], 400, said) for r in lines]
                server.finish(batch, [], errors)

    server.before["retrieve"] = no_schema
    wanted = asks("a", schema=SCHEMA)
    auto = {"structured_output": "auto"}
    visit(server, store, wanted, backend=auto, wait=True)
    answer = store.get([wanted[0].key])[wanted[0].key]
    assert answer.flags == ("structured_output_unsupported", BATCHED)
    assert len(server.batches) == 2

    wanted = asks("x", schema=SCHEMA)
    server.before.clear()
    visit(server, store, wanted, backend=auto, wait=True)
    answer = store.get([wanted[0].key])[wanted[0].key]
    assert answer.flags == ("structured_output", BATCHED)


def odd_files(server: BatchLoopback, batch: dict[str, Any]) -> None:
    """Two good answers among everything that does not belong into a file."""
    first, second, third = server.requests_of(batch)
    repeated = json.loads(server.work(first))
    repeated["response"]["body"]["choices"][0]["message"]["content"] = "other"
    empty = json.loads(good_line(third["custom_id"], ""))
    empty["response"]["body"]["choices"] = []
    server.finish(
        batch,
        [
            good_line(first["custom_id"], "A"),
            json.dumps(repeated),
            "{broken",
            '"a text"',
            good_line("e" * 64, "whose?"),
            good_line("not-a-key", "whose?"),
            json.dumps(empty),
            server.work(second),
        ],
        [bad_line(first["custom_id"], 500, "late"), "\ufffd"],
    )


def test_odd_lines_are_counted_and_kept_and_lose_nothing(
    server: BatchLoopback, store: ResponseStore, tmp_path: Path
) -> None:
    server.at_once = False
    wanted, notes = asks("a", "b", "c"), list[str]()
    visit(server, store, wanted)
    (batch,) = server.batches.values()
    odd_files(server, batch)
    server.at_once = True
    status = visit(server, store, wanted, notes=notes)
    assert texts(store, wanted) == ["A", "B", None]
    (told, *_) = notes
    assert "3 unreadable lines" in told
    assert "2 lines with an unknown id" in told
    assert "2 lines with an id that came before" in told
    assert "1 refused" in told
    kept = list((tmp_path / "cache" / "batches").rglob("kept/*.jsonl"))
    assert len(kept) == 2
    assert str(kept[0].parent) in told
    assert (status.sent, status.collected, status.unanswered) == (1, 2, 1)
    # what the useless answer cost is counted too
    assert (status.prompt_tokens, status.completion_tokens) == (300, 30)
    assert visit(server, store, wanted).finished
    assert texts(store, wanted) == ["A", "B", "C"]


def test_a_file_that_breaks_on_the_way_is_fetched_again(
    server: BatchLoopback, store: ResponseStore
) -> None:
    server.before["content"] = once(lambda: (200, b'{"custom_id": "ab'))
    wanted = asks("a")
    status = visit(server, store, wanted, wait=True)
    assert status.finished
    assert set(server.asked.values()) == {1}


def test_answers_that_the_store_lost_are_collected_again(
    server: BatchLoopback, store: ResponseStore, tmp_path: Path
) -> None:
    wanted, notes = asks("a", "b"), list[str]()
    visit(server, store, wanted, wait=True)
    with ResponseStore(tmp_path / "new.sqlite") as empty:
        status = visit(server, empty, wanted, notes=notes)
        assert texts(empty, wanted) == ["A", "B"]
    assert (status.sent, status.collected) == (0, 2)
    assert set(server.asked.values()) == {1}
    assert notes[0].startswith("answers of batch_1 are not in the store any more")


def test_a_batch_that_the_server_lost_is_not_sent_again_silently(
    server: BatchLoopback, store: ResponseStore
) -> None:
    server.at_once = False
    wanted = asks("a")
    visit(server, store, wanted)
    server.batches.clear()
    with pytest.raises(BackendError, match="batches forget batch_1"):
        visit(server, store, wanted)
    assert not server.batches


LATER = [
    pytest.param("before", refuse(503, "busy"), 0, id="busy-before"),
    pytest.param("after", refuse(503, "busy"), 1, id="busy-after"),
    pytest.param("before", cut_off, 0, id="cut-before"),
    pytest.param("after", cut_off, 1, id="cut-after"),
]


@pytest.mark.parametrize(("when", "hook", "exists"), LATER)
def test_a_creation_without_an_answer_is_looked_for(
    server: BatchLoopback,
    store: ResponseStore,
    when: str,
    hook: Any,
    exists: int,
) -> None:
    getattr(server, when)["create"] = once(hook)
    wanted, notes = asks("a"), list[str]()
    if exists:
        visit(server, store, wanted, notes=notes, wait=True)
        assert any("it was created: batch_1" in note for note in notes)
    else:
        with pytest.raises(BackendError):
            visit(server, store, wanted, notes=notes)
        assert not server.batches
        visit(server, store, wanted, wait=True)
    assert texts(store, wanted) == ["A"]
    assert server.calls.count("create") == 2 - exists
    assert len(server.batches) == 1


def test_a_batch_that_was_created_twice_is_cancelled_once(
    server: BatchLoopback, store: ResponseStore
) -> None:
    def twice() -> None:
        (batch,) = server.batches.values()
        copy = {k: v for k, v in batch.items() if k not in {"id", "status"}}
        server.create(copy)
        cut_off()

    server.at_once = False
    server.after["create"] = once(twice)
    notes: list[str] = []
    visit(server, store, asks("a"), notes=notes)
    statuses = [batch["status"] for batch in server.batches.values()]
    assert statuses == ["in_progress", "cancelled"]
    assert any("created it twice; batch_2 was cancelled" in note for note in notes)


@pytest.mark.parametrize("step", ["list", "retrieve", "content", "upload"])
def test_a_busy_server_is_asked_again(
    server: BatchLoopback, store: ResponseStore, step: str
) -> None:
    server.before[step] = once(refuse(503, "busy"))
    wanted = asks("a")
    visit(server, store, wanted, wait=True, backend={"retries": 1})
    assert texts(store, wanted) == ["A"]
    assert len(server.batches) == 1


@pytest.mark.parametrize(
    ("step", "status", "said"),
    [
        pytest.param("list", 404, "offers no Batch API .* run it without", id="none"),
        pytest.param("upload", 400, "too large", id="upload"),
        pytest.param("create", 400, "too large", id="create"),
        pytest.param("create", 429, "too large", id="quota"),
    ],
)
def test_a_refusal_is_said_and_leaves_nothing_behind(
    server: BatchLoopback,
    store: ResponseStore,
    step: str,
    status: int,
    said: str,
    tmp_path: Path,
) -> None:
    server.before[step] = once(refuse(status, "too large"))
    wanted = asks("a")
    with pytest.raises(BackendError, match=said):
        visit(server, store, wanted)
    assert visit(server, store, wanted, wait=True).finished
    assert server.asked == {wanted[0].key: 1}
    assert not list((tmp_path / "cache").rglob("*.jsonl*"))


def test_another_process_is_kept_out(
    server: BatchLoopback, store: ResponseStore
) -> None:
    seen: list[bool] = []
    with ResponseStore() as other:

        def meanwhile() -> Iterator[Ask]:
            with pytest.raises(RunError, match="another process works"):
                visit(server, other, asks("b"))
            seen.append(True)
            yield from asks("a")

        card = ModelCard(
            adapter="json_types",
            checkpoint=Checkpoint(id="test/model"),
            backend={"name": "openai", "base_url": server.url},
        )
        run = BatchRun(OpenAIBackend(card), store, None, BatchOptions(), print)
        assert run.run(meanwhile).sent == 1
    assert seen


def test_what_is_under_way_is_not_asked_one_by_one(
    server: BatchLoopback, store: ResponseStore
) -> None:
    server.at_once = False
    wanted = asks("a", "b")
    refuse_under_way([ask.key for ask in wanted])
    visit(server, store, wanted[:1])
    with pytest.raises(RunError, match=r"1 of these requests are under .*\(batch_1\)"):
        refuse_under_way([ask.key for ask in wanted])
    refuse_under_way([wanted[1].key])


def test_what_was_never_sent_may_be_asked_one_by_one(
    server: BatchLoopback, store: ResponseStore
) -> None:
    """A run that ended before the upload has left a prepared batch behind."""
    server.before["upload"] = refuse(400, "no")
    wanted = asks("a")
    with pytest.raises(BackendError):
        visit(server, store, wanted)
    refuse_under_way([wanted[0].key])


def test_requests_at_another_server_are_not_sent_to_this_one(
    server: BatchLoopback, store: ResponseStore
) -> None:
    server.at_once = False
    visit(server, store, asks("a", "b"))
    with batch_loopback(shout) as other:
        notes: list[str] = []
        status = visit(other, store, asks("a", "b", "c", "c"), notes=notes)
        assert (status.sent, len(other.asked)) == (1, 0)
    assert "2 requests are under way at another server" in notes[-1]


def test_one_who_waits_bears_with_a_server_that_is_away(
    server: BatchLoopback, store: ResponseStore
) -> None:
    left = [refuse(503, "away") for _ in range(3)]
    server.before["retrieve"] = lambda: left.pop()() if left else None
    wanted, notes = asks("a"), list[str]()
    assert visit(server, store, wanted, wait=True, notes=notes).finished
    assert sum("looking again in 0.01 s" in note for note in notes) == 3
    server.at_once = False
    visit(server, store, asks("b"))
    server.before["retrieve"] = refuse(503, "away")
    with pytest.raises(BackendError, match="away"):
        visit(server, store, asks("b"), wait=True)


@pytest.mark.parametrize(
    ("budget", "sent"),
    [
        # 3 requests of 1,000 and 100 tokens at half of 10 and 100 dollars a million
        pytest.param(0.031, 3, id="enough"),
        pytest.param(0.029, 0, id="too-little"),
    ],
)
def test_the_budget_is_held_before_anything_is_sent(
    server: BatchLoopback,
    store: ResponseStore,
    budget: float,
    sent: int,
    tmp_path: Path,
) -> None:
    wanted = asks("a", "b", "c")
    options: dict[str, Any] = {"budget_usd": budget, "limits": Limits(2, 10**6)}
    if sent:
        assert visit(server, store, wanted, **options).sent == sent
        return
    with pytest.raises(RunError, match=r"about \$0.03 .*more than the budget of \$0.0"):
        visit(server, store, wanted, **options)
    assert not server.batches
    assert not list((tmp_path / "cache").rglob("*.jsonl*"))
    with BatchLedger() as ledger:
        assert not ledger.batches()


def test_the_budget_counts_what_is_under_way(
    server: BatchLoopback, store: ResponseStore
) -> None:
    server.at_once = False
    visit(server, store, asks("a", "b"), budget_usd=0.031)
    with pytest.raises(RunError, match="under way that is more than the budget"):
        visit(server, store, asks("c", "d"), budget_usd=0.031)
    assert visit(server, store, asks("c"), budget_usd=0.031).sent == 1


def test_several_servers_share_no_batches(store: ResponseStore) -> None:
    card = ModelCard(
        adapter="json_types",
        checkpoint=Checkpoint(id="m"),
        backend={"name": "openai", "base_url": ["http://a/v1", "http://b/v1"]},
    )
    with pytest.raises(RunError, match="name one --base-url"):
        BatchRun(OpenAIBackend(card), store, None, BatchOptions(), print)
    with pytest.raises(RunError, match="needs a model behind an OpenAI-compatible"):
        BatchRun(object(), store, None, BatchOptions(), print)  # type: ignore[arg-type]


def test_the_key_goes_to_its_own_host_only(
    server: BatchLoopback, store: ResponseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OTHER_KEY", "other")
    visit(server, store, asks("a"))
    assert "sk-secret" not in str(server.headers)
    visit(server, store, asks("b"), backend={"api_key_env": "OTHER_KEY"})
    assert server.headers[-1]["authorization"] == "Bearer other"
