"""Share requests between servers on one event loop: limits, retries, sick servers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from unibench.backends.server_errors import Refusal
from unibench.backends.server_health import Server, backoff
from unibench.errors import BackendError
from unibench.schema.query import Prompt, Response

_DRAIN_S = 60.0

Ask = Callable[[str, Prompt, int], Awaitable[Response]]
"""Sends one request to the server at a URL; raises `Refusal` where no answer comes.

The number is how often a server has answered this request with an error.
"""

Deliver = Callable[[int, Response], bool]
"""Takes an answer; says whether further ones are wanted now."""


class Patience(NamedTuple):
    """How often a request is sent again, and how long servers are waited for."""

    retries: int
    max_wait_s: float


class _Item:
    """A prompt on its way: how often it was sent, and what came of that."""

    __slots__ = (
        "attempts",
        "avoid",
        "avoid_until",
        "position",
        "prompt",
        "refusals",
        "seen",
        "strikes",
        "unanswered",
    )

    def __init__(self, position: int, prompt: Prompt) -> None:
        self.position, self.prompt = position, prompt
        self.attempts = self.refusals = self.strikes = self.unanswered = 0
        self.seen = 0
        self.avoid, self.avoid_until = "", 0.0


class ServerPool:
    """Every server takes the next prompt when it has room.

    As many requests exist as are under way: prompts are read one by one. A prompt
    that one server refused goes to another first. A server that fails again and again
    is left out until it answers one request. The pool ends with an error when a
    request was sent `retries` + 1 times without success, when a server says that
    asking again is no use, or when all servers are sick for `max_wait_s`; what is
    under way then is waited for, since it may be paid.
    """

    def __init__(self, servers: Sequence[Server], ask: Ask, patience: Patience) -> None:
        """Take the servers and the coroutine that asks one of them."""
        self.servers, self.ask, self.patience = tuple(servers), ask, patience
        self.maybe_billed = 0
        """Requests that were sent and brought no answer, not even when sent again."""
        self.ended_by: tuple[str, Refusal] | None = None
        """The server and the refusal that ended the run, if one did."""
        self._error: BaseException | None = None
        self._again: list[_Item] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._fresh: Iterator[tuple[int, Prompt]] = iter(())
        self._all_read = self._stopping = self._held = False
        self._ended = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None

    async def run(self, prompts: Iterable[Prompt], deliver: Deliver) -> None:
        """Deliver (position, response) as they come.

        Raises:
            BackendError: as the class says; what was answered was delivered.
        """
        self._deliver, self._fresh = deliver, enumerate(prompts)
        self._last_answer = _now()
        self._pump()
        await self._ended.wait()
        if isinstance(self._error, BackendError) and self.maybe_billed:
            raise BackendError(f"{self._error}; {self.bill()}") from self._error
        if self._error is not None:
            raise self._error

    def bill(self) -> str:
        """Say how many requests may cost something although no answer came."""
        return (
            f"{self.maybe_billed} requests were sent and brought no answer; they may be"
            " billed all the same"
        )

    def go_on(self) -> None:
        """Send again, after `deliver` had asked for a pause."""
        self._held = False
        self._pump()

    def stop(self, grace_s: float) -> None:
        """Send nothing more, and give up what is not answered after `grace_s`."""
        self._stopping = True
        asyncio.get_running_loop().call_later(grace_s, self._give_up)
        self._pump()

    def _give_up(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _pump(self) -> None:
        """Send whatever may be sent now; see to it that the rest is thought of."""
        now = _now()
        try:
            while sum(self._start(server, now) for server in self.servers):
                pass  # one for each server in turn, so that all have something to do
        except Exception as error:  # of whoever makes the prompts
            self._fail(error)
        if not self._tasks and (self._stopping or (self._all_read and not self._again)):
            self._ended.set()
        self._set_alarm(now)

    def _start(self, server: Server, now: float) -> bool:
        if (item := self._next(server, now)) is None:
            return False
        task = asyncio.get_running_loop().create_task(self._work(server, item))
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        server.in_flight += 1
        return True

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)
        self._pump()

    def _set_alarm(self, now: float) -> None:
        """Look again when the next server or request has waited long enough."""
        if self._alarm is not None:
            self._alarm.cancel()
        times = [server.paused_until for server in self.servers]
        times += [item.avoid_until for item in self._again]
        if not self._ended.is_set() and (later := [t for t in times if t > now]):
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_at(min(later), self._pump)

    def _next(self, server: Server, now: float) -> _Item | None:
        """Return what `server` may be asked next, None where that is nothing."""
        if self._stopping or self._held or not server.is_free(now):
            return None
        for at, item in enumerate(self._again):
            if item.avoid != server.url or item.avoid_until <= now:
                return self._again.pop(at)
        for position, prompt in self._fresh:
            return _Item(position, prompt)
        self._all_read = True
        return None

    async def _work(self, server: Server, first: _Item) -> None:
        """Ask one thing after the other, as long as the server has room."""
        item: _Item | None = first
        while item is not None:
            sent_at = _now()
            item.attempts += 1
            try:
                response = await self.ask(server.url, item.prompt, item.refusals)
            except Refusal as refusal:
                self._refused(server, item, refusal, sent_at)
            except asyncio.CancelledError:
                self.maybe_billed += 1
                raise
            else:
                self._answered(server, item, response)
            finally:
                server.in_flight -= 1
            now = _now()
            if (item := self._next(server, now)) is not None:
                server.in_flight += 1
                self._start(server, now)  # one more where the limit has grown

    def _answered(self, server: Server, item: _Item, response: Response) -> None:
        server.answers()
        self._last_answer = _now()
        if item.attempts > 1:
            response = msgspec.structs.replace(
                response, retries=item.attempts - 1, unanswered=item.unanswered
            )
            self.maybe_billed -= item.unanswered  # from here on the answer says it
        if not self._deliver(item.position, response):
            self._held = True

    def _refused(
        self, server: Server, item: _Item, refusal: Refusal, sent_at: float
    ) -> None:
        """Ask again later or elsewhere, or end the run."""
        if refusal.maybe_billed:
            item.unanswered += 1
            self.maybe_billed += 1
        item.refusals += refusal.status > 0
        if refusal.dead:
            item.attempts -= 1  # nothing was sent
        elif not refusal.busy or server.answered == item.seen:
            item.strikes += 1  # a busy server that answers others needs patience only
        item.seen = server.answered
        now = _now()
        if refusal.retry:
            server.refuses(refusal, now, sent_at)
            if server.paused_until - now > self.patience.max_wait_s:
                server.left_out = refusal
        if reason := self._hopeless(item, refusal, now):
            self.ended_by = self.ended_by or (server.url, refusal)
            self._fail(BackendError(reason))
        item.avoid, item.avoid_until = server.url, now
        if not refusal.busy and not refusal.dead:
            item.avoid_until += backoff(item.strikes - 1)
        self._again.append(item)

    def _hopeless(self, item: _Item, refusal: Refusal, now: float) -> str:
        """Why the run must end, empty where it may go on."""
        if not refusal.retry or item.strikes > self.patience.retries:
            times = f" (it was asked {item.attempts} times)" * (item.attempts > 1)
            return f"{refusal}{times}"
        sick = [(s, s.left_out) for s in self.servers if s.left_out is not None]
        if len(sick) < len(self.servers):
            return ""
        never = all(why.dead and not server.answered for server, why in sick)
        next_try = min(server.paused_until for server, _ in sick)
        silent_s = max(now - self._last_answer, next_try - now)
        if not never and silent_s <= self.patience.max_wait_s:
            return ""
        reasons = "; ".join(str(why) for _, why in sick)
        return reasons if len(sick) == 1 else f"no server answers: {reasons}"

    def _fail(self, error: BaseException) -> None:
        """End with this error; what is under way may still answer."""
        if self._error is None:
            self._error = error
        if not self._stopping:
            self.stop(_DRAIN_S)


def _now() -> float:
    return asyncio.get_running_loop().time()
