"""Every command's help loads, and ends with an example that names a real command."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from unibench.cli import COMMANDS, cli, main


def commands() -> list[tuple[str, ...]]:
    """The path of every command, groups' own commands too."""
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        found.append((name,))
        if isinstance(command, click.Group):
            found += [(name, inner) for inner in command.commands]
    return found


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_help_has_a_sentence_and_an_example(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"], prog_name="unibench")
    assert result.exit_code == 0
    assert "Example:" in result.output
    _, _, examples = result.output.partition("Example:")
    for line in filter(None, map(str.strip, examples.splitlines())):
        assert line.startswith("unibench "), line
        assert line.split()[1] in COMMANDS


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        pytest.param(["evalute"], 2, "Did you mean evaluate", id="unknown-command"),
        pytest.param(["evaluate"], 2, "Missing option", id="missing-option"),
        pytest.param(
            ["evaluate", "-m", "spacy-en-md", "-d", "mini"],
            1,
            "Error: no model is called 'spacy-en-md'. Did you mean 'spacy-en-sm'",
            id="unknown-model",
        ),
        pytest.param(
            ["evaluate", "-m", "spacy-en-sm", "-d", "mimi"],
            1,
            "Did you mean 'mini'",
            id="unknown-dataset",
        ),
        pytest.param(["rescore", "/no/such/run"], 2, "does not exist", id="no-run"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(
    args: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(args)
    assert stopped.value.code == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_an_interrupt_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 130
    assert "run the command again to go on" in capsys.readouterr().err


def test_a_full_disk_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device", "runs/x/record.json")

    monkeypatch.setattr(cli, "main", full)
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 1
    assert "the disk is full (runs/x/record.json)" in capsys.readouterr().err
