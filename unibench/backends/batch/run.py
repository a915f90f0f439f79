"""Ask through a server's Batch API: submit, leave, come back, collect.

Requests that are neither stored nor under way are sent; the answers of finished
batches are put in the response store; what failed or expired is sent again in a new
batch. Every step is written down before the next one, so a kill at any moment loses
nothing, and nothing is sent twice without a word.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing

import msgspec

from unibench.backends.base import Backend
from unibench.backends.batch.collect import Collector
from unibench.backends.batch.files import Limits, Spooled, spool
from unibench.backends.batch.ledger import Batch, BatchLedger, batch_folder
from unibench.backends.batch.queue import MAX_TRIES, Ask, Queue
from unibench.backends.batch.send import BatchOptions, Note, Sender
from unibench.backends.batch.server import BatchServer
from unibench.backends.openai import OpenAIBackend
from unibench.backends.prices import Price, money
from unibench.backends.server_errors import Refusal
from unibench.backends.store import ResponseStore
from unibench.errors import BackendError, RunError

_QUEUE_MEMORY_S = 86_400
"""A full queue is remembered for the 24 hours that a batch may take."""
_MISSED = 30
"""So many looks in a row may bring no answer to one who waits."""


class BatchStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands: the batches under way, and what this visit sent and collected.

    `cancelled` requests were in batches that somebody cancelled; the next visit sends
    them. Tokens and `cost_usd` are of the answers collected now.
    """

    under_way: tuple[Batch, ...] = ()
    sent: int = 0
    collected: int = 0
    unanswered: int = 0
    cancelled: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None

    @property
    def finished(self) -> bool:
        """Whether every request has its answer."""
        return not self.under_way and not self.cancelled


