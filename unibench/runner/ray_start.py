"""Join a Ray that runs, or start one of our own on this machine."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from typing import Any

from unibench.errors import RunError

LOCAL = "local"

_LOG = logging.getLogger(__name__)
_CONNECT_S = 10.0
_STARTS = 3
_RAYS_PARAGRAPH = "A worker died or was killed while executing"


def quieten() -> None:
    """Set what Ray reads when it is imported; what the user has set stays."""
    # Ray prints a paragraph for each lost worker; ours is a line (see ray_pool).
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", _RAYS_PARAGRAPH)
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")


def join(address: str, cpus: int) -> None:
    """Connect this process to the Ray at `address`, or to a new one with `cpus`.

    Raises:
        RunError: nothing answers there, or Ray cannot be started here.
    """
    terminated = signal.getsignal(signal.SIGTERM)
    if address == LOCAL:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        _start(cpus)
    else:
        check_listening(address)
        try:
            _init(address)
        except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
            raise _unreachable(address, error) from error
    # Ray puts a handler of its own there, which would hide the summary of a run.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, terminated)


def check_listening(address: str) -> None:
    """Give up at once where nobody listens; Ray itself would try for many minutes.

    Raises:
        RunError: the address names a host and port, and nothing answers there.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S):
            return
    except OSError as error:
        raise _unreachable(address, error) from error


def _start(cpus: int) -> None:
    """Start a Ray; its own processes get 15 s, too few where a machine is busy."""
    import ray

    for attempt in range(_STARTS):
        try:
            _init(LOCAL, include_dashboard=False, num_cpus=cpus)
        except Exception as error:  # Ray raises the base class itself (its issue 65983)
            ray.shutdown()
            if attempt + 1 == _STARTS:
                raise RunError(
                    f"Ray cannot be started on this machine ({error}); is it very busy?"
                    " Its logs lie in /tmp/ray/session_latest/logs"
                ) from error
            _LOG.warning("Ray did not start (%s); it is started again", error)
        else:
            return


def _init(address: str, **options: Any) -> None:
    import ray

    ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **options)


def _unreachable(address: str, error: Exception) -> RunError:
    return RunError(
        f"no Ray answers at {address!r} ({error}); start one with 'ray start --head'"
        " (where Ray asks for a token, set RAY_AUTH_MODE=token), or leave"
        " --ray-address out to use this machine alone"
    )
