"""Classes E and F of malformed answers: Python calls and XML tags."""

from __future__ import annotations

from typing import Any

import pytest

from unibench.adapters.parsing.python_calls import python_calls
from unibench.adapters.parsing.reading import Answer
from unibench.adapters.parsing.xml_tags import xml_tags

PASSAGE = "Ann Lee met Bo in Rome ."
CHANGED = ("text_changed",)
REST = "met Bo in Rome ."


def row(name: str, text: str, mentions: str, repairs: str = "", **rest: Any) -> Any:
    expected = [tuple(m.split(":")) for m in mentions.split("|") if m]
    return pytest.param(text, expected, repairs, rest, id=name)


@pytest.mark.parametrize(
    ("text", "mentions", "repairs", "rest"),
    [
        row("E1-result", 'result = [Person(span="Ann Lee")]', "Person:Ann Lee"),
        row(
            "E2-fence",
            '```python\nresult = [Person(span="Ann Lee")]\n```',
            "Person:Ann Lee",
            "fence",
        ),
        row(
            "E3-cut",
            '[Person(span="Ann Lee"), Location(span="Ro',
            "Person:Ann Lee",
            "cut",
            dropped={"cut": 1},
        ),
        row(
            "E4-comma",
            '[Person(span="Ann Lee") Location(span="Rome")]',
            "Person:Ann Lee|Location:Rome",
            "missing_comma",
        ),
        row(
            "E5-unasked",
            '[Person(span="Ann Lee"), City(span="Rome")]',
            "Person:Ann Lee",
            dropped={"unasked_type": 1},
        ),
        row("E6-positional", '[Person("Ann Lee")]', "Person:Ann Lee"),
        row("E7-name", '[Person(name="Ann Lee")]', "Person:Ann Lee", "argument_name"),
        row("E8-bare", "[Person(span=Ann Lee)]", "Person:Ann Lee", "bare_words"),
        row("E9-quotes", '[Person(span="Ann "Lee"")]', "", error="quotes"),
        row("E10-single", "[Person(span='Ann Lee')]", "Person:Ann Lee"),
        row(
            "E11-no-call",
            '[Person(span="Ann Lee"), "Rome"]',
            "Person:Ann Lee",
            dropped={"not_a_call": 1},
        ),
        row(
            "E12-list",
            '[Person(span=["Ann Lee", "Bo"])]',
            "Person:Ann Lee|Person:Bo",
            "list_argument",
        ),
        row("E13-none", "[Person(span=None)]", "", dropped={"empty_mention": 1}),
        row("E14-no-list", 'Person(span="Ann Lee")', "Person:Ann Lee", "no_list"),
        row("E15-empty", "", "", error="empty"),
        row(
            "E16-twice", '[Person(span="Bo"), Person(span="Bo")]', "Person:Bo|Person:Bo"
        ),
        row("E17-prose", "The persons are Ann Lee and Bo.", "", error="prose"),
        row("E18-case", '[person(span="Ann Lee")]', "Person:Ann Lee", "type_case"),
        row(
            "E19-comment",
            '[Person(span="Ann Lee")]\n\n# This is the text',
            "Person:Ann Lee",
        ),
        row(
            "E20-run-on",
            '[Person(span="Ann Lee")]\nresult = [Person(span="Bo")]',
            "Person:Ann Lee",
            "run_on",
        ),
        row(
            "E21-line-feed", '[Person(span="Ann\nLee")]', "Person:Ann\nLee", "line_feed"
        ),
        row("E22-results", 'results = [Person("Ann Lee")]', "Person:Ann Lee"),
        row("empty-list", "[]", ""),
        row("code", '[__import__("os").getcwd()]', "", error="prose"),
        row("lines", '[\n    Person(span="Bo"),\n]', "Person:Bo"),
        row("escapes", r'[Person(span="\"A\" \u00e9\\")]', 'Person:"A" é\\'),
        row("chatter", 'Sure: [Person("Bo")] Done.', "Person:Bo", "chatter"),
        row("hash-in-string", '[Person("C#")]', "Person:C#"),
        row("deep", "[" * 100_000, "", error="prose"),
    ],
)
def test_python_calls(
    text: str, mentions: list[Any], repairs: str, rest: dict[str, Any]
) -> None:
    parsed = python_calls(Answer(text, ["Person", "Location"], passage=PASSAGE))
    assert [(m.entity_type, m.text) for m in parsed.mentions] == mentions
    assert ",".join(parsed.repairs) == repairs
    assert parsed.parse_error == rest.get("error", "")
    assert parsed.dropped == rest.get("dropped", {})
    assert parsed.flags == rest.get("flags", ())


ANN = "<person>Ann Lee</person>"
TAGGED = f"{ANN} met <person>Bo</person> in <location>Rome</location> ."
ALL = "person:Ann Lee|person:Bo|location:Rome"


