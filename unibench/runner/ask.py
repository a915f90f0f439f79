"""Ask a model what is not stored yet, and keep every answer as it comes."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import cast

import msgspec

from unibench.adapters.base import ModelAdapter
from unibench.backends.asking import Answers, ask_missing
from unibench.backends.store import ResponseStore
from unibench.runner.engine import Engine, LocalEngine
from unibench.runner.watch import Watcher
from unibench.schema.query import Prediction, Query, Response


def ask(
    adapter: ModelAdapter,
    queries: Sequence[Query],
    store: ResponseStore,
    watcher: Watcher | None = None,
    engine: Engine | None = None,
) -> Answers:
    """Return an answer to every query; equal requests are asked once.

    An error or an interrupt loses nothing: what was answered is in the store. Each
    new answer is read at once, so that a model whose answers make no sense is known
    in the first minute.

    Raises:
        BackendError: the model does not answer, or marks what the passage has not.
    """
    watch = watcher or Watcher()
    engine = engine or LocalEngine(adapter)

    def respond(positions: Sequence[int]) -> Iterator[tuple[int, Response]]:
        watch.asking(len(positions))
        asked = [queries[position] for position in positions]
        with closing(_closable(engine.respond(asked))) as answers:
            for position, response in answers:
                watch.answered(response)
                yield position, response  # it is kept before it is read
                watch.read(adapter.read(response, asked[position]))

    return ask_missing(
        [adapter.request_key(query) for query in queries],
        respond,
        store,
        watch.advance,
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


def _closable(
    answers: Iterator[tuple[int, Response]],
) -> Generator[tuple[int, Response], None, None]:
    """An adapter may return any iterator; a generator must be closed at once."""
    if isinstance(answers, Generator):
        return cast("Generator[tuple[int, Response], None, None]", answers)
    return (answer for answer in answers)
