"""How a server does: how many requests at once it bears, and whether it is well."""

from __future__ import annotations

import random

from unibench.backends.server_errors import Refusal

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_FAILURES_TO_BE_SICK = 3


def backoff(attempt: int) -> float:
    """Return the seconds before attempt `attempt` + 1: doubled each time, jittered."""
    wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(attempt, 10))
    return wait_s * random.uniform(0.75, 1.0)  # noqa: S311


class Server:
    """One server's limit and state.

    The limit follows TCP's rule (RFC 5681: additive increase, multiplicative
    decrease): halved when the server says that it is too much, one more after each
    full round of answers. A server that fails three times without an answer between
    is sick: it is left alone for a while that doubles, then gets one request at a
    time until it answers one.
    """

    def __init__(self, url: str, ceiling: int) -> None:
        """Start at the most requests that the card allows."""
        self.url, self.ceiling = url, ceiling
        self.limit = float(ceiling)
        self.in_flight = self.answered = 0
        self.left_out: Refusal | None = None
        """Why it is sick, None where it is well."""
        self.least_limit = self.limit
        self.paused_until = 0.0
        self._failures = self._absences = self._rebukes = 0
        self._cut_at = float("-inf")

    @property
    def sick(self) -> bool:
        """Whether it has to show first that it answers again."""
        return self.left_out is not None

    def is_free(self, now: float) -> bool:
        """Whether it may be asked one thing more."""
        if now < self.paused_until:
            return False
        return self.in_flight < (1 if self.sick else int(self.limit))

    def answers(self) -> None:
        """Take note of an answer."""
        self.answered += 1
        if self.left_out is not None:
            self.left_out = None
        self._failures = self._absences = self._rebukes = 0
        self.limit = min(self.ceiling, self.limit + 1 / self.limit)

    def refuses(self, refusal: Refusal, now: float, sent_at: float) -> None:
        """Take note of a request without an answer that may be asked again."""
        wait_s = refusal.wait_s
        if refusal.busy:
            self._slow_down(sent_at, now)
            wait_s = backoff(self._rebukes - 1) if wait_s is None else wait_s
        if wait_s is not None:
            self.paused_until = max(self.paused_until, now + wait_s)
        if refusal.status == 429:
            return
        self._failures += 1
        unknown = refusal.dead and not self.answered
        if unknown or self.sick or self._failures >= _FAILURES_TO_BE_SICK:
            self._leave_out(refusal, now, sent_at)

    def _slow_down(self, sent_at: float, now: float) -> None:
        """Halve the limit, once for all requests that were under way together."""
        if sent_at >= self._cut_at:
            self._cut_at = now
            self._rebukes += 1
            self._halve()

    def _leave_out(self, refusal: Refusal, now: float, sent_at: float) -> None:
        if not self.sick:
            self._halve()
        elif sent_at < self._cut_at:
            return  # it was sent before the absence that is running
        self.left_out, self._cut_at = refusal, now
        absence_s = backoff(self._absences)
        self._absences += 1
        self.paused_until = max(self.paused_until, now + absence_s)

    def _halve(self) -> None:
        self.limit = max(1.0, self.limit / 2)
        self.least_limit = min(self.least_limit, self.limit)
