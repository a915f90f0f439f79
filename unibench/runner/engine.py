"""Where a run's requests are answered: in this process, or on the workers of a Ray."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

import msgspec

from unibench.adapters.base import ModelAdapter
from unibench.adapters.load import build_adapter
from unibench.errors import AdapterError
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Query, Response
from unibench.schema.record import EngineUse


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How many workers answer, and where.

    `address` is `auto`, `local`, `ray://HOST:PORT` or a head node's HOST:PORT; empty
    it is the variable RAY_ADDRESS, or else `local`. Without `workers` there is one
    for each GPU, or as many as the CPUs hold. `cpus` and `gpus` are what one worker
    declares to Ray; without `gpus` it is one GPU where there are any.
    """

    name: Literal["local", "ray"] = "local"
    address: str = ""
    workers: int | None = None
    cpus: float = 1.0
    gpus: float | None = None


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model's name and adapter, and whether its card alone can build it again."""

    name: str
    adapter: ModelAdapter
    from_card: bool


class Engine(Protocol):
    """Answers the requests of one model; a run uses one engine for all its subsets."""

    def respond(self, queries: Sequence[Query]) -> Iterator[tuple[int, Response]]:
        """Yield (position in `queries`, raw answer) as they come."""
        ...

    def use(self) -> EngineUse:
        """Return what has answered since the last call."""
        ...

    def close(self) -> None:
        """Stop what was started; what was not answered is dropped."""
        ...


class LocalEngine:
    """This process asks by itself."""

    def __init__(self, adapter: ModelAdapter) -> None:
        """Take the adapter that asks."""
        self.adapter = adapter

    def respond(self, queries: Sequence[Query]) -> Iterator[tuple[int, Response]]:
        """Let the adapter answer."""
        return self.adapter.respond(queries)

    def use(self) -> EngineUse:
        """Return one worker: this process."""
        return EngineUse()

    def close(self) -> None:
        """Nothing was started."""


class ModelSource(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker builds its adapter of: the card, or a pickled object."""

    name: str
    card: ModelCard
    pickled: bytes | None = None

    def build(self) -> ModelAdapter:
        """Return an adapter of the worker's own."""
        import pickle

        if self.pickled is None:
            return build_adapter(self.card, self.name)
        adapter: ModelAdapter = pickle.loads(self.pickled)  # noqa: S301 - our own
        return adapter


def source_of(model: Model, pickler: Any) -> ModelSource:
    """Return what workers need; `pickler` has `dumps` (Ray's own cloudpickle).

    A model of the catalogue or of a YAML file is built again from its card, so that
    weights are loaded where they are used. An object from Python code is pickled.

    Raises:
        AdapterError: the object cannot be pickled.
    """
    import pickle

    card = model.adapter.card
    if model.from_card:
        return ModelSource(name=model.name, card=card)
    try:
        pickled = pickler.dumps(model.adapter)
    except (pickle.PicklingError, TypeError, ValueError, RecursionError) as error:
        raise AdapterError(
            f"the model {model.name!r} cannot be sent to Ray's workers ({error}): open"
            " files, locks and clients in its methods, not in __init__, or give it as"
            " a model card, of which each worker builds its own"
        ) from error
    return ModelSource(name=model.name, card=card, pickled=pickled)
