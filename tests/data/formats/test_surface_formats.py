"""Formats that list mentions by text: UniversalNER's conversations, IEPile's rows."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats.conversations import Conversations
from unibench.data.formats.iepile import IePile
from unibench.data.formats.surface import ABSENT, AMBIGUOUS
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span

Answers = dict[str, list[str]]


def talk(text: str, answers: Answers, name: str = "demo_0") -> dict[str, Any]:
    """A conversation in the released form; the release asks one type in each."""
    turns = [("human", f"Text: {text}"), ("gpt", "I've read this text.")]
    for label, surfaces in answers.items():
        turns += [
            ("human", f"What describes {label} in the text?"),
            ("gpt", json.dumps(surfaces)),
        ]
    said = [{"from": sender, "value": value} for sender, value in turns]
    return {"id": name, "conversations": said}


def test_queries_about_one_text_are_one_passage(read: Any) -> None:
    rows = [
        talk("Zoë met Bo in Riga", {"location": ["Riga"]}),
        talk("Zoë met Bo in Riga", {"person": ["Zoë", "Bo"]}),
        talk("Zoë met Bo in Riga", {"person": [], "location": ["Riga"]}),
        talk("None", {"person": []}),
    ]
    passages = read(Conversations, {"x.json": json.dumps(rows)})
    assert [p.text for p in passages] == ["Zoë met Bo in Riga"] * 2 + ["None"]
    assert [p.id for p in passages] == ["0", "1", "2"]
    assert passages[0].mentions == (
        Mention("person", "Zoë", (Span(0, 3),)),
        Mention("person", "Bo", (Span(8, 10),)),
        Mention("location", "Riga", (Span(14, 18),)),
    )
    assert [m.text for m in passages[1].mentions] == ["Riga"]


@pytest.mark.parametrize(
    ("text", "surfaces", "spans", "count"),
    [
        pytest.param("a b a", ["a", "a"], [0, 4], 0, id="repeated"),
        pytest.param("a b a", ["a"], [None], 1, id="listed-less-often"),
        pytest.param("a b", ["a", "a"], [None, None], 2, id="listed-more-often"),
        pytest.param("ab a", ["a"], [3], 0, id="whole-words"),
        pytest.param("( a ) (a", ["( a )"], [0], 0, id="punctuation"),
        pytest.param("ab", ["a"], [None], 1, id="inside-a-word"),
    ],
)
def test_offsets_are_given_where_they_are_certain(
    read: Any, text: str, surfaces: list[str], spans: list[int | None], count: int
) -> None:
    rows = [talk(text, {"X": surfaces})]
    (passage,), repairs = read.noted(Conversations, {"x": json.dumps(rows)})
    starts = [m.spans[0].start if m.spans else None for m in passage.mentions]
    assert starts == spans
    assert [m.text for m in passage.mentions] == surfaces
    assert repairs[AMBIGUOUS] == count


def test_absent_mentions_are_settled_as_the_card_says(read: Any) -> None:
    files = {"x": json.dumps([talk("a b", {"X": ["c", "a"]})])}
    with pytest.raises(FormatError, match=r"x: demo_0: 'c' \(X\) does not occur"):
        read(Conversations, files)
    (kept,), repairs = read.noted(Conversations, files, absent="keep")
    assert [m.text for m in kept.mentions] == ["c", "a"]
    assert repairs == {ABSENT: 1, AMBIGUOUS: 1}
    (dropped,), repairs = read.noted(Conversations, files, absent="drop")
    assert [m.text for m in dropped.mentions] == ["a"]
    assert repairs == {ABSENT: 1}


def turns(*said: str) -> Any:
    senders = ["human", "gpt"] * 4
    pairs = zip(senders, said, strict=False)
    return [{"id": "q", "conversations": [{"from": s, "value": v} for s, v in pairs]}]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        pytest.param({"a": 1}, "x: line 1: Expected `array`", id="layout"),
        pytest.param([{"conversations": []}], "element 0 .*first turn", id="silent"),
        pytest.param(turns("Text: a"), "q: turns are not human and gpt", id="odd"),
        pytest.param(turns("a", "ok"), "q: the first turn does not begin", id="prefix"),
        pytest.param(
            turns("Text: a", "ok", "Why?", "[]"), "'Why.' asks for no type", id="why"
        ),
        pytest.param(
            turns("Text: a", "ok", "What describes X in the text?", "none"),
            "'none' is no list of texts",
            id="answer",
        ),
        pytest.param(
            turns("Text: a", "ok", *["What describes X in the text?", "[]"] * 2),
            "'X' is asked twice",
            id="twice",
        ),
        pytest.param(
            [talk("a", {"X": [" "]})], "a mention of 'X' is empty", id="empty"
        ),
    ],
)
def test_bad_conversations_are_named(read: Any, rows: Any, problem: str) -> None:
    with pytest.raises(FormatError, match=problem):
        read(Conversations, {"x": json.dumps(rows)})


def asked(text: str, schema: list[str], key: str, answers: Answers) -> str:
    question = json.dumps({"instruction": "Do.", "schema": schema, "input": text})
    return json.dumps({"instruction": question, key: json.dumps(answers)})


def test_iepile_rows_with_entities(read: Any) -> None:
    rows = [
        {
            "text": "Bo met Anna",
            "entity": [
                {"entity": "Anna", "entity_type": "person"},
                {"entity": "Bo", "entity_type": "person"},
            ],
        },
        {"text": "None", "entity": []},
    ]
    passages = read(IePile, {"x": "\n".join(map(json.dumps, rows))})
    assert [(p.id, p.text) for p in passages] == [("0", "Bo met Anna"), ("1", "None")]
    assert [m.text for m in passages[0].mentions] == ["Bo", "Anna"]


def test_iepile_instructions_about_one_text_are_one_passage(read: Any) -> None:
    every = {"person": ["Bo"], "place": ["Riga"]}
    lines = [
        asked("Bo in Riga", ["person"], "output", {"person": ["Bo"]}),
        asked("Bo in Riga", ["place"], "output", {"place": ["Riga"]}),
        asked("Bo in Riga", ["person"], "label", every),
        asked("Bo in Riga", ["place", "date"], "label", every),
    ]
    passages = read(IePile, {"x": "\n".join(lines)})
    assert [p.id for p in passages] == ["0", "1"]
    expected = {("person", "Bo"), ("place", "Riga")}
    for passage in passages:
        assert {(m.entity_type, m.text) for m in passage.mentions} == expected


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param('{"text": "a"}', "neither 'entity' nor 'instruction'", id="keys"),
        pytest.param(
            '{"entity": [{"entity": "a", "entity_type": "X"}]}', "no 'text'", id="text"
        ),
        pytest.param('{"instruction": "x"}', "the instruction or its", id="no-json"),
        pytest.param(
            asked("a", ["X"], "output", {"Y": ["a"]}), "'Y' is answered", id="strange"
        ),
        pytest.param(
            asked("a", ["X"], "output", {"X": ["b"]}), "does not occur", id="absent"
        ),
    ],
)
def test_bad_iepile_rows_are_named(read: Any, line: str, problem: str) -> None:
    with pytest.raises(FormatError, match="x: line 2: .*" + problem):
        read(IePile, {"x": '{"text": "a", "entity": []}\n' + line})


WORD = st.text("abé(.", min_size=1, max_size=3)


@st.composite
def gold(draw: st.DrawFn) -> list[tuple[str, Answers]]:
    made = []
    for words in draw(st.lists(st.lists(WORD, min_size=1, max_size=6), max_size=4)):
        pick = st.lists(st.sampled_from(words), max_size=3)
        made.append((" ".join(words), {"X": draw(pick), "Y": draw(pick)}))
    return made


@given(gold())
def test_round_trip(read: Any, made: list[tuple[str, Answers]]) -> None:
    rows = [
        talk(text, {label: answers[label]}) for text, answers in made for label in "XY"
    ]
    lines = [asked(text, ["X", "Y"], "output", answers) for text, answers in made]
    for kind, content in (
        (Conversations, json.dumps(rows)),
        (IePile, "\n".join(lines)),
    ):
        passages = read(kind, {"x": content})
        assert [p.text for p in passages] == [text for text, _ in made]
        for passage, (_, answers) in zip(passages, made, strict=True):
            listed = [(label, text) for label in answers for text in answers[label]]
            found = Counter((m.entity_type, m.text) for m in passage.mentions)
            assert found == Counter(listed)


@given(gold(), st.text('[]{}",:\\', max_size=3), st.integers(0, 300))
def test_broken_files_are_explained(
    read: Any, made: list[tuple[str, Answers]], junk: str, at: int
) -> None:
    rows = json.dumps([talk(text, answers) for text, answers in made])
    read.broken(Conversations, {"x": rows[:at] + junk + rows[at + 1 :]})
    lines = "\n".join(asked(t, ["X", "Y"], "output", answers) for t, answers in made)
    read.broken(IePile, {"x": lines[:at] + junk + lines[at + 1 :]})


@pytest.mark.realdata
def test_released_crossner_ai(read: Any, real_data: Path) -> None:
    # The reference counts 5,603 queries over 431 texts, 1,624 mentions with repeats.
    path = real_data / "crossner_ai" / "universal_ner" / "CrossNER_AI.json.xz"
    passages, repairs = read.paths(Conversations, [path])
    mentions = [m for p in passages for m in p.mentions]
    assert (len(passages), len(mentions)) == (431, 1624)
    assert len({m.entity_type for m in mentions}) == 13
    assert set(repairs) == {AMBIGUOUS}
