"""The help of the publish and leaderboard commands: a sentence and an example each."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from unibench.cli import cli
from unibench.cli.publish import COMMANDS

PATHS = [*(("publish", name) for name in COMMANDS), ("leaderboard", "pull")]


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_loads_and_its_examples_are_of_that_command(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"], prog_name="unibench")
    assert result.exit_code == 0, result.output
    _, _, examples = result.output.partition("Example:")
    lines = [line.split() for line in examples.splitlines() if line.strip()]
    assert lines
    for words in lines:
        assert words[:3] == ["unibench", *path]


def test_the_examples_use_options_that_there_are() -> None:
    for group, name in PATHS:
        parent = cli.get_command(click.Context(cli), group)
        assert isinstance(parent, click.Group)
        command = parent.get_command(click.Context(parent), name)
        assert command is not None
        known = {option for param in command.params for option in param.opts}
        for word in (command.epilog or "").split():
            if word.startswith("-"):
                assert word in known, f"{group} {name}: {word}"


@pytest.mark.parametrize("name", ["results", "model", "benchmark", "dataset", "space"])
def test_what_sends_can_be_looked_at_first(name: str) -> None:
    group = cli.get_command(click.Context(cli), "publish")
    assert isinstance(group, click.Group)
    command = group.get_command(click.Context(group), name)
    assert command is not None
    options = {option for param in command.params for option in param.opts}
    assert {"--repo", "--dry-run", "--yes", "--output", "--json"} <= options
