"""A Ray of two workers on this machine answers as one process does."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from unibench.adapters.function import model_of
from unibench.errors import BackendError
from unibench.runner.engine import Engine, EngineSettings, Model, open_engine
from unibench.schema.query import Query, Response
from unibench.schema.text import Passage

RAY = EngineSettings(name="ray", workers=2, address="local")


@pytest.fixture
def start() -> Iterator[Callable[[Any], Engine]]:
    """Start engines for functions; what was started is stopped."""
    if find_spec("ray") is None:
        pytest.skip("needs the extra ray")
    opened: list[Engine] = []

    def start_one(function: Any) -> Engine:
        model = Model(name="f", adapter=model_of(function), from_card=False)
        opened.append(open_engine(model, RAY))
        return opened[-1]

    yield start_one
    for engine in opened:
        engine.close()


def cities(asked: Path) -> Any:
    """A model that notes what it was asked; some texts kill its process or its host."""

    def find(text: str, types: Sequence[str]) -> list[tuple[str, str]]:
        with asked.open("a", encoding="utf-8") as stream:
            stream.write(f"{os.getpid()} {text}\n")
        if "kill" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        if "once" in text and asked.read_text("utf-8").count(text) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return [("city", "Rome")] if "Rome" in text else []

    return find


def passages(*texts: str) -> list[Query]:
    return [Query(Passage(f"p{i}", text), ("city",)) for i, text in enumerate(texts)]


@pytest.mark.slow
def test_two_workers_answer_as_one_process_and_outlive_what_kills_them(
    tmp_path: Path, start: Callable[[Any], Engine]
) -> None:
    asked = tmp_path / "asked"
    engine = start(cities(asked))
    queries = passages(*(f"Rome {n}" for n in range(60)), "once a", "kill b", "Oslo")
    here = dict(model_of(cities(tmp_path / "here")).respond(queries[:60]))
    there: list[tuple[int, Response]] = []
    answers = engine.respond(queries)
    with pytest.raises(BackendError, match=r"3 workers died .* left out: 'p61';"):
        there.extend(answers)
    assert len(there) == len(queries) - 1
    told = {position: response.text for position, response in there}
    assert all(told[position] == here[position].text for position in range(60))
    use = engine.use()
    assert (use.name, use.workers) == ("ray", 2)
    assert use.lost in {4, 5}  # "kill b" counts alone, and may have begun in company

    lines = asked.read_text("utf-8").splitlines()
    assert len({line.split()[0] for line in lines}) >= 2
    again = list(engine.respond(passages("Rome again")))
    assert [position for position, _ in again] == [0]
    assert engine.use().lost == 0
    assert engine.use().workers == 0
