"""The faults of servers that a run stands: what is injected, lost, paid twice.

Each row is a real server on loopback that misbehaves. Lost is an answer that the
server gave whole and the run did not hand out; repeated is a prompt that a server
answered whole more than once. The same rows stand in docs/servers.md.
"""

from __future__ import annotations

import contextlib
import email.utils
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.backends.loopback_server import (
    CUT_OFF,
    Behaviour,
    LoopbackServer,
    Reply,
    Wire,
    chat,
    failure,
    ok,
    prompt_of,
    serving,
    unused_url,
)
from unibench.backends import server_health
from unibench.backends.openai import OpenAIBackend
from unibench.cli import main
from unibench.errors import BackendError
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Message, Prompt, Response

PROMPTS = [Prompt((Message("user", f"prompt {number}"),)) for number in range(24)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a fiftieth of the time before asking again."""
    monkeypatch.setattr(server_health, "_FIRST_WAIT_S", 0.01)


def backend(*urls: str, **options: Any) -> OpenAIBackend:
    settings = {"concurrency": 8, "timeout_s": 5.0} | options
    return OpenAIBackend(
        ModelCard(
            adapter="json_types",
            title="Tiny",
            checkpoint=Checkpoint(id="m"),
            backend={"name": "openai", "base_url": list(urls), **settings},
        )
    )


def echo(body: dict[str, Any]) -> Reply:
    return ok(chat(f"answer to {prompt_of(body)}"))


def first(count: int, reply: Callable[[], Reply]) -> Behaviour:
    """Misbehave to the first so many requests."""
    return lambda body, number: reply() if number <= count else echo(body)


def once_each(reply: Reply) -> Behaviour:
    """Misbehave to the first request of each prompt."""
    seen: set[str] = set()

    def behave(body: dict[str, Any], number: int) -> Reply:
        if (prompt := prompt_of(body)) in seen:
            return echo(body)
        seen.add(prompt)
        return reply

    return behave


def paid_but(reply: Reply) -> Behaviour:
    """Work for the first request of each prompt, and let the answer get lost."""
    return once_each(reply)


def date_in(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n"
SLOW = Wire((HEAD, *(b" ", 0.1) * 100))


class Row(NamedTuple):
    """A fault that passes: every prompt gets its answer in the end."""

    behaviour: Callable[[], Behaviour]
    timeout_s: float = 5.0
    unanswered: int = 0


PASSING = {
    "429 storm": Row(
        lambda: once_each(failure(429, "slow down", **{"retry-after": "0"}))
    ),
    "429 with a date": Row(
        lambda: first(8, lambda: failure(429, "later", **{"retry-after": date_in(1)}))
    ),
    "429 without advice": Row(lambda: first(12, lambda: failure(429, "slow down"))),
    "503 storm": Row(lambda: first(10, lambda: failure(503, "loading"))),
    "500 storm": Row(lambda: first(10, lambda: failure(500, "oops")), unanswered=10),
    "502 as a page": Row(
        lambda: once_each((502, {"content-type": "text/html"}, b"<h1>gate</h1>")),
        unanswered=24,
    ),
    "cut body": Row(lambda: paid_but(Wire((HEAD, b'{"choices'))), unanswered=24),
    "cut stream of chunks": Row(
        lambda: paid_but(
            Wire((b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{",))
        ),
        unanswered=24,
    ),
    "closed without a word": Row(lambda: paid_but(CUT_OFF), unanswered=24),
    "slow body": Row(lambda: first(4, lambda: SLOW), timeout_s=2.0, unanswered=4),
    "no HTTP": Row(lambda: paid_but(Wire((b"SSH-2.0-x\r\n\r\n",))), unanswered=24),
    "compressed, but not": Row(
        lambda: paid_but((200, {"content-encoding": "gzip"}, b"[]")), unanswered=24
    ),
    "invalid JSON": Row(lambda: paid_but(ok(b'{"choices": [')), unanswered=24),
    "a page with status 200": Row(lambda: paid_but(ok(b"<html>")), unanswered=24),
    "empty choices": Row(lambda: paid_but(ok(b'{"choices": []}')), unanswered=24),
}


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes(fault: str) -> None:
    row = PASSING[fault]
    with serving(row.behaviour()) as server:
        made = backend(server.url, timeout_s=row.timeout_s, retries=9)
        found = dict(made.generate(PROMPTS))
    assert [found[position].text for position in range(len(PROMPTS))] == [
        f"answer to prompt {number}" for number in range(len(PROMPTS))
    ]
    assert set(server.paid.values()) == {1}
    sent_again = sum(answer.retries for answer in found.values())
    assert sent_again == len(server.bodies) - len(PROMPTS)
    assert sum(answer.unanswered for answer in found.values()) == row.unanswered


def asked_until_it_fails(*urls: str, **options: Any) -> tuple[dict[str, str], str]:
    """The answers that came before the error, by prompt, and the error."""
    found: dict[str, str] = {}
    with pytest.raises(BackendError) as stopped:
        for position, answer in backend(*urls, **options).generate(PROMPTS):
            found[PROMPTS[position].messages[0].content] = answer.text
    return found, str(stopped.value)


ENDING = {
    "wrong model": (failure(404, "no model m"), r"404 .*no model m.*lists one, two"),
    "bad key": (failure(401, "bad key"), r"401 .*bad key.*api_key_env"),
    "forbidden": (failure(403, "not for you"), r"403 .*not for you"),
    "no money": (failure(429, "pay", code="insufficient_quota"), r"429 .*pay"),
    "come tomorrow": (failure(429, "day", **{"retry-after": "90000"}), r"429 .*day"),
    "bad request": (failure(400, "bad field"), r"400 .*bad field"),
    "500 for ever": (failure(500, "oops"), r"500 .*oops.*asked .* times.*billed"),
    "redirected": (
        (307, {"location": "http://example.org/v1"}, b""),
        r"307 .*example.org.*base URL",
    ),
}


@pytest.mark.parametrize("fault", ENDING)
def test_a_fault_that_lasts_is_one_error_and_loses_nothing(fault: str) -> None:
    reply, message = ENDING[fault]

    def fails_later(body: dict[str, Any], number: int) -> Reply:
        if number > 10:
            return reply
        time.sleep(0.05 * (number % 3))  # some answers come after the error
        return echo(body)

    with serving(fails_later, models=("one", "two")) as server:
        found, error = asked_until_it_fails(server.url, retries=2)
    assert re.search(message, error), error
    assert "127.0.0.1" in error
    assert found == {prompt: f"answer to {prompt}" for prompt in server.paid}
    assert len(found) == 10
    assert set(server.paid.values()) == {1}


def test_a_server_that_dies_leaves_its_work_to_the_other() -> None:
    def dies(body: dict[str, Any], number: int) -> Reply:
        return echo(body) if number <= 3 else CUT_OFF

    def slow(body: dict[str, Any], number: int) -> Reply:
        time.sleep(0.02)
        return echo(body)

    with serving(dies) as one, serving(slow) as two:
        found = dict(backend(one.url, two.url, unused_url()).generate(PROMPTS))
    assert len(found) == len(PROMPTS)
    assert len(one.paid) == 3
    assert set((one.paid + two.paid).values()) == {1}
    lost = len(one.bodies) - 3
    assert sum(answer.unanswered for answer in found.values()) == lost


def test_a_server_that_recovers_is_asked_again() -> None:
    def sick_for_a_while(body: dict[str, Any], number: int) -> Reply:
        return failure(503, "starting") if number <= 6 else echo(body)

    def slow(body: dict[str, Any], number: int) -> Reply:
        time.sleep(0.1)
        return echo(body)

    prompts = PROMPTS * 4
    with serving(sick_for_a_while) as one, serving(slow) as two:
        found = dict(backend(one.url, two.url, concurrency=2).generate(prompts))
    assert len(found) == len(prompts)
    assert one.paid.total() > two.paid.total()


def test_all_servers_sick_is_one_error_that_names_each() -> None:
    with (
        serving(first(0, lambda: CUT_OFF)) as one,
        serving(lambda b, n: CUT_OFF) as two,
    ):
        behave = one.behaviour
        one.behaviour = lambda b, n: behave(b, n) if n <= 5 else failure(502, "gone")
        found, error = asked_until_it_fails(
            one.url, two.url, max_wait_s=0.3, retries=1000
        )
    assert re.search(r"no server answers: .*502.*gone.*; .*broke off.*billed", error)
    assert found == {prompt: f"answer to {prompt}" for prompt in one.paid}


def test_a_connection_that_never_comes_has_its_own_time() -> None:
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # nobody accepts them, so a further one is not answered
            other = waiting.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        found, error = asked_until_it_fails(
            f"http://127.0.0.1:{full.getsockname()[1]}/v1",
            connect_timeout_s=0.3,
            timeout_s=30.0,
        )
    assert not found
    assert "cannot be reached" in error
    assert "billed" not in error  # nothing was sent


def test_no_more_are_under_way_than_the_card_allows() -> None:
    def slow(body: dict[str, Any], number: int) -> Reply:
        time.sleep(0.02)
        return echo(body)

    with serving(slow) as server:
        found = dict(backend(server.url, concurrency=3).generate(PROMPTS))
    assert len(found) == len(PROMPTS)
    assert 1 < server.most_at_once <= 3


def test_a_storm_makes_the_limit_small_and_quiet_makes_it_large_again() -> None:
    def at_most_three(body: dict[str, Any], number: int) -> Reply:
        with gate:
            crowd = server.under_way
        if crowd > 3:
            return failure(429, "too many at once", **{"retry-after": "0.02"})
        time.sleep(0.01)
        return echo(body)

    gate = threading.Lock()
    prompts = PROMPTS * 8
    with serving(at_most_three) as server:
        found = dict(backend(server.url, concurrency=32).generate(prompts))
    assert len(found) == len(prompts)
    refused = len(server.bodies) - len(prompts)
    assert refused < len(prompts)  # with 32 at once for ever it would be many times


def test_the_limit_grows_again_when_the_storm_is_over() -> None:
    crowds: list[int] = []
    crowded = threading.Event()

    def storm_at_first(body: dict[str, Any], number: int) -> Reply:
        if number <= 16:
            return failure(429, "slow down", **{"retry-after": "0.05"})
        crowds.append(server.under_way)
        if server.under_way >= 12:
            crowded.set()
        if number > 166:  # 1 + 2 + ... + 15 answers are enough to reach the ceiling
            crowded.wait(20)
        time.sleep(0.01)
        return echo(body)

    prompts = PROMPTS * 10
    with serving(storm_at_first) as server:
        found = dict(
            backend(server.url, concurrency=16, timeout_s=60.0).generate(prompts)
        )
    assert len(found) == len(prompts)
    assert max(crowds[:8]) <= 8
    assert max(crowds) >= 12


def test_a_key_that_a_server_repeats_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    reply = failure(401, "the key 'sk-very-secret' is not known")
    with serving(lambda body, number: reply) as server:
        _, error = asked_until_it_fails(server.url, api_key_env="MY_KEY")
    assert "the key '***' is not known" in error
    assert "secret" not in error


def test_a_redirect_takes_no_key_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    with serving(lambda b, n: echo(b)) as other:
        reply: Reply = (308, {"location": f"{other.url}/chat/completions"}, b"")
        with serving(lambda b, n: reply) as server:
            _, error = asked_until_it_fails(server.url, api_key_env="MY_KEY")
    assert "nothing was sent there" in error
    assert not other.bodies


def test_ctrl_c_keeps_what_is_under_way(caplog: pytest.LogCaptureFixture) -> None:
    def slow(body: dict[str, Any], number: int) -> Reply:
        time.sleep(0.2)
        return echo(body)

    found: dict[int, Response] = {}
    with serving(slow) as server, pytest.raises(KeyboardInterrupt):
        for position, answer in backend(server.url).generate(PROMPTS * 100):
            found[position] = answer
            if len(found) == 10:  # eight more are under way
                signal.raise_signal(signal.SIGINT)
    assert 10 < len(found) == len(server.bodies) < 50
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert "nothing more is asked" in caplog.text
    assert "billed" not in caplog.text


def test_ctrl_c_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    def stuck(body: dict[str, Any], number: int) -> Reply:
        if number > 4:
            release.wait(20)
        return echo(body)

    release = threading.Event()
    found: dict[int, Response] = {}
    with serving(stuck) as server:
        made = backend(server.url, grace_s=0.2)
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            for position, answer in made.generate(PROMPTS):
                found[position] = answer
                if len(found) == 4:
                    signal.raise_signal(signal.SIGINT)
        assert time.monotonic() - started < 10
        assert re.search(r"8 requests were sent and .* may be billed", caplog.text)
        release.set()


def test_a_reader_that_stops_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with serving(lambda b, n: echo(b)) as server:
        answers = backend(server.url, concurrency=2).generate(PROMPTS * 10)
        next(iter(answers))
        answers.close()  # type: ignore[attr-defined]  # it is a generator
        named = {thread.name for thread in threading.enumerate()}
        assert not any("_serve" in name for name in named)
    assert threading.active_count() <= before + 2  # the server's own may linger


def test_a_slow_reader_holds_the_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unibench.backends.server_stream._UNREAD", 20)
    with serving(lambda b, n: echo(b)) as server:
        answers = backend(server.url, concurrency=4).generate(PROMPTS * 20)
        found = [next(answers)]
        time.sleep(0.5)
        assert len(server.bodies) <= 30
        found += answers
    assert sorted(position for position, _ in found) == list(range(480))


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command line's world: an empty folder, and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def evaluate(
    capsys: pytest.CaptureFixture[str], *servers: LoopbackServer
) -> tuple[int, str, str]:
    urls = [word for server in servers for word in ("--base-url", server.url)]
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "-m", "m", *urls, "-d", "mini", "--limit", "4", "--json"])
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def answers_until(stop: int, then: Reply) -> Behaviour:
    """Answer `{}` until request `stop`, and from there on with `then`."""
    return lambda body, number: ok(chat("{}")) if number < stop else then


COMMAND = {
    "wrong model": (failure(404, "no such model"), r"Error: .*404.*lists one"),
    "no money": (failure(429, "pay", code="insufficient_quota"), r"Error: .*pay"),
}


@pytest.mark.parametrize("fault", COMMAND)
def test_the_command_goes_on_where_the_server_failed(
    fault: str, shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reply, message = COMMAND[fault]
    with serving(answers_until(6, reply), models=("one",)) as server:
        failed = evaluate(capsys, server)
        assert failed[0] == 1
        assert re.search(message, failed[2]), failed[2]
        assert "Traceback" not in failed[2]
        before = len(server.paid)
        assert before == 5
        server.behaviour = answers_until(10**9, reply)
        code, out, err = evaluate(capsys, server)
    assert code == 0, err
    usages = [record["usage"] for record in json.loads(out)["records"]]
    assert sum(usage["reused"] for usage in usages) == before
    assert set(server.paid.values()) == {1}


@pytest.mark.slow  # whole commands
def test_ctrl_c_on_the_command_pays_nothing_twice(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def slow(body: dict[str, Any], number: int) -> Reply:
        if number == 12:
            process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        return ok(chat("{}"))

    with serving(slow) as server:
        words = ["evaluate", "-m", "m", "--base-url", server.url, "-d", "mini"]
        with subprocess.Popen(
            [sys.executable, "-m", "unibench", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            _, errors = process.communicate(timeout=120)
        assert process.returncode != 0
        assert "Traceback" not in errors
        before = server.paid.total()
        assert before >= 12
        server.behaviour = lambda body, number: ok(chat("{}"))
        code, _, errors = evaluate(capsys, server)
    assert code == 0, errors
    assert set(server.paid.values()) == {1}


@pytest.mark.slow  # whole commands
def test_the_record_counts_what_was_sent_again(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = paid_but(Wire((HEAD, b"{")))
    with serving(broken) as server:
        code, out, err = evaluate(capsys, server)
    assert code == 0, err
    for record in json.loads(out)["records"]:
        usage = record["usage"]
        assert usage["retries"] == usage["unanswered"] == usage["requests"] > 0
        assert usage["uncounted"] == 0
        assert (usage["cost_usd"], usage["price_as_of"]) == (None, "")
