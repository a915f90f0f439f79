"""Ask a model what is not stored yet, and keep every answer as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from unibench.adapters.base import ModelAdapter
from unibench.backends.store import ResponseStore
from unibench.errors import BackendError
from unibench.schema.query import Prediction, Query, Response
from unibench.schema.record import Usage

Progress = Callable[[int], None]
"""Told how many further queries were answered."""


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """The response to each query, in order, with its key and what it took."""

    keys: tuple[str, ...]
    responses: tuple[Response, ...]
    usage: Usage


def ask(
    adapter: ModelAdapter,
    queries: Sequence[Query],
    store: ResponseStore,
    progress: Progress,
) -> Answers:
    """Return an answer to every query; equal requests are asked once.

    An error or an interrupt loses nothing: what was answered is in the store.
    """
    started = time.monotonic()
    keys = tuple(adapter.request_key(query) for query in queries)
    copies: dict[str, int] = {}
    first: dict[str, Query] = {}
    for key, query in zip(keys, queries, strict=True):
        copies[key] = copies.get(key, 0) + 1
        first.setdefault(key, query)
    stored = store.get(keys)
    progress(sum(copies[key] for key in stored))
    missing = [key for key in first if key not in stored]
    fresh: dict[str, Response] = {}
    if missing:
        for position, response in adapter.respond([first[key] for key in missing]):
            key = missing[position]
            store.put({key: response})
            fresh[key] = response
            progress(copies[key])
    answers = stored | fresh
    if unanswered := len(first) - len(answers):
        raise BackendError(
            f"{adapter.card.title or adapter.card.checkpoint.id} left {unanswered} of"
            f" {len(first)} requests without an answer; run it again to ask those"
        )
    usage = Usage(
        seconds=time.monotonic() - started,
        requests=len(fresh),
        reused=len(stored),
        prompt_tokens=sum(r.prompt_tokens or 0 for r in fresh.values()),
        completion_tokens=sum(r.completion_tokens or 0 for r in fresh.values()),
    )
    return Answers(
        keys=keys, responses=tuple(answers[key] for key in keys), usage=usage
    )


def read_all(
    adapter: ModelAdapter, queries: Sequence[Query], answers: Answers
) -> list[Prediction]:
    """Return what the stored answers say, each with the key of its answer."""
    return [
        msgspec.structs.replace(adapter.read(response, query), response_key=key)
        for query, response, key in zip(
            queries, answers.responses, answers.keys, strict=True
        )
    ]
