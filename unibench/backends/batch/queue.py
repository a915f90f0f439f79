"""Which requests still have to be sent in a batch, and in which form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from unibench.backends.batch.files import BatchRequest
from unibench.backends.batch.ledger import ANSWERED, UNDER_WAY, BatchLedger, Tried
from unibench.backends.openai import OpenAIBackend
from unibench.backends.store import ResponseStore
from unibench.schema.query import Prompt

MAX_TRIES = 3
"""A request that was refused in so many batches is not sent in another one."""
_CHUNK = 500
_NO_SCHEMA = tuple(f"refused {status}" for status in (400, 404, 415, 422, 501))
_STRUCTURED = "structured_output"


class Ask(msgspec.Struct, frozen=True):
    """A request by its key; `expected` are prompt and completion tokens, estimated."""

    key: str
    prompt: Prompt
    expected: tuple[int, int] = (0, 0)


class Queue:
    """Passes on what is neither stored nor under way, each request once.

    `lost` are our ids of batches whose answers were collected once and are not in
    the store any more; `given_up` counts requests that were refused too often,
    `elsewhere` those that lie in a batch at another server.
    """

    def __init__(
        self, backend: OpenAIBackend, store: ResponseStore, ledger: BatchLedger
    ) -> None:
        """Take where answers and batches are looked up."""
        self.backend, self.store, self.ledger = backend, store, ledger
        self.lost: set[str] = set()
        self.given_up = self.elsewhere = 0
        self.why = ""
        batches = ledger.batches(backend.urls[0], backend.model)
        self._here = {batch.id for batch in batches}
        self._lately: tuple[set[str], set[str]] = (set(), set())

    def begin_file(self, batch: str) -> None:
        """The file of the requests so far is complete, and will be a batch of ours."""
        self._here.add(batch)
        # The ledger was asked about the current chunk before it knew of this file.
        self._lately = (set(), self._lately[0])

    def unsent(self, asks: Iterable[Ask]) -> Iterator[BatchRequest]:
        """Yield what is to be sent."""
        stream = iter(asks)
        while chunk := {ask.key: ask for ask in islice(stream, _CHUNK)}:
            keys = list(chunk)
            stored = self.store.get(keys)
            keys = [key for key in keys if key not in stored]
            under_way = self.ledger.lying_in(keys, UNDER_WAY)
            collected = self.ledger.lying_in(keys, ANSWERED)
            tried = self.ledger.tried(keys)
            for key in keys:
                if any(key in lately for lately in self._lately):
                    continue
                if key in under_way:
                    self.elsewhere += under_way[key] not in self._here
                elif key in collected:
                    self.lost.add(collected[key])
                elif key in tried and tried[key].times >= MAX_TRIES:
                    self.given_up += 1
                    self.why = tried[key].reason
                else:
                    self._lately[0].add(key)
                    yield self._request(chunk[key], tried.get(key))

    def _request(self, ask: Ask, tried: Tried | None) -> BatchRequest:
        """Ask without a schema where the server refused the request with one."""
        url = self.backend.urls[0]
        structured = self.backend.wants_schema(url, ask.prompt)
        if tried is not None and self.backend.options.structured_output == "auto":
            refused = tried.reason.startswith(_NO_SCHEMA)
            structured = structured and not (refused and _STRUCTURED in tried.flags)
            structured = structured and "unsupported" not in tried.flags
        endpoint, body = self.backend.batch_request(ask.prompt, structured=structured)
        return BatchRequest(
            key=ask.key,
            endpoint=endpoint,
            body=body,
            flags=self.backend.schema_flags(ask.prompt, structured=structured),
            expected=ask.expected,
        )
