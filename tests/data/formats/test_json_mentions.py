"""JSON with mentions: rows and lists of several layouts, MRC records."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats.json_mentions import InstructUie, JsonMentions
from unibench.data.formats.mrc_json import MrcJson
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span

FIND = {
    "text": "data",
    "mentions": "ner_label",
    "label": "0",
    "start": "1",
    "end": "2",
    "quoted": "3",
    "id": "id",
}
VEHICLE = {
    "id": 9,
    "data": "Find the red Audi Q7 .",
    "ner_label": [
        ["vehicle_color", 9, 12, "red", 2, 3, ["red"]],
        ["vehicle_type-suv", 13, 20, "Audi Q7", 3, 5, ["Audi", "Q7"]],
        ["vehicle_brand", 13, 17, "Audi", 3, 4, ["Audi"]],
    ],
    "re_label": [[0, 1, 2]],
}


def test_findvehicle_rows_with_overlapping_spans(read: Any) -> None:
    (passage,) = read(JsonMentions, {"x": json.dumps(VEHICLE) + "\n"}, **FIND)
    assert passage.id == "9"
    assert passage.mentions == (
        Mention("vehicle_color", "red", (Span(9, 12),)),
        Mention("vehicle_brand", "Audi", (Span(13, 17),)),
        Mention("vehicle_type-suv", "Audi Q7", (Span(13, 20),)),
    )


def test_token_rows_with_exclusive_ends(read: Any) -> None:
    row = {
        "tokens": ["jun", "B gene", "."],
        "doc_id": "M:1",
        "entity_mentions": [
            {"start": 0, "end": 2, "entity_type": "DNA", "text": "jun B gene"},
            {"start": 0, "end": 1, "entity_type": "protein", "text": "jun"},
        ],
    }
    options = {
        "tokens": "tokens",
        "mentions": "entity_mentions",
        "label": "entity_type",
        "quoted": "text",
        "document": "doc_id",
    }
    (passage,) = read(JsonMentions, {"x": json.dumps(row)}, **options)
    assert passage.document == "M:1"
    assert [(m.entity_type, m.text) for m in passage.mentions] == [
        ("protein", "jun"),
        ("DNA", "jun B gene"),
    ]
    assert passage.tokens == (Span(0, 3), Span(4, 10), Span(11, 12))


def test_token_rows_with_lists_of_numbers(read: Any) -> None:
    row = {
        "tokens": ["left", "and", "right", "arm"],
        "entity": [{"type": "part", "offset": [0, 3], "text": "left arm"}],
    }
    options = {
        "tokens": "tokens",
        "mentions": "entity",
        "label": "type",
        "numbers": "offset",
        "quoted": "text",
    }
    (passage,) = read(JsonMentions, {"x": json.dumps(row)}, **options)
    assert passage.mentions == (
        Mention("part", "left arm", (Span(0, 4), Span(15, 18))),
    )


def test_instructuie_lists(read: Any) -> None:
    rows = [
        {
            "sentence": "Anna Kowal opened two bridges in Riga .",
            "entities": [
                {"name": "Riga", "type": "location", "pos": [33, 37]},
                {"name": "Anna Kowal", "type": "person", "pos": [0, 10]},
            ],
        },
        {"sentence": "None .", "entities": []},
    ]
    passages = read(InstructUie, {"train.json": json.dumps(rows)})
    assert [p.id for p in passages] == ["0", "1"]
    assert [m.text for m in passages[0].mentions] == ["Anna Kowal", "Riga"]


def test_rows_can_be_chosen_and_ends_inclusive(read: Any) -> None:
    rows = [
        {"lang": lang, "text": "ab", "mentions": [{"label": "X", "start": 0, "end": 1}]}
        for lang in ("de", "en")
    ]
    files = {"x": "\n".join(map(json.dumps, rows))}
    (passage,) = read(JsonMentions, files, where={"lang": "en"}, inclusive=True)
    assert passage.mentions[0].text == "ab"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param('{"id": 1, "ner_label": []}', "no 'data'", id="text"),
        pytest.param('{"id": 1, "data": "a"}', "no 'ner_label'", id="mentions"),
        pytest.param('{"id": 1, "data": 2, "ner_label": []}', "is no text", id="type"),
        pytest.param('{"id": 1, "data": "a", "ner_label": {}}', "no list", id="list"),
        pytest.param(
            '{"id": 1, "data": "a", "ner_label": [["X", true, 1, "a"]]}',
            "'1' is no whole number but True",
            id="number",
        ),
        pytest.param(
            '{"id": 1, "data": "a", "ner_label": [["X", 0, 9, "a"]]}',
            "offsets 0-9 do not fit",
            id="outside",
        ),
        pytest.param(
            '{"id": 1, "data": "ab", "ner_label": [["X", 0, 1, "b"]]}',
            "is 'a', not 'b'",
            id="quoted",
        ),
        pytest.param("[]", "Expected `object`", id="layout"),
    ],
)
def test_bad_rows_are_named(read: Any, content: str, problem: str) -> None:
    with pytest.raises(FormatError, match="x: line 1: .*" + problem):
        read(JsonMentions, {"x": content}, **FIND | {"id": ""})


def test_bad_elements_of_lists_are_named(read: Any) -> None:
    rows = [{"sentence": "a", "entities": []}, {"sentence": "a"}]
    with pytest.raises(FormatError, match=r"t: element 1 .*: there is no 'entities'"):
        read(InstructUie, {"t": json.dumps(rows)})


CONTEXT = "The mayor of -LRB- Riga met her staff ."


def record(label: str, starts: list[int], ends: list[int], **more: Any) -> Any:
    return {
        "context": CONTEXT,
        "qas_id": "0.2",
        "entity_label": label,
        "start_position": starts,
        "end_position": ends,
        "impossible": not starts,
        "query": "",
        "span_position": [f"{s};{e}" for s, e in zip(starts, ends, strict=False)],
        **more,
    }


def test_mrc_records_of_a_sentence_are_one_passage(read: Any) -> None:
    records = [
        record("GPE", [4], [4]),
        record("WEA", [], [], qas_id="1.1", context="No ."),
        record("PER", [0, 6, 6], [4, 6, 7], qas_id="0.5"),
    ]
    passages = read(MrcJson, {"mrc-ner.dev": json.dumps(records)}, ptb_brackets=True)
    assert [(p.id, p.text) for p in passages] == [
        ("0", "The mayor of ( Riga met her staff ."),
        ("1", "No ."),
    ]
    assert [(m.entity_type, m.text) for m in passages[0].mentions] == [
        ("PER", "The mayor of ( Riga"),
        ("GPE", "Riga"),
        ("PER", "her"),
        ("PER", "her staff"),
    ]


@pytest.mark.parametrize(
    ("records", "problem"),
    [
        pytest.param([record("X", [0], [])], "1 starts, but 0 ends", id="lists"),
        pytest.param([record("X", [0], [9])], "tokens 0 to 9 do not fit", id="outside"),
        pytest.param(
            [record("X", [2], [1])], "tokens 2 to 1 do not fit", id="reversed"
        ),
        pytest.param(
            [record("X", [], []), record("Y", [], [], context="b")],
            "different contexts",
            id="contexts",
        ),
        pytest.param(
            [record("X", [], [], context="a  b")], "token 1 is empty", id="blanks"
        ),
    ],
)
def test_bad_mrc_records_are_named(read: Any, records: list[Any], problem: str) -> None:
    with pytest.raises(FormatError, match=rf"m: qas_id 0\.\*: .*{problem}"):
        read(MrcJson, {"m": json.dumps(records)})


Made = list[tuple[list[str], list[tuple[int, int]]]]


@st.composite
def sentences(draw: st.DrawFn) -> Made:
    made = []
    for tokens in draw(
        st.lists(
            st.lists(st.text("abé😀", min_size=1), min_size=1, max_size=5), max_size=3
        )
    ):
        number = st.integers(0, len(tokens) - 1)
        pairs = draw(st.lists(st.tuples(number, number), max_size=3))
        made.append((tokens, sorted({(min(p), max(p)) for p in pairs})))
    return made


def render(made: Made) -> dict[str, str]:
    """The same sentences as MRC records, as InstructUIE's list and as token rows."""
    records, elements, rows = [], [], []
    for number, (tokens, spans) in enumerate(made):
        text = " ".join(tokens)
        starts = [len(" ".join([*tokens[:i], ""])) for i in range(len(tokens))]
        starts[0] = 0
        entities = [
            {
                "name": " ".join(tokens[a : b + 1]),
                "type": "X",
                "pos": [starts[a], starts[b] + len(tokens[b])],
            }
            for a, b in spans
        ]
        first, last = [a for a, _ in spans], [b for _, b in spans]
        name = f"{number}.1"
        records.append(record("X", first, last, qas_id=name, context=text))
        elements.append({"sentence": text, "entities": entities})
        marks = [{"label": "X", "start": a, "end": b} for a, b in spans]
        rows.append(json.dumps({"tokens": tokens, "mentions": marks}))
    return {
        "mrc": json.dumps(records),
        "uie": json.dumps(elements),
        "rows": "\n".join(rows),
    }


KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "mrc": (MrcJson, {}),
    "uie": (InstructUie, {}),
    "rows": (JsonMentions, {"tokens": "tokens", "inclusive": True}),
}


@given(sentences())
def test_round_trip(read: Any, made: Made) -> None:
    contents = render(made)
    for name, (kind, options) in KINDS.items():
        passages = read(kind, {name: contents[name]}, **options)
        assert [p.text for p in passages] == [" ".join(tokens) for tokens, _ in made]
        for passage, (tokens, spans) in zip(passages, made, strict=True):
            expected = Counter(" ".join(tokens[a : b + 1]) for a, b in spans)
            assert Counter(m.text for m in passage.mentions) == expected


@given(sentences(), st.text('[]{}",1-.', max_size=3), st.integers(0, 150))
def test_broken_files_are_explained(read: Any, made: Made, junk: str, at: int) -> None:
    for name, content in render(made).items():
        kind, options = KINDS[name]
        read.broken(kind, {name: content[:at] + junk + content[at + 1 :]}, **options)


@pytest.mark.realdata
def test_genia_json_lines_counts(read: Any, real_data: Path) -> None:
    options = {
        "tokens": "tokens",
        "mentions": "entity_mentions",
        "label": "entity_type",
        "quoted": "text",
        "document": "doc_id",
        "id": "sent_id",
    }
    for split, sentences, documents in (("dev", 1765, 199), ("test", 1732, 199)):
        path = real_data / "genia" / "cnn_nested_ner" / f"{split}.jsonlines"
        passages, _ = read.paths(JsonMentions, [path], **options)
        assert len(passages) == sentences
        assert len({p.document for p in passages}) == documents
        labels = {m.entity_type for p in passages for m in p.mentions}
        assert labels == {"protein", "DNA", "RNA", "cell_line", "cell_type"}
