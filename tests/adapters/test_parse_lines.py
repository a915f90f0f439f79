"""Classes B and C of malformed answers: types before mentions, on one line."""

from __future__ import annotations

from typing import Any

import pytest

from unibench.adapters.parsing.reading import Answer
from unibench.adapters.parsing.type_bar import type_bar, type_bar_passage
from unibench.adapters.parsing.type_pairs import type_pairs, type_pairs_passage
from unibench.schema.query import Parsed

PASSAGE = "Ann Lee met Bo in Rome."
ANN, BO = ("person", "Ann Lee"), ("person", "Bo")
ROME = ("location", "Rome")
ALL = [ANN, BO, ROME]
MISSING = ("missing_type",)
DOTS = "person: Bo; person: Bo; person: Bo; per"


def row(
    name: str, text: str, mentions: list[Any], repairs: str = "", **rest: Any
) -> Any:
    return pytest.param(text, mentions, repairs, rest, id=name)


def check(
    parsed: Parsed, mentions: list[Any], repairs: str, rest: dict[str, Any]
) -> None:
    assert [(m.entity_type, m.text) for m in parsed.mentions] == mentions
    assert ",".join(parsed.repairs) == repairs
    assert parsed.parse_error == rest.get("error", "")
    assert parsed.dropped == rest.get("dropped", {})
    assert parsed.flags == rest.get("flags", ())


def answer(text: str, rest: dict[str, Any]) -> Answer:
    return Answer(
        text,
        rest.get("types", ["person", "location"]),
        passage=rest.get("passage", PASSAGE),
        finish_reason=rest.get("finish", "stop"),
    )


@pytest.mark.parametrize(
    ("text", "mentions", "repairs", "rest"),
    [
        row("canonical", "person: Ann Lee, Bo | location: Rome", ALL),
        row("B1-missing", "person: Ann Lee, Bo", [ANN, BO], flags=MISSING),
        row("B2-lines", "person: Ann Lee, Bo\nlocation: Rome", ALL, "line_breaks"),
        row("B3-semicolons", "person: Ann Lee, Bo; location: Rome", ALL, "semicolons"),
        row("B4-case", "Person: Ann Lee | LOCATION: Rome", [ANN, ROME], "type_case"),
        row(
            "B5-unasked",
            "person: Ann Lee | city: Rome",
            [ANN],
            dropped={"unasked_type": 1},
            flags=MISSING,
        ),
        row("B6-none", "person: None. | location: n/a", [], "none_word"),
        row(
            "B7-comma",
            "location: Rome, Italy",
            [ROME, ("location", "Italy")],
            passage="In Rome, Italy.",
            flags=MISSING,
        ),
        row(
            "B8-and",
            "person: Ann Lee and Bo",
            [("person", "Ann Lee and Bo")],
            flags=MISSING,
        ),
        row("B9-cue", "Entity: person: Ann Lee | location: Rome", [ANN, ROME], "cue"),
        row("B10-empty-piece", "person: Ann Lee | location: Rome |", [ANN, ROME]),
        row(
            "B11-quotes", 'person: "Ann Lee", "Bo"', [ANN, BO], "quotes", flags=MISSING
        ),
        row(
            "B12-brackets",
            "person: [Ann Lee, Bo] | location: [Rome]",
            ALL,
            "brackets",
        ),
        row("B13-twice", "person: Ann Lee | person: Bo", [ANN, BO], flags=MISSING),
        row(
            "B14-colon",
            "title: Mission: Impossible",
            [("title", "Mission: Impossible")],
            types=["title"],
        ),
        row(
            "B15-markup",
            "**person**: Ann Lee | **location**: Rome",
            [ANN, ROME],
            "markup",
        ),
        row(
            "B16-numbers",
            "1. person: Ann Lee\n2. location: Rome",
            [ANN, ROME],
            "numbering",
        ),
        row(
            "B17-cut",
            "person: Ann Lee | location: Ro",
            [ANN],
            "cut",
            finish="length",
            dropped={"cut": 1},
        ),
        row(
            "B17-cut-label",
            "person: Ann Lee | loca",
            [ANN],
            "cut",
            finish="length",
            dropped={"cut": 1},
            flags=MISSING,
        ),
        row(
            "B18-reversed",
            "Ann Lee (person), Bo (person), Rome (location)",
            ALL,
            "reversed",
        ),
        row("B19-prose", "There are two persons, Ann Lee and Bo.", [], error="prose"),
        row(
            "B20-none-beside",
            "person: None, Bo",
            [BO],
            dropped={"empty_mention": 1},
            flags=MISSING,
        ),
        row(
            "B21-brackets-kept",
            "person: Ann Lee (a woman)",
            [("person", "Ann Lee (a woman)")],
            flags=MISSING,
        ),
        row("B22-empty", " \n", [], error="empty"),
        row("none", "None", [], "none_word"),
        row(
            "chatter-line",
            "Here you are.\nperson: Ann Lee\nlocation: Rome",
            [ANN, ROME],
            "line_breaks,chatter",
        ),
        row(
            "quotes-of-the-passage",
            'person: "Bo"',
            [("person", '"Bo"')],
            passage='They call him "Bo".',
            flags=MISSING,
        ),
    ],
)
def test_type_bar(
    text: str, mentions: list[Any], repairs: str, rest: dict[str, Any]
) -> None:
    check(type_bar(answer(text, rest)), mentions, repairs, rest)


