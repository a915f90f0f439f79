"""Options that say where a run's requests are answered, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from unibench.runner.engine import EngineSettings

F = TypeVar("F", bound=Callable[..., Any])

_ENGINE = (
    click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="Answer in this process, or on the workers of a Ray.",
    ),
    click.option(
        "--ray-address",
        default=None,
        metavar="ADDRESS",
        help="auto, local, HOST:PORT or ray://HOST:PORT; by default RAY_ADDRESS, or"
        " else a Ray of this run's own.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=None,
        metavar="N",
        help="How many workers; by default one a GPU, or as many as the CPUs hold.",
    ),
    click.option(
        "--worker-cpus",
        type=click.FloatRange(min=0),
        default=None,
        metavar="N",
        help="CPUs that each worker takes; by default 1.",
    ),
    click.option(
        "--worker-gpus",
        type=click.FloatRange(min=0),
        default=None,
        metavar="N",
        help="GPUs that each worker takes; by default 1 where Ray has any.",
    ),
)
_PROGRESS = (
    click.option(
        "--quiet",
        "progress",
        flag_value="quiet",
        type=click.Choice(["auto", "quiet", "json"]),
        default="auto",
        help="Show no progress, only errors and the result.",
    ),
    click.option(
        "--log-json",
        "progress",
        flag_value="json",
        type=click.Choice(["auto", "quiet", "json"]),
        help="Write progress to stderr as one JSON object a line, for log files.",
    ),
)


def engine_options(command: F) -> F:
    """Add the options of the engine."""
    for option in reversed(_ENGINE):
        command = option(command)
    return command


def progress_options(command: F) -> F:
    """Add the options of the display; where both are given the last one holds."""
    for option in reversed(_PROGRESS):
        command = option(command)
    return command


def engine_settings(
    engine: Literal["local", "ray"], chosen: MutableMapping[str, Any]
) -> EngineSettings:
    """Take the engine's options out of `chosen` and return them.

    Raises:
        UsageError: an option of Ray's is given for the local engine.
    """
    from unibench.runner.engine import EngineSettings

    names = {
        "ray_address": "address",
        "workers": "workers",
        "worker_cpus": "cpus",
        "worker_gpus": "gpus",
    }
    given = {
        field: value
        for option, field in names.items()
        if (value := chosen.pop(option)) is not None
    }
    if given and engine != "ray":
        spelt = [o for o, field in names.items() if field in given]
        options = ", ".join("--" + name.replace("_", "-") for name in spelt)
        raise click.UsageError(f"{options} needs --engine ray")
    return EngineSettings(name=engine, **given)
