"""Class D of malformed answers: every word with a tag."""

from __future__ import annotations

from typing import Any

import pytest

from unibench.adapters.parsing.align import align
from unibench.adapters.parsing.reading import Answer
from unibench.adapters.parsing.word_tags import word_tags
from unibench.schema.text import Mention, Passage, Span, token_spans

PASSAGE = Passage("p", "Ann Lee met Bo in Rome .")
TAIL = "in(O) Rome(B-location) .(O)"
ANN = Mention("person", "Ann Lee", (Span(0, 7),))
BO = Mention("person", "Bo", (Span(12, 14),))
ROME = Mention("location", "Rome", (Span(18, 22),))
ALL = [ANN, BO, ROME]
FULL = f"Ann(B-person) Lee(I-person) met(O) Bo(B-person) {TAIL}"


def row(
    name: str, text: str, mentions: list[Mention], repairs: str = "", **rest: Any
) -> Any:
    return pytest.param(text, mentions, repairs, rest, id=name)


@pytest.mark.parametrize(
    ("text", "mentions", "repairs", "rest"),
    [
        row("canonical", FULL, ALL),
        row("D1-no-blank", FULL.replace(" .(O)", ".(O)"), ALL),
        row("D2-left-out", FULL.replace("met(O) ", ""), ALL, flags=("words_missing",)),
        row("D3-added", "Dr(O) " + FULL, ALL, flags=("words_added",)),
        row(
            "D4-changed",
            FULL.replace("Ann", "Anne"),
            [Mention("person", "Lee", (Span(4, 7),)), BO, ROME],
            flags=("words_changed",),
        ),
        row(
            "D5-case",
            f"ann(B-person) Lee(I-person) MET(O) bo(B-person) {TAIL}",
            ALL,
        ),
        row(
            "D6-unasked",
            "Ann(B-human) Lee(I-human) met(O) Bo(B-person) in(O) Rome(B-city) .(O)",
            [BO],
            dropped={"unasked_type": 2},
        ),
        row("D7-no-brackets", "Ann B-person Lee I-person met O", [], error="no_tags"),
        row("D8-blank", FULL.replace("(", " ("), ALL),
        row(
            "D9-no-prefix",
            "Ann(person) Lee(person) met(O) Bo(person) in(O) Rome(location) .(O)",
            ALL,
            "no_prefix",
        ),
        row(
            "D10-cut",
            "Ann(B-person) Lee(I-person) met(O) Bo(B-per",
            [ANN],
            "cut",
            finish="length",
            dropped={"cut": 1},
            flags=("words_missing",),
        ),
        row(
            "D11-orphan",
            f"Ann(I-person) Lee(I-person) met(O) Bo(I-person) {TAIL}",
            ALL,
            "orphan_i",
        ),
        row(
            "D12-switch",
            f"Ann(B-person) Lee(I-location) met(O) Bo(B-person) {TAIL}",
            [
                Mention("person", "Ann", (Span(0, 3),)),
                Mention("location", "Lee", (Span(4, 7),)),
                BO,
                ROME,
            ],
            "type_switch",
        ),
        row("D13-commas", FULL.replace(") ", "), "), ALL, "commas"),
        row("D14-again", FULL + " Ann(O) Lee(O) met(O)", ALL, flags=("repetition",)),
        row("D15-empty", "", [], error="empty"),
        row("D16-prose", "Ann Lee and Bo are persons.", [], error="no_tags"),
        row(
            "D17-tag-case",
            FULL.replace("B-", "b-").replace("I-", "i-").replace("(O)", "(o)"),
            ALL,
            "tag_case",
        ),
        row(
            "D18-joined",
            f"Ann Lee(B-person) met(O) Bo(B-person) {TAIL}",
            ALL,
            "words_joined",
        ),
        row("D19-chatter", "Here is the result: " + FULL, ALL, "chatter"),
        row("D20-no-blanks", FULL.replace(" ", ""), ALL),
        row(
            "D21-double",
            FULL.replace("B-location", "B-person, B-location"),
            [ANN, BO],
            "double_tag",
            dropped={"ambiguous": 1},
        ),
        row(
            "D22-order",
            f"Bo(B-person) met(O) Ann(B-person) Lee(I-person) {TAIL}",
            [ANN, ROME],
            flags=("order_changed",),
        ),
        row(
            "D23-bioes",
            f"Ann(B-person) Lee(E-person) met(O) Bo(S-person) {TAIL}",
            ALL,
            "bioes",
        ),
    ],
)
def test_answers(
    text: str, mentions: list[Mention], repairs: str, rest: dict[str, Any]
) -> None:
    parsed = word_tags(
        Answer(
            text,
            ["person", "location"],
            passage=PASSAGE.text,
            words=token_spans(PASSAGE),
            finish_reason=rest.get("finish", "stop"),
        )
    )
    assert list(parsed.mentions) == mentions
    assert ",".join(parsed.repairs) == repairs
    assert parsed.parse_error == rest.get("error", "")
    assert parsed.dropped == rest.get("dropped", {})
    assert parsed.flags == rest.get("flags", ())


def test_brackets_are_words_too() -> None:
    passage = Passage("p", "( Bo )")
    parsed = word_tags(
        Answer(
            "((O) Bo(B-person) )(O)",
            ["person"],
            passage=passage.text,
            words=token_spans(passage),
        )
    )
    assert parsed.mentions == (Mention("person", "Bo", (Span(2, 4),)),)
    assert parsed.flags == ()


@pytest.mark.parametrize(
    ("written", "expected", "partners"),
    [
        pytest.param("a b c", "a b c", [0, 1, 2], id="equal"),
        pytest.param("a c", "a b c", [0, None, 1], id="left-out"),
        pytest.param("x a b", "a b", [1, 2], id="added"),
        pytest.param("b a", "a b", [None, 0], id="swapped"),
        pytest.param("", "a", [None], id="nothing"),
        pytest.param("a b a b", "a b", [0, 1], id="twice"),
    ],
)
def test_align(written: str, expected: str, partners: list[int | None]) -> None:
    assert align(written.split(), expected.split()) == partners
