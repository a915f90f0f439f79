"""Rendered prompts, one file per family, pinned to the letter.

Each file in golden/ was compared with the layouts of the reference line by line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from unibench.adapters.base import GenerativeAdapter
from unibench.adapters.registry import ADAPTERS
from unibench.errors import AdapterError
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Prompt, Query, Response
from unibench.schema.text import Mention, Passage, Span

GOLDEN = Path(__file__).parent / "golden"
TEXT = "Ann Lee met Bo in Rome."
PASSAGE = Passage(
    "p",
    TEXT,
    (
        Mention("person", "Ann Lee", (Span(0, 7),)),
        Mention("person", "Bo", (Span(12, 14),)),
        Mention("location", "Rome", (Span(18, 22),)),
    ),
)
DEFINITIONS = {"person": "a human being", "location": "a place on a map"}
QUERY = Query(PASSAGE, ("person", "location"), DEFINITIONS, "some_set")
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "uniner_type": ("uniner", {}),
    "uniner_definition": ("uniner", {"query": "definition"}),
    "uniner_all_in_one": ("uniner", {"query": "all_in_one"}),
    "uniner_dataset": ("uniner", {"dataset_names": {"some_set": "Some Set"}}),
    "chatgpt": ("type_bar", {}),
    "vicuna": ("type_bar", {"conversation": "vicuna"}),
    "alpaca": ("type_bar", {"conversation": "alpaca"}),
    "llama": ("type_bar", {"conversation": "plain"}),
    "instructuie": ("instructuie", {}),
    "b2ner": ("b2ner", {}),
    "gner_t5": ("gner", {}),
    "gner_llama": ("gner", {"conversation": "llama"}),
    "gollie": ("gollie", {}),
    "knowcoder": ("knowcoder", {}),
    "slimer": ("slimer", {}),
    "json_types": ("json_types", {}),
}
HARD_TEXTS = [
    pytest.param("She said \"no\" and 'maybe'.", id="quotes"),
    pytest.param("{0} {text} $text ${a} %s", id="braces"),
    pytest.param("[x] (y) <b>z</b> ] | ; :", id="brackets"),
    pytest.param("result = USER: </s> [INST] ASSISTANT:", id="cues"),
    pytest.param("one\ntwo\u00a0three", id="blanks"),
    pytest.param("\U0001f600 né Анна \\n", id="scripts"),
    pytest.param('"""\n"""" \\', id="fences"),
]


class Silent:
    """A backend that is never asked."""

    def generate(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Response]]:
        raise AssertionError


def adapter(family: str) -> GenerativeAdapter:
    name, options = FAMILIES[family]
    card = ModelCard(
        adapter=name, title=family, checkpoint=Checkpoint(id="x"), options=options
    )
    made = ADAPTERS.load(name)(card, Silent())
    assert isinstance(made, GenerativeAdapter)
    return made


def query_for(made: GenerativeAdapter, query: Query = QUERY) -> Query:
    types = query.entity_types[: made.types_per_query]
    return msgspec.structs.replace(query, entity_types=types)


def shown(prompt: Prompt) -> str:
    """The messages under their roles, and the family's own text under `text`."""
    parts = [f"--- {m.role}\n{m.content}" for m in prompt.messages]
    if prompt.text is not None:
        parts.append(f"--- text\n{prompt.text}")
    return "\n".join(parts) + "\n--- end\n"


@pytest.mark.parametrize("family", FAMILIES)
def test_prompts_are_the_golden_ones(family: str) -> None:
    made = adapter(family)
    expected = (GOLDEN / f"{family}.txt").read_bytes().decode()
    assert shown(made.render(query_for(made))) == expected


def test_every_golden_file_is_tested() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_perfect_answer_comes_back(family: str) -> None:
    made = adapter(family)
    query = query_for(made)
    answer = made.perfect(query)
    assert answer is not None
    read = made.read(Response(answer), query)
    asked = set(query.entity_types)
    expected = sorted(
        (m.entity_type, m.text) for m in PASSAGE.mentions if m.entity_type in asked
    )
    assert sorted((m.entity_type, m.text) for m in read.mentions) == expected
    assert (read.parse_error, read.repairs, read.dropped) == ("", (), {})


@pytest.mark.parametrize("text", HARD_TEXTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_hard_passages_are_rendered_whole_and_come_back(family: str, text: str) -> None:
    made = adapter(family)
    mention = Mention("person", text.split()[0], (Span(0, len(text.split()[0])),))
    passage = Passage("p", text, (mention,))
    query = query_for(made, msgspec.structs.replace(QUERY, passage=passage))
    prompt = made.render(query)
    written = prompt.text or prompt.messages[-1].content
    if family not in {"gollie", "knowcoder", "gner_t5", "gner_llama"}:
        assert text in written
    answer = made.perfect(query)
    assert answer is not None
    read = made.read(Response(answer), query)
    assert read.parse_error == ""
    lossy = {"chatgpt", "vicuna", "alpaca", "llama", "instructuie", "b2ner"}
    if not family.startswith("gner") and not family.startswith(tuple(lossy)):
        assert [m.text for m in read.mentions] == [mention.text]


@pytest.mark.parametrize("family", FAMILIES)
def test_an_empty_passage_and_sixty_types_are_asked(family: str) -> None:
    made = adapter(family)
    types = tuple(f"kind {chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(60))
    definitions = {name: f"a {name}" for name in types}
    query = query_for(made, Query(Passage("p", ""), types, definitions, "some_set"))
    made.render(query)
    answer = made.perfect(query)
    assert answer is not None
    if not family.startswith("gner"):  # no words, so no answer to read
        read = made.read(Response(answer), query)
        assert (read.mentions, read.parse_error) == ((), "")


@pytest.mark.parametrize("family", FAMILIES)
def test_no_types_at_all_is_an_error(family: str) -> None:
    with pytest.raises(AdapterError):
        adapter(family).render(Query(PASSAGE, ()))


@pytest.mark.parametrize(
    ("family", "types", "message"),
    [
        pytest.param("chatgpt", ("a|b",), "'a|b' cannot be asked.*holds '|'", id="bar"),
        pytest.param("instructuie", ("a;b",), "holds ';'", id="semicolon"),
        pytest.param("gner_t5", ("drug(s)",), r"'drug\(s\)'.*holds '\('", id="bracket"),
        pytest.param("gollie", ("a-b", "a b"), "both become the class AB", id="class"),
        pytest.param("b2ner", ("Drug", "drug"), "cannot be told apart", id="case"),
    ],
)
def test_a_type_that_breaks_the_form_is_named(
    family: str, types: tuple[str, ...], message: str
) -> None:
    message = message.replace("|", r"\|")
    with pytest.raises(AdapterError, match=message):
        adapter(family).render(Query(PASSAGE, types))