def test_commas_of_the_passage_join() -> None:
    rest = {"passage": "In Rome, Italy, and Paris.", "flags": MISSING}
    parsed = type_bar_passage(answer("location: Rome, Italy, Paris", rest))
    expected = [("location", "Rome, Italy"), ("location", "Paris")]
    check(parsed, expected, "", rest)


@pytest.mark.parametrize(
    ("text", "mentions", "repairs", "rest"),
    [
        row("canonical", " person: Ann Lee; person: Bo; location: Rome", ALL),
        row("C1-none", "None", []),
        row("C2-empty", "", [], error="empty"),
        row("C3-last-semicolon", "person: Ann Lee; location: Rome;", [ANN, ROME]),
        row("C4-lines", "person: Ann Lee\nlocation: Rome", [ANN, ROME], "line_breaks"),
        row(
            "C5-comma",
            "person: Ann Lee, Bo; location: Rome",
            [("person", "Ann Lee, Bo"), ROME],
            flags=("comma",),
        ),
        row(
            "C6-no-colon",
            "person Ann Lee; location: Rome",
            [ANN, ROME],
            "missing_colon",
        ),
        row("C7-reversed", "Ann Lee: person; Rome: location", [ANN, ROME], "reversed"),
        row("C8-unasked", "city: Rome", [], dropped={"unasked_type": 1}),
        row("C9-case", "PERSON: ANN LEE", [("person", "ANN LEE")], "type_case"),
        row(
            "C10-semicolon",
            "title: Rise; and Fall",
            [("title", "Rise")],
            types=["title"],
            dropped={"no_colon": 1},
        ),
        row(
            "C11-colon",
            "title: Mission: Impossible",
            [("title", "Mission: Impossible")],
            types=["title"],
        ),
        row(
            "C12-cut-repetition",
            DOTS,
            [BO, BO, BO],
            "cut",
            finish="length",
            dropped={"cut": 1},
            flags=("repetition",),
        ),
        row(
            "C13-cut",
            "person: Ann Lee; loc",
            [ANN],
            "cut",
            finish="length",
            dropped={"cut": 1},
        ),
        row("C14-quotes", 'person: "Ann Lee"', [ANN], "quotes"),
        row("C15-cue", "Answer: person: Ann Lee", [ANN], "cue"),
        row("C16-prose", "Ann Lee and Bo are persons.", [], error="prose"),
        row("C17-none-beside", "None; person: Bo", [BO], "none_word"),
        row(
            "C18-full-width",
            "person\uff1aAnn Lee\uff1blocation\uff1aRome",
            [ANN, ROME],
            "full_width",
        ),
        row("C19-none-value", "person: None", [], "none_word"),
        row(
            "C20-no-value",
            "person: Ann Lee; person:",
            [ANN],
            dropped={"empty_mention": 1},
        ),
        row(
            "C21-brackets", "[person: Ann Lee; location: Rome]", [ANN, ROME], "brackets"
        ),
        row(
            "C22-braces", "{person : Ann Lee} ; location :Rome", [ANN, ROME], "brackets"
        ),
        row("bullets", "- person: Ann Lee\n- location: Rome", [ANN, ROME], "bullets"),
        row("colon-prose", "Here is what I could find in it: Bo", [], error="prose"),
    ],
)
def test_type_pairs(
    text: str, mentions: list[Any], repairs: str, rest: dict[str, Any]
) -> None:
    check(type_pairs(answer(text, rest)), mentions, repairs, rest)


def test_semicolons_of_the_passage_join() -> None:
    rest = {"types": ["title"], "passage": "She read Rise; and Fall."}
    parsed = type_pairs_passage(answer("title: Rise; and Fall", rest))
    check(parsed, [("title", "Rise; and Fall")], "", rest)
