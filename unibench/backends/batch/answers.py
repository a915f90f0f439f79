"""From the files of a finished batch to answers in the store, all counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import msgspec

from unibench.backends.batch.files import Line, read_lines
from unibench.backends.batch.ledger import ANSWERED, Batch, BatchLedger
from unibench.backends.openai import OpenAIBackend
from unibench.backends.openai_wire import read_reply
from unibench.backends.server_errors import Refusal, refusal_in
from unibench.backends.store import ResponseStore
from unibench.schema.query import Response

BATCHED = "batch"
"""The flag of an answer that came from a batch, at the Batch API's price."""
_NEVER_ASKED = {"batch_expired": "expired", "batch_cancelled": "cancelled"}
_CHUNK = 500


class Harvest:
    """What the files of one batch hold: answers, refusals, and what fits nowhere."""

    def __init__(self, requests: Mapping[str, str]) -> None:
        """Take the batch's requests: key -> the flags of its answer."""
        self.requests = requests
        self.answered: set[str] = set()
        self.odd: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.prompt_tokens = self.completion_tokens = 0

    def said(self) -> str:
        """Say in words what was odd, nothing where all is well."""
        return ", ".join(f"{count:,} {kind}" for kind, count in self.odd.items())


def harvest(
    batch: Batch,
    paths: Sequence[Path],
    backend: OpenAIBackend,
    store: ResponseStore,
    ledger: BatchLedger,
) -> Harvest:
    """Put the answers in the store and the ends of all requests in the ledger.

    It may be broken off at any moment and done again: an answer is in the store
    before the ledger says so.
    """
    found = Harvest(ledger.requests_of(batch))
    lines = chain.from_iterable(read_lines(path) for path in paths)
    for chunk in _chunks(_known(lines, found)):
        answers: dict[str, Response] = {}
        outcomes: dict[str, str] = {}
        for line in chunk:
            response, outcome = _read(line, found, backend)
            if response is not None:
                answers[line.key] = response
                found.answered.add(line.key)
            outcomes[line.key] = outcome
        store.put(answers)
        ledger.settle(batch, outcomes)
    return found


def _known(lines: Iterable[Line | None], found: Harvest) -> Iterator[Line]:
    """Yield the lines that answer a request of this batch, each request once."""
    settled: set[str] = set()
    for line in lines:
        if line is None:
            found.odd["unreadable lines"] += 1
        elif line.key not in found.requests:
            found.odd["lines with an unknown id"] += 1
        elif line.key in settled:
            found.odd["lines with an id that came before"] += 1
        else:
            if line.answered:
                settled.add(line.key)  # an answer wins over a refusal in any order
            yield line


def _read(
    line: Line, found: Harvest, backend: OpenAIBackend
) -> tuple[Response | None, str]:
    """Return the answer if there is one, and how the request ended."""
    if line.key in found.answered:
        return None, ANSWERED
    if not line.answered:
        return _refused(line, found, backend)
    usage = _usage(line.body)
    found.prompt_tokens += usage.prompt_tokens or 0
    found.completion_tokens += usage.completion_tokens or 0
    try:
        reply = read_reply(line.body, backend.urls[0])
    except Refusal as refusal:
        found.reasons[str(refusal)] += 1
        return None, f"refused {line.status}: {refusal}"
    flags = (*found.requests[line.key].split(), BATCHED)
    return backend.response(reply, latency_s=None, flags=flags), ANSWERED


def _refused(
    line: Line, found: Harvest, backend: OpenAIBackend
) -> tuple[Response | None, str]:
    """Return how a request without an answer ended, which may be as good as one."""
    if line.code in _NEVER_ASKED:
        return None, _NEVER_ASKED[line.code]
    url, model = backend.urls[0], backend.model
    if reason := refusal_in(line.status, {}, line.body, url, model).finish_reason:
        return Response("", reason, model=backend.card.checkpoint.id), ANSWERED
    found.reasons[line.reason] += 1
    return None, f"refused {line.status}: {line.reason}"


def _chunks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


class _Tokens(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Billed(msgspec.Struct):
    usage: _Tokens | None = None


def _usage(body: bytes) -> _Tokens:
    """The tokens that the server counted, also where the answer is of no use."""
    try:
        return msgspec.json.decode(body, type=_Billed).usage or _Tokens()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _Tokens()
