"""The general prompt: types, passage, one JSON object."""

from __future__ import annotations

import pytest

from unibench.adapters.json_types import JsonTypes
from unibench.adapters.load import build_adapter
from unibench.errors import AdapterError, CardError, UnknownNameError
from unibench.schema.model_card import Checkpoint, ModelCard, PromptTurn
from unibench.schema.query import Query
from unibench.schema.text import Passage

BACKEND = {"name": "replay", "file": "none.jsonl"}


def adapter(prompt: str | tuple[PromptTurn, ...] = "", **options: object) -> JsonTypes:
    card = ModelCard(
        adapter="json_types",
        checkpoint=Checkpoint(id="x"),
        backend=BACKEND,
        prompt=prompt,
        options=options,
    )
    made = build_adapter(card)
    assert isinstance(made, JsonTypes)
    return made


def test_the_prompt_holds_types_definitions_and_the_fenced_passage() -> None:
    query = Query(
        Passage("p", 'She said """no""".'), ("person", "city"), {"city": "a large town"}
    )
    prompt = adapter().render(query)
    (message,) = prompt.messages
    assert "- person\n- city: a large town\n" in message.content
    assert '""""\nShe said """no""".\n""""\n' in message.content
    assert message.content.endswith('{"person": ["..."], "city": ["..."], ...}')
    assert prompt.schema == {
        "type": "object",
        "properties": {
            "person": {"type": "array", "items": {"type": "string"}},
            "city": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["person", "city"],
        "additionalProperties": False,
    }


def test_text_with_template_signs_is_left_alone() -> None:
    text = "It cost $5, ${text} and {0}."
    prompt = adapter().render(Query(Passage("p", text), ("money",)))
    assert text in prompt.messages[0].content


def test_a_card_may_word_the_prompt_itself() -> None:
    turns = (
        PromptTurn("system", "Costs $$1."),
        PromptTurn("user", "$entity_types in: $text"),
    )
    prompt = adapter(turns).render(Query(Passage("p", "Bo."), ("person",)))
    assert [m.content for m in prompt.messages] == ["Costs $1.", "- person in: Bo."]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "$passage", r"there is no field \$passage; fields are", id="field"
        ),
        pytest.param("5 $ $text", r"a lone \$", id="dollar"),
    ],
)
def test_a_wrong_wording_is_named(text: str, message: str) -> None:
    with pytest.raises(CardError, match=message):
        adapter((PromptTurn("user", text),))


def test_unknown_prompts_options_and_double_types_are_named() -> None:
    with pytest.raises(UnknownNameError, match=r"'json_typs'\. Did you mean"):
        adapter("json_typs")
    with pytest.raises(CardError, match="no options; remove shots"):
        adapter(shots=3)
    with pytest.raises(AdapterError, match="asked twice"):
        adapter().render(Query(Passage("p", "x"), ("a", "a")))
