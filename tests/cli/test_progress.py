"""What a run shows of itself: numbers, lines, JSON, and how it goes on."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import time
from collections.abc import Callable

import msgspec
import pytest

from unibench.cli.progress import (
    JsonLines,
    LogLines,
    MovingLine,
    Quiet,
    display,
    duration,
    line,
    summary,
    tokens,
    watched,
)
from unibench.cli.progress_meter import WINDOW_S, Meter, Status
from unibench.errors import BackendError
from unibench.runner.plan import Plan
from unibench.runner.watch import RunScope
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.prepared import PreparedSet
from unibench.schema.query import Prediction, Query, Response
from unibench.schema.record import DataIdentity
from unibench.schema.text import Passage

PAID = ModelCard(
    adapter="json_types",
    checkpoint=Checkpoint(id="gpt-4o-mini"),
    backend={"name": "openai"},
)
LOCAL = ModelCard(adapter="uniner", checkpoint=Checkpoint(id="uniner"))
FIRST, SECOND = 10, 30


class Clock:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def plan(subset: str, count: int) -> Plan:
    identity = DataIdentity(
        dataset=subset, subset=subset, split="test", protocol="corrected",
        domain="General", access="open", license="CC0-1.0", fingerprint="f" * 64,
        card_sha256="c" * 64, label_map_sha256="l" * 64,
    )  # fmt: skip
    passages = tuple(Passage(f"p{n}", "text") for n in range(count))
    prepared = PreparedSet(identity=identity, passages=passages, entity_types=("city",))
    queries = tuple(Query(passage, ("city",)) for passage in passages)
    return Plan(prepared=prepared, passages=passages, queries=queries)


def scope(card: ModelCard, expected: dict[str, int | None]) -> RunScope:
    return RunScope(
        model="m",
        card=card,
        subsets=tuple(expected),
        expected=lambda subset: expected[subset],
    )


def answer(meter: Meter, *, error: str = "") -> None:
    """One new answer of 100 + 10 tokens."""
    meter.answered(Response("[]", prompt_tokens=100, completion_tokens=10))
    meter.read(Prediction("p", ("city",), (), parse_error=error))
    meter.advance(1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(clock: Clock) -> Meter:
    """Two subsets; the first is being asked, and 4 of its 10 queries were stored."""
    meter = Meter(clock)
    meter.begin(scope(PAID, {"first": None, "second": SECOND}))
    meter.subset(plan("first", FIRST))
    meter.advance(4)
    return meter


def test_stored_answers_are_no_speed(meter: Meter, clock: Clock) -> None:
    assert meter.status().rate_per_s is None
    clock.now += 60  # the model is loaded
    meter.asking(6)
    clock.now += 2
    answer(meter)
    status = meter.status()
    assert (status.done, status.total, status.reused) == (5, FIRST, 4)
    assert status.rate_per_s == pytest.approx(0.5)
    assert status.left_s == pytest.approx(10.0)
    assert status.run_left_s == pytest.approx(70.0)
    assert (status.run_done, status.run_total) == (5, FIRST + SECOND)


def test_tokens_cost_and_unparsed_are_of_this_run(meter: Meter, clock: Clock) -> None:
    meter.asking(6)
    for number in range(4):
        clock.now += 1
        answer(meter, error="prose" if number == 0 else "")
    status = meter.status()
    assert (status.prompt_tokens, status.completion_tokens) == (400, 40)
    assert status.unparsed_share == pytest.approx(0.25)
    assert status.cost_usd == pytest.approx((400 * 0.15 + 40 * 0.6) / 1e6)


def test_a_local_model_has_no_cost(clock: Clock) -> None:
    meter = Meter(clock)
    meter.begin(scope(LOCAL, {"first": 1}))
    meter.subset(plan("first", 1))
    meter.asking(1)
    answer(meter)
    assert meter.status().cost_usd is None


def test_the_rate_is_that_of_the_last_minutes(clock: Clock) -> None:
    meter = Meter(clock)
    meter.begin(scope(LOCAL, {"first": 10_000}))
    meter.subset(plan("first", 10_000))
    meter.asking(10_000)
    for step, count in ((1.0, 1000), (10.0, 100)):
        for _ in range(count):
            clock.now += step
            answer(meter)
    assert meter.status().rate_per_s == pytest.approx(0.1, rel=0.1)
    assert len(meter._samples) <= WINDOW_S + 2


def test_skipped_and_unknown_subsets_are_told_apart(clock: Clock) -> None:
    meter = Meter(clock)
    meter.begin(scope(LOCAL, {"a": 5, "b": None, "c": 7}))
    assert (meter.status().run_total, meter.status().unknown) == (12, 1)
    meter.skipped("b", "not here")
    status = meter.status()
    assert (status.run_total, status.unknown, status.subsets) == (12, 0, 2)


HALF = Status(
    subset="mit_movie", number=2, subsets=3, done=1200, total=2400, reused=200,
    run_done=3000, run_total=9000, unknown=1, written=1, requests=1000,
    rate_per_s=20.0, left_s=60.0, run_left_s=3725.0, prompt_tokens=1_234_567,
    completion_tokens=9876, cost_usd=0.25, unparsed=5, unparsed_share=0.005,
)  # fmt: skip


def test_the_line() -> None:
    assert line(HALF) == (
        "mit_movie 1,200/2,400  50 %  20.0/s  left 1:00"
        "  [all 2/3: 33 % + 1 subsets, left 1:02:05]"
        "  unparsed 0.5 %  1.23M+9.88k tokens  $0.25"
    )
    assert line(Status(subset="a", subsets=1, total=3)) == "a 0/3  0 %"


def test_the_summary_says_what_is_kept_and_how_to_go_on() -> None:
    assert summary("interrupted", HALF, "unibench evaluate -m x -d y") == (
        "Interrupted: the answers to 3,000 of 9,000 queries and 1 subsets not begun"
        " are kept (1,000 asked now, 1.23M+9.88k tokens, $0.25); 1 of 3 subsets are"
        " scored and written.\nThe same command goes on from here, nothing is asked"
        " twice:\n  unibench evaluate -m x -d y"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(999, "999"), (1500, "1.5k"), (2_340_000, "2.34M")]
)
def test_tokens(count: int, text: str) -> None:
    assert tokens(count) == text


def test_json_lines_have_every_number_by_its_name() -> None:
    stream = io.StringIO()
    shown = JsonLines(stream)
    shown.show(HALF)
    shown.tell("finished", "mit_movie: F1 50.0", HALF, f1=0.5)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["event"] == "progress"
    assert {name: first[name] for name in Status.__struct_fields__} == (
        msgspec.to_builtins(HALF)
    )
    assert (second["event"], second["f1"]) == ("finished", 0.5)


def test_quiet_says_only_what_ends_a_run_or_must_be_known() -> None:
    stream = io.StringIO()
    shown = Quiet(stream)
    shown.show(HALF)
    for event in ("subset", "finished", "skipped", "warning", "interrupted", "failed"):
        shown.tell(event, event, HALF)
    assert stream.getvalue().split() == ["warning", "interrupted", "failed"]


def test_the_moving_line_is_one_line_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = io.StringIO()
    MovingLine(stream).show(HALF)
    assert stream.getvalue() == f"\r{line(HALF)[:39]}\x1b[K"


def test_a_terminal_gets_a_moving_line_and_a_file_lines() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert isinstance(display("auto", Terminal()), MovingLine)
    assert isinstance(display("auto", io.StringIO()), LogLines)
    assert isinstance(display("json", Terminal()), JsonLines)
    assert type(display("quiet", Terminal())) is Quiet


def interrupted() -> None:
    raise KeyboardInterrupt


def terminated() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        pytest.param(interrupted, 130, id="ctrl-c"),
        pytest.param(terminated, 143, id="sigterm"),
    ],
)
def test_an_interrupt_is_a_summary_and_an_exit_code(
    stop: Callable[[], None], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stopped, watched("quiet") as progress:
        progress.begin(scope(LOCAL, {"first": 10}))
        progress.subset(plan("first", 10))
        progress.advance(3)
        stop()
    assert stopped.value.code == code
    assert signal.getsignal(signal.SIGTERM) is before
    err = capsys.readouterr().err
    assert err.startswith("Interrupted: the answers to 3 of 10 queries are kept")


@pytest.mark.parametrize("answered", [0, 3])
def test_an_error_tells_what_is_kept_if_anything_is(
    answered: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BackendError), watched("auto") as progress:
        progress.begin(scope(LOCAL, {"first": 10}))
        progress.subset(plan("first", 10))
        progress.advance(answered)
        raise BackendError("the server went away")
    told = "Stopped by an error: the answers to 3 of 10" in capsys.readouterr().err
    assert told == bool(answered)


def test_the_packages_own_warnings_are_part_of_what_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with watched("json"):
        logging.getLogger("unibench.runner.x").warning("a worker was lost")
    row = json.loads(capsys.readouterr().err)
    assert (row["event"], row["message"]) == ("warning", "a worker was lost")


def test_a_model_that_thinks_long_is_still_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LogLines, "every_s", 0.01)
    with watched("auto") as progress:
        progress.begin(scope(LOCAL, {"first": 10}))
        progress.subset(plan("first", 10))
        shown, until = "", time.monotonic() + 20
        while shown.count("first 0/10") < 2 and time.monotonic() < until:
            progress._over.wait(0.02)
            shown += capsys.readouterr().err
    assert shown.count("first 0/10") >= 2
