"""Ask for what is not stored yet, and keep every answer as it comes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import msgspec

from unibench.backends.store import ResponseStore
from unibench.errors import BackendError
from unibench.schema.query import Response
from unibench.schema.record import Usage

Progress = Callable[[int], None]
"""Told how many further requests were answered."""

Respond = Callable[[Sequence[int]], Iterator[tuple[int, Response]]]
"""Asks the requests at these positions; yields (position in them, answer)."""


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

    An error or an interrupt loses nothing: what was answered is in the store.

    Raises:
        BackendError: `respond` left a request without an answer.
    """
    started = time.monotonic()
    copies = Counter(keys)
    first: dict[str, int] = {}
    for position, key in enumerate(keys):
        first.setdefault(key, position)
    stored = store.get(keys)
    progress(sum(copies[key] for key in stored))
    missing = [key for key in first if key not in stored]
    fresh: dict[str, Response] = {}
    if missing:
        for position, response in respond([first[key] for key in missing]):
            key = missing[position]
            store.put({key: response})
            fresh[key] = response
            progress(copies[key])
    answers = stored | fresh
    if unanswered := len(first) - len(answers):
        raise BackendError(
            f"{model} left {unanswered} of {len(first)} requests without an answer;"
            " run it again to ask those"
        )
    usage = Usage(
        seconds=time.monotonic() - started,
        requests=len(fresh),
        reused=len(stored),
        prompt_tokens=sum(r.prompt_tokens or 0 for r in fresh.values()),
        completion_tokens=sum(r.completion_tokens or 0 for r in fresh.values()),
    )
    return Answers(
        keys=tuple(keys), responses=tuple(answers[key] for key in keys), usage=usage
    )