class BatchRun:
    """One visit to a server's Batch API, on behalf of one model."""

    def __init__(
        self,
        backend: Backend,
        store: ResponseStore,
        price: Price | None,
        options: BatchOptions,
        note: Note,
    ) -> None:
        """Take the model's backend and the store for its answers.

        Raises:
            RunError: the model has no server, or a budget is given but no price known.
        """
        if not isinstance(backend, OpenAIBackend):
            raise RunError(
                "--batch needs a model behind an OpenAI-compatible server; leave it"
                " out, or give the server with --base-url"
            )
        if price is None and options.budget_usd is not None:
            raise RunError(unpriced(backend.card.checkpoint.id))
        self.backend, self.store = backend, store
        self.price = price.batched() if price is not None else None
        self.options, self.note = options, note
        self.server = BatchServer(backend)
        self._settled: list[Batch] = []
        self._sent = self._missed = 0

    def run(self, asks: Callable[[], Iterable[Ask]]) -> BatchStatus:
        """Send what is missing and collect what is there; wait if the options say so.

        `asks` is called again whenever something may have to be sent.

        Raises:
            BackendError: the server does not answer, refuses a batch, or refused a
                request too often; what was answered is stored.
            RunError: the budget does not suffice; then nothing was sent.
        """
        name = f"{self.server.url}\n{self.server.model}"
        folder = batch_folder() / hashlib.sha256(name.encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        with BatchLedger() as ledger, ledger.alone(folder):
            self.ledger, self.folder = ledger, folder
            self.sender = Sender(self.server, ledger, folder, self.options, self.note)
            self.collector = Collector(
                self.server, ledger, self.backend, (self.store, folder), self.note
            )
            self.server.check()
            self.sender.recover()
            return self._visit(asks)

    def _visit(self, asks: Callable[[], Iterable[Ask]]) -> BatchStatus:
        to_send = True
        while True:
            ended = self._look()
            to_send = to_send or any(batch.unanswered for batch in ended)
            if to_send and not any(b.status == "cancelled" for b in self._settled):
                to_send = self._send(asks())
                if to_send:
                    continue  # answers that the store lost can be collected again
            under_way = self._under_way()
            if not under_way or not self.options.wait:
                return self._status(under_way)
            to_send = self._queue_size() is not None
            time.sleep(self.options.poll_s)

    def _under_way(self) -> list[Batch]:
        listed = self.ledger.batches(self.server.url, self.server.model)
        return [batch for batch in listed if batch.state == "submitted"]

    def _look(self) -> list[Batch]:
        """Collect what has ended; refuse to go on after a refused batch."""
        ended = [
            looked
            for batch in self._under_way()
            if (looked := self._look_at(batch)).state == "settled"
        ]
        self._settled += ended
        for batch in ended:
            small = batch.requests == 1 or not batch.note.startswith("queue full")
            if batch.status == "failed" and small:
                raise BackendError(
                    f"{self.server.host} did not accept {batch.batch_id}:"
                    f" {batch.note}; nothing of it was asked. Run it again when that"
                    " is mended, or without --batch"
                )
        return ended

    def _look_at(self, batch: Batch) -> Batch:
        """Return how a batch stands; one who waits bears with a server for a while."""
        try:
            looked = self.collector.look(batch)
        except Refusal as refusal:
            self._missed += 1
            if not (self.options.wait and refusal.retry and self._missed <= _MISSED):
                raise
            self.note(f"{refusal}; looking again in {self.options.poll_s:g} s")
            return batch
        self._missed = 0
        return looked

    def _queue_size(self) -> int | None:
        """How large a batch may be where a larger one found no room in the queue."""
        since = time.time() - _QUEUE_MEMORY_S
        full = [
            batch.requests
            for batch in self.ledger.batches(self.server.url, self.server.model)
            if batch.note.startswith("queue full") and batch.created > since
        ]
        return max(1, min(full) // 2) if full else None

    def _send(self, asks: Iterable[Ask]) -> bool:
        """Send what is missing; return whether lost answers are to be collected."""
        size = self._queue_size()
        if size is not None and self._under_way():
            return False  # one batch at a time, until the queue has room again
        limits = self.options.limits
        if size is not None:
            limits = Limits(min(size, limits.requests), limits.bytes)
        queue = Queue(self.backend, self.store, self.ledger)
        waiting: list[tuple[Batch, Spooled]] = []
        with closing(spool(queue.unsent(asks), self.folder, limits)) as files:
            for spooled in files:
                queue.begin_file(spooled.id)
                waiting.append((self.sender.prepare(spooled), spooled))
                if self.options.budget_usd is None:
                    self._submit(waiting)
                if size is not None:
                    break
        self._check_budget(waiting)
        self._submit(waiting)
        self._reopen(queue.lost)
        self._say_elsewhere(queue.elsewhere)
        if queue.given_up and not self._under_way():
            raise BackendError(
                f"{queue.given_up:,} requests failed in {MAX_TRIES} batches each (the"
                f" last: {queue.why}); run it without --batch to ask them one by one"
            )
        return bool(queue.lost)

    def _submit(self, waiting: list[tuple[Batch, Spooled]]) -> None:
        while waiting:
            batch, spooled = waiting.pop(0)
            self.sender.send(batch, spooled.path)
            self._sent += batch.requests

    def _check_budget(self, waiting: Sequence[tuple[Batch, Spooled]]) -> None:
        budget, price = self.options.budget_usd, self.price
        if budget is None or price is None or not waiting:
            return
        spent = self._cost(self._settled)
        open_usd = sum(_expected(batch, price) for batch in self._under_way())
        wanted = sum(_expected(batch, price) for batch, _ in waiting)
        if spent + open_usd + wanted <= budget:
            return
        for batch, spooled in waiting:
            self.ledger.drop(batch)
            spooled.path.unlink()
        count = sum(batch.requests for batch, _ in waiting)
        raise RunError(
            f"{count:,} requests would cost about {money(wanted)} (estimated, prices of"
            f" {price.as_of}); with {money(spent)} spent now and about"
            f" {money(open_usd)} under way that is more than the budget of"
            f" {money(budget)}, so they were not sent. Raise --budget, or ask less"
            " with --limit"
        )

    def _reopen(self, lost: Iterable[str]) -> None:
        known = {batch.id: batch for batch in self.ledger.batches()}
        for name in lost:
            batch = self.ledger.reopen(known[name])
            self.note(
                f"answers of {batch.batch_id} are not in the store any more; they are"
                " collected again"
            )

    def _say_elsewhere(self, requests: int) -> None:
        if requests:
            self.note(
                f"{requests:,} requests are under way at another server and were not"
                " sent; see 'unibench batches list'"
            )

    def _cost(self, batches: Iterable[Batch]) -> float:
        if self.price is None:
            return 0.0
        return sum(
            self.price.cost(batch.prompt_tokens, batch.completion_tokens)
            for batch in batches
        )

    def _status(self, under_way: Sequence[Batch]) -> BatchStatus:
        done = self._settled
        return BatchStatus(
            under_way=tuple(under_way),
            sent=self._sent,
            collected=sum(batch.answered for batch in done),
            unanswered=sum(batch.unanswered for batch in done),
            cancelled=sum(b.unanswered for b in done if b.status == "cancelled"),
            prompt_tokens=sum(batch.prompt_tokens for batch in done),
            completion_tokens=sum(batch.completion_tokens for batch in done),
            cost_usd=None if self.price is None else self._cost(done),
        )


def unpriced(model: str) -> str:
    """Say that a budget needs a price."""
    return (
        f"--budget is given, but no price is known for {model!r}; add a line for it to"
        " a models/prices-*.csv in a folder on UNIBENCH_PATH"
    )


def refuse_under_way(keys: Sequence[str]) -> None:
    """Raise RunError where requests that are to be asked now lie in a batch already."""
    if not (batch_folder() / "ledger.sqlite").is_file():
        return
    with BatchLedger() as ledger:
        found = ledger.under_way(list(dict.fromkeys(keys)))
    if found:
        first = next(iter(found.values()))
        raise RunError(
            f"{len(found):,} of these requests are under way in batches already"
            f" ({first.batch_id or first.id}) and would be paid twice; run the same"
            " command with --batch to collect them, or see 'unibench batches list'"
        )


def _expected(batch: Batch, price: Price) -> float:
    return price.cost(batch.expected_prompt_tokens, batch.expected_completion_tokens)
