"""The numbers of a run under way: counts, rates, tokens, cost, time left."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import msgspec

from unibench.backends.prices import Price, price_of
from unibench.runner.plan import Plan
from unibench.runner.watch import RunScope, Watcher
from unibench.schema.query import Prediction, Response
from unibench.schema.record import RunRecord

WINDOW_S = 120.0
"""The rate is that of the last two minutes: a model that slows down is seen."""

_SAMPLE_S = 1.0


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A run at one moment. Queries are counted where their answer is kept.

    `reused` were answered before this run; tokens, cost and `unparsed_share` are of
    this run's own requests, of all its subsets. `run_total` leaves out `unknown`
    subsets, whose data are not prepared yet. What is None is not known.
    """

    subset: str = ""
    number: int = 0
    subsets: int = 0
    done: int = 0
    total: int = 0
    reused: int = 0
    run_done: int = 0
    run_total: int = 0
    unknown: int = 0
    written: int = 0
    requests: int = 0
    rate_per_s: float | None = None
    left_s: float | None = None
    run_left_s: float | None = None
    elapsed_s: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    unparsed: int = 0
    unparsed_share: float | None = None


class Meter(Watcher):
    """Counts what it is told; `status` may be asked from another thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the clock: seconds that never go back."""
        self._clock = clock
        self._started = clock()
        self._price: Price | None = None
        self._totals: dict[str, int | None] = {}
        self._subset = ""
        self._number = self._done = self._reused = self._run_done = self._written = 0
        self._requests = self._prompt = self._completion = self._unparsed = 0
        self._read = 0
        self._fresh = False
        self._samples: deque[tuple[float, int]] = deque()

    def begin(self, scope: RunScope) -> None:
        """Estimate what all subsets will ask."""
        self._started = self._clock()
        self._run_done = self._written = 0  # a second pass, in other words
        if scope.card.backend.get("name") == "openai":
            self._price = price_of(scope.card.checkpoint.id)
        self._totals = {subset: scope.expected(subset) for subset in scope.subsets}

    def subset(self, plan: Plan) -> None:
        """Start counting one subset, whose total is now exact."""
        self._subset = plan.prepared.identity.subset
        self._totals[self._subset] = len(plan.queries)
        self._number = 1 + list(self._totals).index(self._subset)
        self._done = self._reused = 0
        self._fresh = False
        self._samples = deque([(self._clock(), 0)])

    def asking(self, requests: int) -> None:
        """From here on the rate is the model's, not that of looking up old answers."""
        if not self._fresh:
            self._fresh = True
            self._samples = deque([(self._clock(), self._reused)])

    def advance(self, count: int) -> None:
        """Count queries whose answer is kept."""
        self._done += count
        self._run_done += count
        if not self._fresh:
            self._reused = self._done
        now = self._clock()
        if now - self._samples[-1][0] >= _SAMPLE_S:
            self._samples.append((now, self._done))
        while len(self._samples) > 2 and now - self._samples[1][0] > WINDOW_S:
            self._samples.popleft()

    def answered(self, response: Response) -> None:
        """Count a new request and its tokens."""
        self._requests += 1
        self._prompt += response.prompt_tokens or 0
        self._completion += response.completion_tokens or 0

    def read(self, prediction: Prediction) -> None:
        """Count whether a new answer could be read."""
        self._read += 1
        self._unparsed += bool(prediction.parse_error)

    def finished(self, record: RunRecord) -> None:
        """Count a written record."""
        self._written += 1

    def skipped(self, subset: str, reason: str) -> None:
        """Leave a subset out of the total."""
        self._totals.pop(subset, None)

    def status(self) -> Status:
        """Return the numbers of this moment."""
        rate = self._rate()
        total = self._totals.get(self._subset) or 0
        known = [count for count in self._totals.values() if count is not None]
        run_total = sum(known)
        return Status(
            subset=self._subset,
            number=self._number,
            subsets=len(self._totals),
            done=self._done,
            total=total,
            reused=self._reused,
            run_done=self._run_done,
            run_total=run_total,
            unknown=len(self._totals) - len(known),
            written=self._written,
            requests=self._requests,
            rate_per_s=rate,
            left_s=_left(total - self._done, rate),
            run_left_s=_left(run_total - self._run_done, rate),
            elapsed_s=self._clock() - self._started,
            prompt_tokens=self._prompt,
            completion_tokens=self._completion,
            cost_usd=self._cost(),
            unparsed=self._unparsed,
            unparsed_share=self._unparsed / self._read if self._read else None,
        )

    def _rate(self) -> float | None:
        if not self._fresh:
            return None
        began, before = self._samples[0]
        seconds = self._clock() - began
        return (self._done - before) / seconds if seconds > 0 else None

    def _cost(self) -> float | None:
        if self._price is None:
            return None
        return self._price.cost(self._prompt, self._completion)


def _left(queries: int, rate: float | None) -> float | None:
    return max(0, queries) / rate if rate else None
