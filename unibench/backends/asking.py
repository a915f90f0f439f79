"""Ask for what is not stored yet, and keep every answer as it comes."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import (
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import closing, contextmanager

import msgspec

from unibench.backends.store import ResponseStore
from unibench.backends.store_claims import Claims
from unibench.errors import BackendError
from unibench.schema.query import Response
from unibench.schema.record import Usage

Progress = Callable[[int], None]
"""Told how many further requests have an answer on the disk, in the caller's thread."""

Respond = Callable[[Sequence[int]], Iterator[tuple[int, Response]]]
"""Asks the requests at these positions; yields (position in them, answer)."""

_LOG = logging.getLogger(__name__)
_DISK_SHARE = 0.05
_DISK_WAIT_S = 0.02
_LOOK_S = 0.2
_LOOK_SHARE = 10


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """The response to each request, in order, with its key and what it took."""

    keys: tuple[str, ...]
    responses: tuple[Response, ...]
    usage: Usage


def ask_missing(
    keys: Sequence[str],
    respond: Respond,
    store: ResponseStore,
    progress: Progress,
    *,
    model: str,
) -> Answers:
    """Return an answer to every request; those with equal keys are asked once.

    An error or an interrupt loses nothing: what was answered is in the store. What
    another process asks at this time is not asked: this one waits for the answer, or
    asks when the other ends without one; then `respond` is called again.

    Raises:
        BackendError: `respond` left a request without an answer.
        RunError: the store cannot be used.
    """
    started = time.monotonic()
    job = _Job(keys, respond, store, progress, model)
    job.found(store.get(job.first))
    with store.claims() as claims:
        while missing := job.missing():
            job.ask(claims.take(missing))
            claims.give_back()
            if missing := job.missing():
                job.wait(missing, claims)
    asked = job.asked.values()
    usage = Usage(
        seconds=time.monotonic() - started,
        requests=len(asked),
        reused=len(job.first) - len(asked),
        prompt_tokens=sum(r.prompt_tokens or 0 for r in asked),
        completion_tokens=sum(r.completion_tokens or 0 for r in asked),
        retries=sum(r.retries for r in asked),
        unanswered=sum(r.unanswered for r in asked),
        uncounted=sum(r.prompt_tokens is None for r in asked),
    )
    return Answers(
        keys=tuple(keys), responses=tuple(job.answers[key] for key in keys), usage=usage
    )


class _Job:
    """What is asked, what is answered, and which of it this process has paid for."""

    def __init__(
        self,
        keys: Sequence[str],
        respond: Respond,
        store: ResponseStore,
        progress: Progress,
        model: str,
    ) -> None:
        self.respond, self.store, self.model = respond, store, model
        self.progress = progress
        self.copies = Counter(keys)
        self.first: dict[str, int] = {}
        for position, key in enumerate(keys):
            self.first.setdefault(key, position)
        self.answers: dict[str, Response] = {}
        self.asked: dict[str, Response] = {}

    def missing(self) -> list[str]:
        return [key for key in self.first if key not in self.answers]

    def found(self, stored: dict[str, Response]) -> None:
        """Take answers that the store has, perhaps from a run that has yet to flush."""
        if stored:
            self.store.flush()
        self.answers |= stored
        self._tell(stored)

    def ask(self, claimed: Sequence[str]) -> None:
        """Ask what is claimed and not stored meanwhile; return when it is on disk."""
        self.found(self.store.get(claimed))
        asking = [key for key in claimed if key not in self.answers]
        if not asking:
            return
        fresh: dict[str, Response] = {}
        pace = _Pace()
        writer = self.store.writer()
        try:
            with writer, closing(_answered(self.respond, asking, self.first)) as told:
                for key, response in told:
                    writer.put(key, response)
                    fresh[key] = response
                    with pace.waiting() as wait_s:
                        done = writer.done(wait_s)
                    self._tell(done)
                writer.flush()
        finally:
            self._tell(writer.done())  # what was on its way when it was stopped, too
        if writer.added < len(fresh):  # somebody imported some of them meanwhile
            fresh |= self.store.get(fresh)
        self.asked |= fresh
        self.answers |= fresh
        if unanswered := len(asking) - len(fresh):
            raise BackendError(
                f"{self.model} left {unanswered} of {len(self.first)} requests without"
                " an answer; run it again to ask those"
            )

    def wait(self, missing: list[str], claims: Claims) -> None:
        """Take the answers of other processes as they come, until one of those ends."""
        _LOG.warning(
            "%s: another run is asking %d of these requests; waiting for its answers",
            self.model,
            len(missing),
        )
        while missing and not claims.others_ended():
            started = time.monotonic()
            self.found(self.store.get(missing))
            missing = [key for key in missing if key not in self.answers]
            time.sleep(max(_LOOK_S, _LOOK_SHARE * (time.monotonic() - started)))

    def _tell(self, keys: Iterable[str]) -> None:
        if count := sum(self.copies[key] for key in keys):
            self.progress(count)


class _Pace:
    """How long to wait for the disk, so that progress is true and little is lost.

    Waiting takes at most a twentieth of the time: with slow models each answer is seen
    on the disk at once, with fast ones many share a flush. A slow disk is not waited
    for: an answer that comes meanwhile would be in memory only.
    """

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._waited = 0.0

    @contextmanager
    def waiting(self) -> Iterator[float]:
        began = time.monotonic()
        share = _DISK_SHARE * (began - self._started) - self._waited
        yield min(share, _DISK_WAIT_S)
        self._waited += time.monotonic() - began


def _answered(
    respond: Respond, asking: Sequence[str], first: Mapping[str, int]
) -> Generator[tuple[str, Response], None, None]:
    """Yield (key, answer); closed early, it stops those who ask."""
    answers = respond([first[key] for key in asking])
    try:
        for position, response in answers:
            yield asking[position], response
    finally:
        if isinstance(answers, Generator):
            answers.close()
