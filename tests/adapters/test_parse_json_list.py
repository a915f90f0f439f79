"""Class A of malformed answers: a JSON list about one type."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.adapters.parsing.json_list import json_list
from unibench.adapters.parsing.reading import Answer
from unibench.schema.query import Parsed

PASSAGE = "Ann Lee met Bo in Rome."
BOTH = ["Ann Lee", "Bo"]
SECOND_QUESTION = (
    '["Ann Lee"]</s>USER: What describes location in the text? ASSISTANT: ["Rome"]'
)


def read(text: str, finish_reason: str = "stop", passage: str = PASSAGE) -> Parsed:
    return json_list(
        Answer(
            text,
            ["person"],
            passage=passage,
            finish_reason=finish_reason,
            stops=("</s>", "USER:"),
        )
    )


def row(
    name: str, text: str, mentions: list[str], repairs: str = "", **rest: Any
) -> Any:
    return pytest.param(text, mentions, repairs, rest, id=name)


@pytest.mark.parametrize(
    ("text", "mentions", "repairs", "rest"),
    [
        row("A1-blanks", '\n ["Ann Lee", "Bo"]', BOTH),
        row("A2-chatter-before", 'Sure! ["Ann Lee", "Bo"]', BOTH, "chatter"),
        row("A3-chatter-after", '["Ann Lee", "Bo"] Anything else?', BOTH, "chatter"),
        row("A4-fence", '```json\n["Ann Lee", "Bo"]\n```', BOTH, "fence"),
        row("A5-single-quotes", "['Ann Lee', 'Bo']", BOTH, "quotes"),
        row("A6-curly-quotes", "[“Ann Lee”, “Bo”]", BOTH, "quotes"),
        row("A7-trailing-comma", '["Ann Lee", "Bo",]', BOTH, "trailing_comma"),
        row("A8-cut", '["Ann Lee", "B', ["Ann Lee"], "cut", dropped={"cut": 1}),
        row("A9-line-feed-between", '["Ann Lee",\n "Bo"]', BOTH),
        row("A10-bracket-inside", '["Ann [Lee]", "Bo"]', ["Ann [Lee]", "Bo"]),
        row("A11-pairs", '[["Ann Lee", "person"], ["Bo", "person"]]', BOTH, "pairs"),
        row("A12-objects", '[{"name": "Ann Lee"}, {"name": "Bo"}]', BOTH, "objects"),
        row("A13-keyed", '{"person": ["Ann Lee", "Bo"]}', BOTH, "keyed"),
        row("A14-number", '[1984, "Bo"]', ["1984", "Bo"], "number"),
        row(
            "A15-null",
            '["Ann Lee", null]',
            ["Ann Lee"],
            "null",
            dropped={"not_a_string": 1},
        ),
        row(
            "A16-empty-string",
            '["", "Bo"]',
            ["Bo"],
            "empty_mention",
            dropped={"empty_mention": 1},
        ),
        row("A17-none", "None", [], "none_word"),
        row("A18-run-on", SECOND_QUESTION, ["Ann Lee"], "run_on"),
        row("A19-prose", "Ann Lee and Bo are persons.", [], error="prose"),
        row("A19-refusal", "I cannot help with that.", [], error="prose"),
        row("A20-empty", "", [], error="empty"),
        row("A21-bullets", "- Ann Lee\n- Bo", BOTH, "bullets"),
        row("A22-double", '"[\\"Ann Lee\\", \\"Bo\\"]"', BOTH, "double_encoded"),
        row("A23-bare-words", "[Ann Lee, Bo]", BOTH, "bare_words"),
        row(
            "A24-endless",
            '["Bo", "Bo", "Bo", "Bo", "Bo',
            ["Bo"] * 4,
            "cut",
            dropped={"cut": 1},
            flags=("repetition",),
        ),
        row("A25-missing-comma", '["Ann Lee" "Bo"]', BOTH, "missing_comma"),
        row("A26-one-string", '["Ann Lee, Bo"]', ["Ann Lee, Bo"]),
        row("empty-list", "[]", []),
        row("thinking", "<think>who?</think>\n[]", [], flags=("reasoning",)),
        row("thinking-on", "<think>who", [], error="unfinished"),
        row("bom", '\ufeff["Bo"]', ["Bo"]),
        row("end-token", '["Bo"]</s>', ["Bo"]),
        row("end-token-in-mention", '["</s>"]', ["</s>"]),
        row("apostrophe", "['O'Neil', 'Bo']", ["O'Neil", "Bo"], "quotes"),
        row("inner-quotes", '["Ann "Lee""]', [], error="quotes"),
        row("two-answers", '["Ann Lee"] or ["Bo"]', [], error="ambiguous"),
        row("same-twice", '["Bo"] again: ["Bo"]', ["Bo"], "chatter"),
        row("citation", "Nothing here, see [1].", [], error="prose"),
        row("none-found", "No persons were found.", [], "none_word"),
        row("none-as-item", '["None"]', [], "none_word"),
        row("unasked-pairs", '[["Ann Lee", "Bo"]]', [], error="ambiguous"),
        row("other-key", '{"city": ["Rome"]}', [], error="no_types"),
        row("deep", "[" * 100_000, [], error="too_deep"),
        row("long", "x" * (2 << 20), [], error="too_long"),
        row("surrogates", '["\\ud83d\\ude00 Bo"]', ["\U0001f600 Bo"]),
        row(
            "half-surrogate",
            '["\\ud83d", "Bo"]',
            ["Bo"],
            dropped={"broken_character": 1},
        ),
        row("cyrillic", '["Анна"]', ["Анна"]),
    ],
)
def test_answers(
    text: str, mentions: list[str], repairs: str, rest: dict[str, Any]
) -> None:
    parsed = read(text)
    assert [m.text for m in parsed.mentions] == mentions
    assert ",".join(parsed.repairs) == repairs
    assert parsed.parse_error == rest.get("error", "")
    assert parsed.dropped == rest.get("dropped", {})
    assert parsed.flags == rest.get("flags", ())


def test_none_is_a_mention_where_the_passage_says_so() -> None:
    (mention,) = read('["None"]', passage="Mr None sang.").mentions
    assert mention.text == "None"


def test_every_pair_of_another_type_is_counted() -> None:
    parsed = read('[["Ann Lee", "person"], ["Rome", "city"]]')
    assert [m.text for m in parsed.mentions] == ["Ann Lee"]
    assert parsed.dropped == {"unasked_type": 1}


@given(st.lists(st.text(min_size=1).filter(lambda t: t == t.strip() != "")))
def test_every_list_of_strings_comes_back(texts: list[str]) -> None:
    import json

    if len(texts) == 1 and texts[0].strip("\"'` .!").casefold() in {"none", "[]", "{}"}:
        return
    passage = " ".join(texts)
    for ascii_only in (True, False):
        parsed = read(json.dumps(texts, ensure_ascii=ascii_only), passage=passage)
        assert [m.text for m in parsed.mentions] == texts
        assert parsed.repairs == ()
