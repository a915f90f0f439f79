"""Evaluate through the Batch API: submit, leave, come back, score what is whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from unibench.adapters.base import GenerativeAdapter
from unibench.backends.batch.queue import Ask
from unibench.backends.batch.run import BatchRun, BatchStatus
from unibench.backends.batch.send import BatchOptions, Note
from unibench.backends.store import ResponseStore
from unibench.data.catalogue import resolve
from unibench.errors import RunError, UnavailableError
from unibench.runner.evaluate import (
    Settings,
    Skipped,
    evaluate_each,
    named_model,
    plan_of,
)
from unibench.runner.price import Estimator, price_of_model
from unibench.runner.watch import Watcher
from unibench.schema.record import RunRecord

_CHUNK = 1000


class Pending(msgspec.Struct, frozen=True):
    """A subset some of whose answers are not there yet."""

    subset: str
    requests: int
    missing: int


def evaluate_in_batches(
    model: str,
    names: Sequence[str],
    settings: Settings,
    places: tuple[Path, Watcher],
    batching: tuple[BatchOptions, Note],
) -> Iterator[BatchStatus | RunRecord | Skipped | Pending]:
    """Yield how the batches stand, then a record for each subset that is answered.

    `places` are the folder for records and who watches; `batching` how batches are
    sent and who is told of them. The requests of all subsets share batches.

    Raises:
        UnibenchError: a name is unknown, the model has no server, the server refuses.
    """
    name, adapter = named_model(model, settings)
    if not isinstance(adapter, GenerativeAdapter):
        raise RunError(
            f"{name} runs in this process; --batch needs a model behind an"
            " OpenAI-compatible server"
        )
    work = _Work(adapter, names, settings)
    with ResponseStore() as store:
        run = BatchRun(adapter.backend, store, price_of_model(adapter), *batching)
        yield run.run(work.asks)
        pending = {found.subset: found for found in work.pending(store)}
    yield from work.skipped
    yield from pending.values()
    if whole := [subset for subset in work.subsets if subset not in pending]:
        output, watcher = places
        asking = msgspec.structs.replace(settings, budget_usd=None)
        yield from evaluate_each(model, whole, asking, output, watcher)


class _Work:
    """The subsets of a run that are on this machine, and their requests."""

    def __init__(
        self, adapter: GenerativeAdapter, names: Sequence[str], settings: Settings
    ) -> None:
        self.adapter, self.settings = adapter, settings
        self.estimator = Estimator(adapter)
        self.subsets: list[str] = []
        self.skipped: list[Skipped] = []
        for subset in resolve(names):
            try:
                plan_of(subset, adapter, settings)
            except UnavailableError as error:
                if subset in names:
                    raise
                self.skipped.append(Skipped(subset, str(error)))
            else:
                self.subsets.append(subset)
        if not self.subsets:
            raise RunError(
                f"none of the subsets of {', '.join(names)} is on this machine;"
                " 'unibench data list' shows what can be prepared"
            )

    def asks(self) -> Iterator[Ask]:
        """Yield every request with what it will probably take."""
        for subset in self.subsets:
            queries = plan_of(subset, self.adapter, self.settings).queries
            for start in range(0, len(queries), _CHUNK):
                chunk = queries[start : start + _CHUNK]
                expected = self.estimator.tokens(chunk)
                for query, tokens in zip(chunk, expected, strict=True):
                    yield Ask(
                        self.adapter.request_key(query),
                        self.adapter.render(query),
                        (tokens.prompt, tokens.completion),
                    )

    def pending(self, store: ResponseStore) -> Iterator[Pending]:
        """Yield the subsets that cannot be scored yet."""
        for subset in self.subsets:
            queries = plan_of(subset, self.adapter, self.settings).queries
            keys = {self.adapter.request_key(query) for query in queries}
            stored = sum(len(store.get(part)) for part in _parts(sorted(keys)))
            if missing := len(keys) - stored:
                yield Pending(subset, len(keys), missing)


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _CHUNK):
        yield keys[start : start + _CHUNK]
