"""Ask a model what is not stored yet, and keep every answer as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from unibench.adapters.base import ModelAdapter
from unibench.backends.asking import Answers, Progress, ask_missing
from unibench.backends.store import ResponseStore
from unibench.schema.query import Prediction, Query, Response


def ask(
    adapter: ModelAdapter,
    queries: Sequence[Query],
    store: ResponseStore,
    progress: Progress,
) -> Answers:
    """Return an answer to every query; equal requests are asked once.

    An error or an interrupt loses nothing: what was answered is in the store.
    """

    def respond(positions: Sequence[int]) -> Iterator[tuple[int, Response]]:
        return adapter.respond([queries[position] for position in positions])

    return ask_missing(
        [adapter.request_key(query) for query in queries],
        respond,
        store,
        progress,
        model=adapter.card.title or adapter.card.checkpoint.id,
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
