"""Stored answers come back by the prompt's hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from unibench.backends.replay import ReplayBackend, StoredAnswer, prompt_key
from unibench.errors import BackendError, FormatError
from unibench.schema.jsonl import write_rows
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Message, Prompt, Response

WHO = Prompt((Message("user", "Who?"),))
WHERE = Prompt((Message("user", "Where?"),))


def backend(path: Path) -> ReplayBackend:
    options = {"name": "replay", "file": str(path)}
    card = ModelCard(adapter="a", checkpoint=Checkpoint(id="m"), backend=options)
    return ReplayBackend(card)


def test_answers_come_back(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    rows = [
        StoredAnswer(prompt_key(WHERE), Response("Rome")),
        StoredAnswer(prompt_key(WHO), Response("Bo", "length")),
    ]
    write_rows(path, rows)
    assert list(backend(path).generate([WHO, WHERE])) == [
        (0, Response("Bo", "length")),
        (1, Response("Rome")),
    ]


def test_what_is_missing_twice_or_broken_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    write_rows(path, [StoredAnswer(prompt_key(WHO), Response("Bo"))])
    with pytest.raises(BackendError, match=r"answers.jsonl has no answer to prompt 1"):
        list(backend(path).generate([WHERE]))
    twice = [StoredAnswer(prompt_key(WHO), Response(text)) for text in "ab"]
    write_rows(path, twice)
    with pytest.raises(BackendError, match="two different answers"):
        list(backend(path).generate([WHO]))
    path.write_text('{"prompt": 1}\n')
    with pytest.raises(FormatError, match=r"answers.jsonl: line 1"):
        list(backend(path).generate([WHO]))
    with pytest.raises(FormatError, match="cannot be read"):
        list(backend(tmp_path / "none.jsonl").generate([WHO]))
