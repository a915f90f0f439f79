"""A small invented corpus, a recipe for it, and a teacher on loopback."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.distill.stub_teacher import StubTeacher, stub_teacher

CONCURRENCY = 8
NAMES = ("Mara", "Odo", "Tilda", "Brigg", "Fenwick", "Arlo", "Juno", "Petra")
PLACES = ("Harrow", "Lund", "Quay", "Norrby", "Vale", "Tern", "Oxmoor", "Skerry")
SENTENCES = (
    "{a} sailed from {x} to {y} before the ice came.",
    "In {x} the council of {y} asked {a} for a map of the reefs.",
    "Nobody in {y} had seen {a} or {b} since the fair.",
    "{b} repaired the engine of the ferry while {a} kept the log.",
    "The old mill near {x} belongs to the family of {b}.",
    "A letter from {a} reached {y} after nine weeks.",
)


def invented_documents(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Documents of one to twelve sentences from three sources."""
    draw = random.Random(seed)  # noqa: S311
    documents = []
    for number in range(count):
        sentences = [
            draw.choice(SENTENCES).format(
                a=f"{draw.choice(NAMES)}", b=draw.choice(NAMES),
                x=draw.choice(PLACES), y=f"{draw.choice(PLACES)} {draw.randrange(900)}",
            )
            for _ in range(draw.randint(1, 12))
        ]  # fmt: skip
        source = ("letters", "logs", "news")[number % 3]
        documents.append({"text": " ".join(sentences), "meta": {"set": source}})
    return documents


def recipe_values(**changes: Any) -> dict[str, Any]:
    """The plain values of a small recipe; `changes` replace top-level keys."""
    values: dict[str, Any] = {
        "kind": "distillation",
        "title": "Letters and logs, invented",
        "license": "cc0-1.0",
        "passages": {
            "corpus": [
                {"name": "ships", "files": ["corpus/*"], "source_field": "meta.set"}
            ],
            "tokenizer": "words",
            "max_tokens": 48,
            "sample": 60,
            "test_overlap": None,
        },
        "teacher": {"model": "teacher.yaml"},
        "conversations": {"negatives": {"strategy": "frequency", "count": 3}},
    }
    return values | changes


def write_files(folder: Path, **changes: Any) -> Path:
    """Write the recipe, the teacher's card and the corpus; return the recipe."""
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    corpus = folder / "corpus" / "part-1.jsonl"
    if not corpus.exists():
        rows = [json.dumps(document) for document in invented_documents(120)]
        corpus.write_text("\n".join(rows) + "\n", "utf-8")
    card = {
        "adapter": "json_types",
        "checkpoint": {"id": "stub/teacher", "revision": "1"},
        "backend": {
            "name": "openai",
            "base_url": "http://127.0.0.1:9/v1",
            "concurrency": CONCURRENCY,
        },
    }
    (folder / "teacher.yaml").write_text(yaml.safe_dump(card), "utf-8")
    path = folder / "ships.yaml"
    path.write_text(yaml.safe_dump(recipe_values(**changes)), "utf-8")
    return path


@pytest.fixture
def write_recipe(tmp_path: Path) -> Callable[..., Path]:
    """`write_files` in a folder of the test's own."""
    return lambda **changes: write_files(tmp_path / "recipe", **changes)


@pytest.fixture
def teacher() -> Iterator[StubTeacher]:
    with stub_teacher(error_share=0.3) as server:
        yield server