def wrapped(text: str) -> str:
    return f"<response>{text}</response>"


@pytest.mark.parametrize(
    ("text", "mentions", "repairs", "rest"),
    [
        row("canonical", wrapped(TAGGED), ALL),
        row("F1-no-response", TAGGED, ALL, "no_response"),
        row("F2-chatter", f"Sure: {wrapped(TAGGED)} Done.", ALL, "chatter"),
        row(
            "F3-closing-tag",
            wrapped(f"<person>Ann Lee</location> {REST}"),
            "person:Ann Lee",
            "closing_tag",
        ),
        row(
            "F4-unclosed",
            wrapped("<person>Ann Lee met Bo in <location>Rome</location> ."),
            "location:Rome",
            "unclosed",
            dropped={"unclosed": 1},
        ),
        row(
            "F5-cut",
            f"<response>{ANN} met <person>Bo</person> in <location>Ro",
            "person:Ann Lee|person:Bo",
            "cut",
            dropped={"cut": 1},
            flags=CHANGED,
        ),
        row(
            "F6-neighbours",
            wrapped(f"<person>Ann</person> <person>Lee</person> {REST}"),
            "person:Ann|person:Lee",
        ),
        row(
            "F7-case",
            wrapped("<Person>Ann Lee</Person> met <PERSON>Bo</PERSON> in Rome ."),
            "person:Ann Lee|person:Bo",
            "type_case",
        ),
        row(
            "F8-unasked",
            wrapped("Ann Lee met Bo in <city>Rome</city> ."),
            "",
            dropped={"unasked_type": 1},
        ),
        row(
            "F9-invented",
            wrapped(f"<person>Anna Lee</person> {REST}"),
            "person:Anna Lee",
            flags=CHANGED,
        ),
        row(
            "F10-attributes",
            wrapped(f'<person id="1">Ann Lee</person> {REST}'),
            "person:Ann Lee",
            "attributes",
        ),
        row(
            "F11-nested",
            wrapped("<person>Ann Lee met <location>Bo</location></person> in Rome ."),
            "person:Ann Lee met Bo|location:Bo",
        ),
        row(
            "F12-entities",
            wrapped(f"{ANN} {REST}").replace("<", "&lt;").replace(">", "&gt;"),
            "person:Ann Lee",
            "entities",
        ),
        row("F13-no-tags", f"Ann Lee (person) {REST}", "", error="no_tags"),
        row("F14-empty", "", "", error="empty"),
        row("F14-empty-block", wrapped(""), "", error="empty"),
        row(
            "F15-line-feed",
            wrapped(f"<person>Ann\nLee</person> {REST}"),
            "person:Ann Lee",
            "line_feed",
        ),
        row(
            "F16-blanks",
            wrapped(f"<person> Ann Lee </person> {REST}"),
            "person:Ann Lee",
            "blanks",
        ),
        row("F17-nothing", wrapped(PASSAGE), ""),
        row(
            "F18-tag-blank",
            wrapped(f"<first name>Ann</first name> Lee {REST}"),
            "first name:Ann",
            "tag_blank",
            types=["first name"],
        ),
        row(
            "F18-tag-blank-unasked",
            wrapped(f"<first name>Ann</first name> Lee {REST}"),
            "",
            dropped={"unasked_type": 1},
        ),
        row(
            "F19-single",
            wrapped(f"<person/>Ann Lee {REST}"),
            "",
            dropped={"empty_mention": 1},
        ),
        row(
            "F20-empty-tag",
            wrapped(f"<person></person>Ann Lee {REST}"),
            "",
            dropped={"empty_mention": 1},
        ),
        row(
            "F21-brackets",
            wrapped(f"[person]Ann Lee[/person] {REST}")
            .replace("<response>", "")
            .replace("</response>", ""),
            "person:Ann Lee",
            "brackets,no_response",
        ),
        row(
            "F22-two-blocks",
            wrapped(f"{ANN} {REST}") + wrapped(TAGGED),
            "person:Ann Lee",
            "run_on",
        ),
        row("F23-changed", wrapped(f"{ANN} saw Bo ."), "person:Ann Lee", flags=CHANGED),
        row(
            "a-tag-of-the-passage",
            wrapped("the <b> of <person>Bo</person>"),
            "person:Bo",
            passage="the <b> of Bo",
        ),
    ],
)
def test_xml_tags(
    text: str, mentions: list[Any], repairs: str, rest: dict[str, Any]
) -> None:
    parsed = xml_tags(
        Answer(
            text,
            rest.get("types", ["person", "location"]),
            passage=rest.get("passage", PASSAGE),
        )
    )
    assert [(m.entity_type, m.text) for m in parsed.mentions] == mentions
    assert ",".join(parsed.repairs) == repairs
    assert parsed.parse_error == rest.get("error", "")
    assert parsed.dropped == rest.get("dropped", {})
    assert parsed.flags == rest.get("flags", ())
