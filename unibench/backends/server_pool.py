"""Share requests between servers: threads, bounded retries, dead servers left out."""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Callable, Iterator, Sequence

from unibench.backends.server_errors import Refusal
from unibench.errors import BackendError
from unibench.schema.query import Prompt, Response

Ask = Callable[[str, Prompt], Response]
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0


class ServerPool:
    """`concurrency` threads a server take prompts from one queue until it is empty.

    A server that cannot be reached is left out and its prompts go back to the queue;
    an error leaves the pool when no server is left, or when a prompt has been asked
    `retries` + 1 times.
    """

    def __init__(
        self,
        *,
        servers: Sequence[str],
        ask: Ask,
        concurrency: int,
        retries: int,
        max_wait_s: float,
    ) -> None:
        """Take the servers and the function that asks one of them."""
        self.servers, self.ask = tuple(servers), ask
        self.concurrency, self.retries = concurrency, retries
        self.max_wait_s = max_wait_s
        self._todo: queue.SimpleQueue[tuple[int, Prompt]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, Response] | BaseException] = (
            queue.SimpleQueue()
        )
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._dead: dict[str, Refusal] = {}
        self._alive: set[str] = set()

    def run(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Response]]:
        """Yield (position, response) as they come.

        Raises:
            BackendError: as the class says; also on Ctrl-C no thread stays behind
                that would start another request.
        """
        for item in enumerate(prompts):
            self._todo.put(item)
        workers = min(self.concurrency, len(prompts))
        for server in self.servers:
            for _ in range(workers):
                # daemons: an interrupted run does not wait for slow answers
                threading.Thread(target=self._work, args=(server,), daemon=True).start()
        try:
            for _ in prompts:
                done = self._done.get()
                if isinstance(done, BaseException):
                    raise done
                yield done
        finally:
            self._stop.set()

    def _work(self, server: str) -> None:
        while not self._stop.is_set() and server not in self._dead:
            try:
                position, prompt = self._todo.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                self._done.put((position, self._answer(server, prompt)))
                self._alive.add(server)
            except Refusal as refusal:
                self._given_up(server, refusal, (position, prompt))
            except BaseException as error:
                self._done.put(error)

    def _answer(self, server: str, prompt: Prompt) -> Response:
        """Ask until there is an answer or the retries are used up."""
        attempt = 0
        while True:
            try:
                return self.ask(server, prompt)
            except Refusal as refusal:
                unknown = refusal.dead and server not in self._alive
                last = attempt == self.retries or not refusal.retry
                if unknown or last or not self._wait(refusal, attempt):
                    raise
            attempt += 1

    def _wait(self, refusal: Refusal, attempt: int) -> bool:
        """Wait before the next attempt; False when that would be too long."""
        wait_s = refusal.wait_s
        if wait_s is None:
            wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**attempt)
            wait_s *= random.uniform(0.75, 1.0)  # noqa: S311
        if wait_s > self.max_wait_s:
            return False
        return not self._stop.wait(wait_s)

    def _given_up(
        self, server: str, refusal: Refusal, item: tuple[int, Prompt]
    ) -> None:
        """Leave out a dead server while others live, else end the run."""
        if self._stop.is_set():
            return
        with self._lock:
            if refusal.dead:
                self._dead[server] = refusal
                if len(self._dead) < len(self.servers):
                    self._todo.put(item)
                    return
        self._done.put(BackendError(str(refusal)))
