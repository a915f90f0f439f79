"""Class G of malformed answers: a JSON object whose keys are the types."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.adapters.parsing.json_object import json_object
from unibench.adapters.parsing.reading import Answer

PASSAGE = "Ann Lee met Bo in Rome."
ANN = [("person", "Ann Lee")]
ROME = [("location", "Rome")]
MISSING = ("missing_type",)


def row(
    name: str, text: str, mentions: list[Any], repairs: str = "", **rest: Any
) -> Any:
    return pytest.param(text, mentions, repairs, rest, id=name)


@pytest.mark.parametrize(
    ("text", "mentions", "repairs", "rest"),
    [
        row("G1-missing-type", '{"person": ["Ann Lee"]}', ANN, flags=MISSING),
        row(
            "G2-fence",
            '```json\n{"person": ["Ann Lee"], "location": ["Rome"]}\n```',
            ANN + ROME,
            "fence",
        ),
        row("G3-string", '{"person": "Ann Lee"}', ANN, "no_list", flags=MISSING),
        row("G4-case", '{"Person": ["Ann Lee"]}', ANN, "type_case", flags=MISSING),
        row(
            "G5-unasked",
            '{"city": ["Rome"]}',
            [],
            dropped={"unasked_type": 1},
            flags=MISSING,
        ),
        row("G6-quotes", "{'person': ['Ann Lee']}", ANN, "quotes", flags=MISSING),
        row(
            "G7-comma", '{"person": ["Ann Lee",]}', ANN, "trailing_comma", flags=MISSING
        ),
        row(
            "G8-cut",
            '{"person": ["Ann Lee"], "location": ["Ro',
            ANN,
            "cut",
            dropped={"cut": 1},
        ),
        row("G9-null", '{"person": null, "location": ["Rome"]}', ROME),
        row(
            "G10-nested-list",
            '{"person": [["Ann Lee", "Bo"]]}',
            [*ANN, ("person", "Bo")],
            "nested_list",
            flags=MISSING,
        ),
        row(
            "G11-objects",
            '{"person": [{"text": "Ann Lee"}]}',
            ANN,
            "objects",
            flags=MISSING,
        ),
        row(
            "G12-key-twice",
            '{"person": ["Ann Lee"], "person": ["Bo"]}',
            [*ANN, ("person", "Bo")],
            "repeated_key",
            flags=MISSING,
        ),
        row(
            "G13-invented",
            '{"person": ["Robert"]}',
            [("person", "Robert")],
            flags=MISSING,
        ),
        row("G14-list", '["Ann Lee", "Rome"]', [], error="no_types"),
        row("G15-empty-object", "{}", [], flags=MISSING),
        row("G16-empty", "", [], error="empty"),
        row("G17-refusal", "I am sorry, I cannot.", [], error="prose"),
        row(
            "G18-wrapper",
            '{"entities": {"person": ["Ann Lee"]}}',
            ANN,
            "wrapper",
            flags=MISSING,
        ),
        row(
            "G19-records",
            '[{"type": "person", "text": "Ann Lee"}]',
            ANN,
            "records",
            flags=MISSING,
        ),
        row(
            "G20-several",
            '{"person": ["Ann Lee"]} {"location": ["Rome"]}',
            ANN + ROME,
            "several_objects",
        ),
        row(
            "G21-number",
            '{"person": [1984]}',
            [("person", "1984")],
            "number",
            flags=MISSING,
        ),
        row("G22-none", '{"person": ["None"]}', [], "none_word"),
        row(
            "G23-reversed",
            '{"Ann Lee": "person", "Rome": "location"}',
            ANN + ROME,
            "reversed",
        ),
        row(
            "chatter",
            'Here: {"person": ["Ann Lee"], "location": ["Rome"]} Good luck!',
            ANN + ROME,
            "chatter",
        ),
        row("none-word", "No entities found.", [], "none_word"),
        row(
            "two-objects-in-chatter",
            'First {"person": ["Bo"]}, or maybe {"person": ["Ann"]}.',
            [],
            error="ambiguous",
        ),
        row("all-absent", '{"person": [], "location": []}', []),
        row("deep", '{"person": ' + "[" * 100_000, [], error="too_deep"),
    ],
)
def test_answers(
    text: str, mentions: list[Any], repairs: str, rest: dict[str, Any]
) -> None:
    parsed = json_object(Answer(text, ["person", "location"], passage=PASSAGE))
    assert [(m.entity_type, m.text) for m in parsed.mentions] == mentions
    assert ",".join(parsed.repairs) == repairs
    assert parsed.parse_error == rest.get("error", "")
    assert parsed.dropped == rest.get("dropped", {})
    assert parsed.flags == rest.get("flags", ())


WORDS = st.text(min_size=1).filter(lambda t: t == t.strip() != "")


@given(st.dictionaries(WORDS, st.lists(WORDS), min_size=1, max_size=5))
def test_every_object_of_lists_comes_back(answer: dict[str, list[str]]) -> None:
    passage = " ".join(text for texts in answer.values() for text in texts)
    parsed = json_object(
        Answer(json.dumps(answer, ensure_ascii=False), list(answer), passage=passage)
    )
    expected = [(name, text) for name, texts in answer.items() for text in texts]
    assert [(m.entity_type, m.text) for m in parsed.mentions] == expected
    assert parsed.repairs == ()
