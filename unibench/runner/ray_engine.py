"""Ray: started or joined when the first request must be asked, left at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from typing import Any

from unibench.errors import MissingExtraError, RunError
from unibench.runner.engine import EngineSettings, Model, source_of
from unibench.runner.ray_actors import RayActors
from unibench.runner.ray_pool import RayPool
from unibench.runner.ray_start import LOCAL, join, quieten
from unibench.runner.ray_worker import Worker
from unibench.schema.query import Query, Response
from unibench.schema.record import EngineUse


class RayEngine:
    """Actors on a Ray answer; this process alone sees the response store."""

    def __init__(self, model: Model, settings: EngineSettings) -> None:
        """Take the model; Ray is not touched before the first request.

        Raises:
            AdapterError: the model is an object that cannot be sent to workers.
            MissingExtraError: Ray is not installed.
        """
        quieten()
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError("--engine ray", "ray") from error
        self.model, self.settings = model, settings
        self._source = source_of(model, ray.cloudpickle)
        self._pool: RayPool | None = None
        self._started_ray = False
        self._lost_before = 0
        self._asked = False

    def respond(self, queries: Sequence[Query]) -> Iterator[tuple[int, Response]]:
        """Yield (position, answer) of every query, in the order they come."""
        if self._pool is None:
            self._pool = self._start()
        self._asked = True
        # What else Ray has to say it says on stdout, which is the results' own.
        with redirect_stdout(sys.stderr):
            yield from self._pool.run(queries, self.model.adapter.request_key)

    def use(self) -> EngineUse:
        """Return the workers and their hardware; none where all answers were kept."""
        if self._pool is None or not self._asked:
            return EngineUse(name="ray", workers=0)
        lost, self._lost_before = self._pool.lost - self._lost_before, self._pool.lost
        self._asked = False
        return EngineUse(
            name="ray",
            workers=self._pool.workers,
            lost=lost,
            hardware=self._pool.hardware(),
        )

    def close(self) -> None:
        """Stop the workers, and Ray where it was started here."""
        import ray

        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self._started_ray:
            ray.shutdown()
            self._started_ray = False

    def _start(self) -> RayPool:
        import ray

        if not ray.is_initialized():
            self._join()
        workers, options = place(self.settings, _resources())
        if self.settings.workers is None and workers < 1:
            raise RunError(
                f"no worker with {options} fits on this Ray ({_told()}); ask for less"
                " with --worker-cpus and --worker-gpus, or give --workers N to wait"
                " for nodes that are still to come"
            )
        actor = ray.remote(Worker).options(**options)
        # One copy of card and code in Ray's store for all workers.
        source = ray.put(self._source)
        return RayPool(RayActors(lambda: actor.remote(source)), workers)

    def _join(self) -> None:
        address = self.settings.address or os.environ.get("RAY_ADDRESS") or LOCAL
        join(address, self._cpus())
        self._started_ray = True

    def _cpus(self) -> int:
        """A Ray of our own has room for the workers that were asked for."""
        wanted = (self.settings.workers or 0) * self.settings.cpus
        return max(os.cpu_count() or 1, -int(-wanted // 1))


def place(
    settings: EngineSettings, resources: dict[str, float]
) -> tuple[int, dict[str, Any]]:
    """Return the number of workers and what each declares, for what a cluster has."""
    gpus = settings.gpus
    if gpus is None:
        gpus = 1.0 if resources.get("GPU", 0) else 0.0
    options = {"num_cpus": settings.cpus, "num_gpus": gpus}
    if settings.workers is not None:
        return settings.workers, options
    rooms = [resources.get("CPU", 0) / settings.cpus] if settings.cpus else []
    rooms += [resources.get("GPU", 0) / gpus] if gpus else []
    return int(min(rooms, default=1)), options


def _resources() -> dict[str, float]:
    import ray

    known: Any = ray
    return dict(known.cluster_resources())


def _told() -> str:
    known = _resources()
    return ", ".join(f"{known.get(name, 0):g} {name}s" for name in ("CPU", "GPU"))
