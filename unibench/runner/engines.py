"""Choose the engine of a run."""

from __future__ import annotations

from unibench.runner.engine import Engine, EngineSettings, LocalEngine, Model


def open_engine(model: Model, settings: EngineSettings) -> Engine:
    """Return the engine that `settings` ask for; Ray is started when it is needed.

    Raises:
        AdapterError: the model is an object that cannot be sent to workers.
        MissingExtraError: Ray is not installed.
    """
    if settings.name == "local":
        return LocalEngine(model.adapter)
    from unibench.runner.ray_engine import RayEngine

    return RayEngine(model, settings)
