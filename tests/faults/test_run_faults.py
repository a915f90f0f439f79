"""The faults of a run itself: its workers, its driver, and who stops it.

Each row is the real command in a process of its own, with a model that notes every
text it is asked. Lost is an answer that the store had and the next run asks again;
repeated is a text that was asked twice. The same rows stand in docs/scale.md.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from unibench.backends.store import ResponseStore
from unibench.runner.ray_chunks import ATTEMPTS
from unibench.runner.ray_worker import FLUSH_ANSWERS

REPOSITORY = Path(__file__).parent.parent.parent
COUNT = 200
SHELF = {
    "dataset_cards/harbour.yaml": """
title: Harbour
domain: Transportation
license: CC0-1.0
homepage: https://example.org
citation: invented
sources: [{title: beside the card, path: harbour}]
format: {name: columns}
splits: {test: test.tsv}
""",
    "dataset_cards/harbour/test.tsv": "\n".join(
        f"Ilse{n}\tB-PER\nmoored\tO\nin\tO\nParis\tB-LOC\n" for n in range(COUNT)
    ),
    "label_maps/harbour.yaml": "labels: {PER: person, LOC: location}\n",
    "models/noting.yaml": """
adapter: callable
options: {function: "noting:find"}
checkpoint: {id: noting, revision: "1"}
""",
    "noting.py": """
import os, pathlib, signal, time

ASKED = pathlib.Path(os.environ["ASKED"])
FATAL = os.environ.get("FATAL", "")

def find(text, types):
    time.sleep(float(os.environ["SLOW_S"]))
    with ASKED.open("a") as stream:
        stream.write(f"{os.getpid()} {text}\\n")
    if FATAL and f"{FATAL} " in text:
        os.kill(os.getpid(), signal.SIGKILL)
    return [("location", "Paris")]
