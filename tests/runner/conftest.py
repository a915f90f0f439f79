"""A small prepared set, a queue-like adapter, and a place for answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from unibench.adapters.base import GenerativeAdapter
from unibench.backends.store import ResponseStore
from unibench.errors import BackendError
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.prepared import PreparedSet
from unibench.schema.query import Message, Parsed, Prompt, Query, Response
from unibench.schema.record import DataIdentity
from unibench.schema.text import Mention, Passage, Span

CARD = ModelCard(adapter="lines", checkpoint=Checkpoint(id="test/lines"))
TEXTS = ("Ann met Bo .", "It rains .", "Bo left Riga .")
GOLD = {
    "Ann met Bo .": (("person", 0, 3), ("person", 8, 10)),
    "Bo left Riga .": (("person", 0, 2), ("city", 8, 12)),
}


class Backend:
    """Answers a prompt by a function, counts what was asked, may fail half-way."""

    def __init__(self, answer: Callable[[str], str], fail_after: int = 10**9) -> None:
        self.answer, self.fail_after = answer, fail_after
        self.asked: list[str] = []

    def generate(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Response]]:
        for position, prompt in reversed(list(enumerate(prompts))):
            if len(self.asked) >= self.fail_after:
                raise BackendError("the server went away")
            content = prompt.messages[0].content
            self.asked.append(content)
            yield position, Response(self.answer(content), completion_tokens=2)


class Lines(GenerativeAdapter):
    """Asks `type: text`, expects one mention a line; `?` cannot be read."""

    def render(self, query: Query) -> Prompt:
        (entity_type,) = query.entity_types
        return Prompt((Message("user", f"{entity_type}: {query.passage.text}"),))

    def parse(self, response: Response, query: Query) -> Parsed | list[Mention]:
        if response.text == "?":
            return Parsed(parse_error="prose")
        (entity_type,) = query.entity_types
        return [Mention(entity_type, line) for line in response.text.splitlines()]


def passage(number: int, text: str) -> Passage:
    mentions = tuple(
        Mention(kind, text[start:end], (Span(start, end),))
        for kind, start, end in GOLD.get(text, ())
    )
    return Passage(f"p{number}", text, mentions)


@pytest.fixture
def prepared() -> PreparedSet:
    identity = DataIdentity(
        dataset="tiny", subset="tiny", split="test", protocol="corrected",
        domain="General", access="open", license="CC0-1.0", fingerprint="f" * 64,
        card_sha256="c" * 64, label_map_sha256="l" * 64,
    )  # fmt: skip
    return PreparedSet(
        identity=identity,
        passages=tuple(passage(i, text) for i, text in enumerate(TEXTS)),
        entity_types=("person", "city"),
        definitions={"city": "a named city"},
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResponseStore]:
    with ResponseStore(tmp_path / "answers.sqlite") as opened:
        yield opened


def perfect(content: str) -> str:
    """The gold answer to one of `Lines`' prompts."""
    kind, _, text = content.partition(": ")
    return "\n".join(text[s:e] for k, s, e in GOLD.get(text, ()) if k == kind)
