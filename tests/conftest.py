"""What every test gets: its own cache, no network but loopback, real files if any."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

LOCAL = {"127.0.0.1", "::1", "localhost"}
REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def own_world(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Give the test a cache of its own and keep it off the network."""
    monkeypatch.setenv("UNIBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("UNIBENCH_PATH", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    connect = socket.socket.connect

    def connect_locally(sock: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in LOCAL:
            raise OSError(f"a test tried to reach {address[0]}")
        connect(sock, address)

    if request.node.get_closest_marker("network") is None:
        monkeypatch.setattr(socket.socket, "connect", connect_locally)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real raw files; the test is skipped where there is none."""
    named = os.environ.get("UNIBENCH_REAL_DATA")
    path = Path(named) if named else REPOSITORY.parent / "shared" / "data" / "raw"
    if not path.is_dir():
        pytest.skip(
            "no real raw files: set UNIBENCH_REAL_DATA to a folder that holds them"
        )
    return path
