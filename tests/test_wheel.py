"""Wheel and sdist are complete, and work in a fresh environment without a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parent.parent
PLUGIN = REPOSITORY / "tests" / "plugin_package"
DATA_FOLDERS = ("dataset_cards", "label_maps", "models", "training", "reports")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel made from the sdist, as for a release."""
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--no-isolation", "-o", folder, REPOSITORY])
    return folder


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, built: Path) -> Path:
    """An environment with our wheel and somebody's plugin; returns its bin folder.

    What we depend on is lent by the environment of the tests through a path file;
    unibench itself is not, because an editable install is no plain folder there.
    """
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    run([sys.executable, "-m", "venv", folder])
    python = folder / "bin" / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(run([python, "-c", code]).strip())
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    (wheel,) = built.glob("*.whl")
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
    ]
    run([*pip, "--ignore-installed", wheel])
    run([*pip, "--no-build-isolation", PLUGIN])
    return folder / "bin"


def run(command: Sequence[str | Path], **environment: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/",
        env=os.environ | environment,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def data_files() -> set[str]:
    """What git tracks, or in an exported tree, which holds nothing else, all files."""
    if (REPOSITORY / ".git").exists():
        listed = run(["git", "-C", REPOSITORY, "ls-files", *DATA_FOLDERS]).split("\n")
        return {name for name in listed if name}
    paths = (path for name in DATA_FOLDERS for path in (REPOSITORY / name).rglob("*"))
    return {str(path.relative_to(REPOSITORY)) for path in paths if path.is_file()}


def test_the_wheel_holds_every_data_file(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"unibench/_data/{name}" for name in data_files()} <= names


def test_the_wheel_holds_the_code_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    code = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "unibench").rglob("*.py")
    }
    assert code <= names
    assert "unibench/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"unibench"}


def test_the_sdist_can_be_tested(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    expected = {*DATA_FOLDERS, "unibench", "tests", "docs", "README.md", "LICENSE"}
    assert expected <= tops


def test_a_fresh_environment_sees_no_checkout(fresh: Path) -> None:
    code = "import unibench.resources as r; print(r.data_root())"
    root = Path(run([fresh / "python", "-c", code]).strip())
    assert root.parts[-2:] == ("unibench", "_data")
    assert fresh.parent in root.parents


def test_the_wheel_runs_the_pipeline(fresh: Path, tmp_path: Path) -> None:
    out = run(
        [fresh / "unibench", "data", "list", "--json"], UNIBENCH_CACHE=str(tmp_path)
    )
    subsets = {row["subset"] for row in json.loads(out)}
    assert {"crossner_ai", "mini_law", "harbour_notes"} <= subsets


ANSWERS = {"person": "Ilse", "harbour": "Port Tarvo"}


class Server(BaseHTTPRequestHandler):
    """An OpenAI-compatible server that knows the harbour."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        asked = json.loads(self.rfile.read(length))["messages"][-1]["content"]
        kind = asked.split()[2]
        text = ANSWERS[kind] if "Ilse" in asked else ""
        choice = {"index": 0, "finish_reason": "stop"}
        choice |= {"message": {"role": "assistant", "content": text}}
        body = {"id": "1", "object": "chat.completion", "created": 0, "model": "shout"}
        body |= {"choices": [choice]}
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/v1"
        listening.shutdown()


def test_a_plugins_adapter_dataset_and_model_work_by_name(
    fresh: Path, tmp_path: Path, server: str
) -> None:
    out = run(
        [
            fresh / "unibench", "evaluate", "-m", "shout-server", "-d", "harbour_notes",
            "--base-url", server, "-o", tmp_path / "runs", "--json",
        ],
        UNIBENCH_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    (record,) = json.loads(out)["records"]
    assert record["scores"]["uniner"]["counts"] == {
        "correct": 2, "predicted": 2, "gold": 2
    }  # fmt: skip
    assert record["tally"]["queries"] == 4
