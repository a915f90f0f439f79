"""What a record says of how it was made."""

from __future__ import annotations

import sys

import pytest

from unibench.runner.environment import environment


@pytest.mark.parametrize(
    ("program", "command"),
    [
        pytest.param("/opt/bin/unibench", "unibench", id="script"),
        pytest.param("/opt/unibench/__main__.py", "python -m unibench", id="module"),
    ],
)
def test_the_command_can_be_typed_again(
    program: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [program, "evaluate", "-m", "my model"])
    assert environment().command == f"{command} evaluate -m 'my model'"
