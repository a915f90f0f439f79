"""A server's limit and state, by hand: what each answer and refusal does to it."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from unibench.backends.server_errors import Refusal, retry_after
from unibench.backends.server_health import Server, backoff


def refusal(status: int, wait_s: float | None = None) -> Refusal:
    return Refusal("no", status=status, retry=True, wait_s=wait_s)


def test_a_storm_halves_the_limit_once_for_all_that_was_under_way() -> None:
    server = Server("u", 32)
    for _ in range(32):
        server.refuses(refusal(429, 1.0), now=10, sent_at=5)
    assert (server.limit, server.paused_until) == (16, 11)
    assert not server.is_free(10.9)
    assert server.is_free(11)
    server.refuses(refusal(429, 1.0), now=12, sent_at=11)
    assert server.limit == 8


def test_the_limit_grows_by_one_in_a_round_up_to_the_ceiling() -> None:
    server = Server("u", 8)
    server.refuses(refusal(429, 0.0), now=0, sent_at=0)
    assert server.limit == 4
    for _ in range(4):
        server.answers()
    assert 4.8 < server.limit <= 5
    for _ in range(100):
        server.answers()
    assert server.limit == 8


def test_the_limit_never_falls_below_one() -> None:
    server = Server("u", 2)
    for now in range(10):
        server.refuses(refusal(429, 0.0), now=now, sent_at=now)
    assert server.limit == 1
    assert server.is_free(100)


def test_three_failures_make_sick_and_one_answer_makes_well() -> None:
    server = Server("u", 8)
    for now in (1.0, 2.0):
        server.refuses(refusal(500), now=now, sent_at=now)
        assert not server.sick
    server.refuses(refusal(-1), now=3, sent_at=3)
    assert server.sick
    assert not server.is_free(3.1)
    assert server.is_free(3.6)
    server.in_flight = 1
    assert not server.is_free(3.6), "one request at a time shows whether it is well"
    server.answers()
    assert not server.sick
    assert (server.limit, server.is_free(3.6)) == (4.25, True)


def test_an_answer_between_keeps_it_well() -> None:
    server = Server("u", 8)
    for now in range(9):
        server.refuses(refusal(500), now=now, sent_at=now)
        if now % 2:
            server.answers()
    assert not server.sick


def test_who_never_answered_is_sick_at_once() -> None:
    unknown, known = Server("u", 8), Server("v", 8)
    known.answers()
    for server in (unknown, known):
        server.refuses(refusal(0), now=1, sent_at=1)
    assert (unknown.sick, known.sick) == (True, False)


def test_the_absence_doubles_but_not_for_requests_that_were_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    server = Server("u", 8)
    for _ in range(8):
        server.refuses(refusal(500), now=1, sent_at=0.5)
    assert server.paused_until == 1.5
    server.refuses(refusal(500), now=2, sent_at=1.5)
    assert server.paused_until == 3
    server.refuses(refusal(500), now=4, sent_at=3)
    assert server.paused_until == 6


def test_backoff_doubles_with_a_bound() -> None:
    assert 0.375 <= backoff(0) <= 0.5
    assert 3 <= backoff(3) <= 4
    assert 22.5 <= backoff(1000) <= 30


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("2.5", 2.5, id="seconds"),
        pytest.param("-1", 0, id="negative"),
        pytest.param(None, None, id="none"),
        pytest.param("", None, id="empty"),
        pytest.param("soon", None, id="words"),
        pytest.param("nan", None, id="nan"),
        pytest.param("inf", None, id="endless"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", 0, id="past"),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value) == seconds


def test_retry_after_a_date() -> None:
    found = retry_after(formatdate(time.time() + 100, usegmt=True))
    assert found is not None
    assert 97 < found < 101
