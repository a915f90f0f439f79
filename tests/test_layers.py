"""Imports point downwards, in no circle, and nothing heavy is imported at start-up."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import unibench

ROOT = Path(unibench.__file__).parent
BASE = {"errors", "registry", "resources"}
LOW = {"schema", "data", "scoring", "backends"}
BELOW = {
    "schema": set[str](),
    "data": {"schema"},
    "scoring": {"schema"},
    "backends": {"schema"},
    "adapters": {"schema", "backends"},
    "runner": LOW | {"adapters"},
    "distill": LOW - {"scoring"} | {"adapters"},
    "train": LOW - {"scoring"} | {"adapters", "runner", "distill"},
    "reporting": {"schema", "scoring", "runner"},
    "publish": {"schema", "data", "runner", "reporting"},
    "cli": LOW | {"adapters", "runner", "distill", "train", "reporting", "publish"},
}
HEAVY = {
    "torch", "transformers", "datasets", "pandas", "matplotlib", "openai", "httpx",
    "aiohttp", "ray", "pyarrow", "numpy", "spacy", "nltk",
}  # fmt: skip
MAX_LINES = 400
MAX_FUNCTION_LINES = 50


def name_of(path: Path) -> str:
    """The test id of a module: its path below the package."""
    return str(path.relative_to(ROOT))


def imports(path: Path) -> list[tuple[str, int]]:
    """Every name that `path` imports from unibench, at any depth, and the line."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [(f"{node.module}.{a.name}", node.lineno) for a in node.names]
        elif isinstance(node, ast.Import):
            found += [(a.name, node.lineno) for a in node.names]
    return [(name, line) for name, line in found if name.startswith("unibench.")]


@pytest.mark.parametrize("path", sorted(ROOT.glob("*/**/*.py")), ids=name_of)
def test_imports_point_downwards(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0]
    for name, line in imports(path):
        target = name.split(".")[1]
        assert target in BELOW[layer] | BASE | {layer}, f"line {line}: {name}"


@pytest.mark.parametrize("name", sorted(BASE))
def test_base_modules_import_nothing_above_the_schema(name: str) -> None:
    for imported, line in imports(ROOT / f"{name}.py"):
        assert imported.split(".")[1] in BASE | {"schema"}, f"line {line}: {imported}"


def import_graph() -> dict[str, set[str]]:
    paths = {
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts): path
        for path in ROOT.rglob("*.py")
    }
    return {
        module: {
            other
            for name, _ in imports(path)
            for other in paths
            if f"{name}.".startswith(f"{other}.") and other != module
        }
        for module, path in paths.items()
    }


def test_no_import_cycle() -> None:
    tuple(TopologicalSorter(import_graph()).static_order())  # CycleError shows it


@pytest.mark.parametrize("path", sorted(ROOT.glob("*/**/*.py")), ids=name_of)
def test_nobody_inside_imports_the_public_namespace(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.module != "unibench", f"line {node.lineno}"


@pytest.mark.parametrize("code", ["import unibench, unibench.cli", "HELP"])
def test_start_up_imports_nothing_heavy(code: str) -> None:
    if code == "HELP":
        code = (
            "import unibench.cli as c\ntry: c.main(['--help'])\nexcept SystemExit: pass"
        )
    run = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not HEAVY & set(run.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=name_of)
def test_modules_and_functions_are_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= MAX_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno
            assert length < MAX_FUNCTION_LINES, node.name