""",
}
RAY = ("--engine", "ray", "--ray-address", "local", "--workers", "2")
START_S = 120.0


class Place:
    """A folder with a dataset and a model, and the runs that are made there."""

    def __init__(self, folder: Path, *engine: str) -> None:
        self.folder, self.engine = folder, engine
        for name, content in SHELF.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8")

    def start(self, **variables: str) -> subprocess.Popen[str]:
        """Start the command, in a process group of its own as a shell would."""
        environment = os.environ | {
            "UNIBENCH_PATH": str(self.folder),
            "UNIBENCH_CACHE": str(self.folder / "cache"),
            "PYTHONPATH": str(self.folder),
            "ASKED": str(self.folder / "asked"),
            "SLOW_S": "0.1",
        }
        return subprocess.Popen(
            [
                sys.executable, "-m", "unibench", "evaluate", "-m", "noting",
                "-d", "harbour", "--json", "--log-json", *self.engine,
            ],
            cwd=self.folder,
            env=environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )  # fmt: skip

    def asked(self) -> list[str]:
        """The texts that were asked, in order."""
        return [line.partition(" ")[2] for line in self._notes()]

    def workers(self) -> list[int]:
        """The processes that asked."""
        return sorted({int(line.partition(" ")[0]) for line in self._notes()})

    def wait_for(self, count: int, process: subprocess.Popen[str]) -> None:
        """Wait until so many texts were asked."""
        until = time.monotonic() + START_S
        while len(self.asked()) < count:
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                pytest.fail(f"the run did not come so far: {process.communicate()}")
            time.sleep(0.02)

    def wait_for_the_end_of_workers(self) -> None:
        """Wait until none of the processes that asked is left."""
        until = time.monotonic() + START_S
        for worker in self.workers():
            while Path(f"/proc/{worker}").exists() and time.monotonic() < until:
                time.sleep(0.05)

    def stored(self) -> int:
        """How many answers are kept."""
        with ResponseStore(self.folder / "cache" / "responses.sqlite") as store:
            return len(store)

    def finish(self, **variables: str) -> dict[str, Any]:
        """Run to the end, and return the record."""
        out, err = (process := self.start(**variables)).communicate(timeout=300)
        assert process.returncode == 0, err
        (record,) = json.loads(out)["records"]
        assert isinstance(record, dict)
        return record

    def _notes(self) -> list[str]:
        file = self.folder / "asked"
        return file.read_text("utf-8").splitlines() if file.exists() else []


def stopped(number: int, *, group: bool = False) -> Callable[[Place], int]:
    """End the driver by a signal; return how many texts may be asked again."""

    def fault(place: Place) -> int:
        process = place.start()
        place.wait_for(COUNT // 4, process)
        (os.killpg if group else os.kill)(process.pid, number)
        _, err = process.communicate(timeout=60)
        clean = number != signal.SIGKILL
        assert process.returncode == (128 + number if clean else -number), err
        rows = [json.loads(line) for line in err.splitlines() if line[:1] == "{"]
        if clean:
            assert rows[-1]["event"] == "interrupted"
            assert rows[-1]["run_done"] == place.stored()
            assert "unibench evaluate -m noting -d harbour" in rows[-1]["message"]
        place.wait_for_the_end_of_workers()
        if place.engine and not clean:  # they go on until Ray sees that nobody listens
            return len(place.asked()) - place.stored()
        return 2 * FLUSH_ANSWERS if place.engine else 1

    return fault


def worker_killed(place: Place) -> int:
    """Kill one of two workers; the same run goes on."""
    process = place.start()
    place.wait_for(COUNT // 4, process)
    os.kill(place.workers()[0], signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    (record,) = json.loads(out)["records"]
    engine = record["environment"]["engine"]
    assert (engine["name"], engine["workers"], engine["lost"]) == ("ray", 2, 1)
    assert "a worker was lost" in err
    assert record["usage"]["requests"] == COUNT
    return FLUSH_ANSWERS


def passage_kills(place: Place) -> int:
    """One text kills whoever is asked it."""
    _, err = (process := place.start(FATAL="Ilse77")).communicate(timeout=300)
    assert process.returncode == 1, err
    assert f"{ATTEMPTS} workers died on each of these passages" in err
    assert place.stored() == COUNT - 1
    return (ATTEMPTS + 1) * FLUSH_ANSWERS


FAULTS: dict[str, tuple[Callable[[Place], int], tuple[str, ...]]] = {
    "Ctrl-C": (stopped(signal.SIGINT, group=True), ()),
    "SIGTERM": (stopped(signal.SIGTERM), ()),
    "kill -9 of the run": (stopped(signal.SIGKILL), ()),
    "Ctrl-C, with Ray": (stopped(signal.SIGINT, group=True), RAY),
    "SIGTERM, with Ray": (stopped(signal.SIGTERM), RAY),
    "kill -9 of the driver": (stopped(signal.SIGKILL), RAY),
    "kill -9 of a worker": (worker_killed, RAY),
    "a passage that kills its worker": (passage_kills, RAY),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if engine else [])
        for name, (_, engine) in FAULTS.items()
    ],
)
def test_nothing_that_was_kept_is_asked_again(name: str, tmp_path: Path) -> None:
    fault, engine = FAULTS[name]
    if engine and find_spec("ray") is None:
        pytest.skip("needs the extra ray")
    place = Place(tmp_path, *engine)
    again = fault(place)
    kept, before = place.stored(), len(place.asked())
    record = place.finish(SLOW_S="0")
    # Lost: nothing. The next run asks what the store has not, and nothing else.
    assert record["usage"]["reused"] == kept
    assert len(place.asked()) - before == COUNT - kept
    # Repeated: what was on its way when the process died, which nobody had kept.
    counts = Counter(place.asked())
    assert len(counts) == COUNT
    assert sum(counts.values()) - COUNT <= again
    assert record["scores"]["uniner"]["counts"]["correct"] == COUNT


@pytest.mark.slow
def test_ray_gives_the_record_that_one_process_gives(tmp_path: Path) -> None:
    if find_spec("ray") is None:
        pytest.skip("needs the extra ray")
    here = Place(tmp_path / "here").finish(SLOW_S="0")
    there = Place(tmp_path / "there", *RAY).finish(SLOW_S="0.005")
    for part in ("model", "data", "scores", "tally", "predictions_sha256"):
        assert there[part] == here[part], part
    assert here["environment"]["engine"]["name"] == "local"
    engine = there["environment"]["engine"]
    assert (engine["name"], engine["workers"], engine["lost"]) == ("ray", 2, 0)
    assert sum(engine["hardware"].values()) == 2


def test_the_page_shows_this_matrix() -> None:
    text = (REPOSITORY / "docs" / "scale.md").read_text("utf-8")
    rows = re.findall(r"^\| ([^|]+?) \|", text.partition("## Faults")[2], re.MULTILINE)
    assert rows[1:] == list(FAULTS)  # below the header
