"""Layouts that shared formats serve: GENIA, StackOverflow, HarveyNER, MAPA."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from unibench.data.formats.columns import Columns
from unibench.data.formats.jsonl import JsonLines
from unibench.schema.text import Mention, Span

LAYERS = {"tag": [1, 2, 3, 4]}


def pairs(passage: Any) -> list[tuple[str, str]]:
    return [(m.entity_type, m.text) for m in passage.mentions]


def test_layers_give_nested_mentions(read: Any) -> None:
    text = (
        "human\tO\tB-DNA\tO\tO\nabcd\tB-protein\tI-DNA\tO\tO\n"
        "gene\tO\tI-DNA\tO\tO\n.\tO\tO\tO\tO\n\n"
    )
    (passage,) = read(Columns, {"x": text}, **LAYERS)
    assert set(passage.mentions) == {
        Mention("DNA", "human abcd gene", (Span(0, 15),)),
        Mention("protein", "abcd", (Span(6, 10),)),
    }


def test_markup_columns_and_separators_with_a_tab(read: Any) -> None:
    text = (
        "The\tO\tThe\tO\ndemo_sort\tB-Library_Function\tdemo_sort\tCode_Block\n"
        "a-----b\tO\ta-----b\tO\n\t\n\t\nNo\tO\tNo\tO\n"
    )
    first, second = read(Columns, {"x": text}, tag=1, replace={"-----": " "})
    assert first.text == "The demo_sort a b"
    assert pairs(first) == [("Library_Function", "demo_sort")]
    assert second.text == "No"


TWEETS = (
    "-DOCSTART- O\nFlooding O\nDemo B-ROAD\nStreet I-ROAD\n\n-DOCSTART- O\nDry O\n\n"
)


@pytest.mark.parametrize(
    ("docstart", "texts"),
    [
        ("skip", ["Flooding Demo Street", "Dry"]),
        ("keep", ["-DOCSTART- Flooding Demo Street", "-DOCSTART- Dry"]),
    ],
)
def test_docstart_rows_without_a_blank_line_after_them(
    read: Any, docstart: str, texts: list[str]
) -> None:
    passages = read(Columns, {"x": TWEETS}, separator=" ", docstart=docstart)
    assert [p.text for p in passages] == texts
    assert pairs(passages[0]) == [("ROAD", "Demo Street")]


MAPA = {
    "type": "EUR-LEX",
    "file_name": "x.tsv",
    "sentence_number": 3,
    "tokens": ["On", "3", "May", "Mr", "Roe", "Ltd"],
    "coarse_grained": ["O", "B-DATE", "I-DATE", "B-PERSON", "I-PERSON", "O"],
    "fine_grained": ["O", "B-DAY", "B-MONTH", "B-TITLE", "B-FAMILY NAME", "O"],
}


def test_two_levels_of_tags_with_blanks_and_a_language(read: Any) -> None:
    rows = [MAPA | {"language": language} for language in ("de", "en")]
    files = {"x": "\n".join(map(json.dumps, rows))}
    options = {"where": {"language": "en"}, "document": "file_name"}
    (coarse,) = read(JsonLines, files, tags="coarse_grained", **options)
    (fine,) = read(JsonLines, files, tags="fine_grained", **options)
    assert coarse.document == "x.tsv"
    assert pairs(coarse) == [("DATE", "3 May"), ("PERSON", "Mr Roe")]
    assert pairs(fine) == [
        ("DAY", "3"),
        ("MONTH", "May"),
        ("TITLE", "Mr"),
        ("FAMILY NAME", "Roe"),
    ]


def test_rows_of_numbers_and_tokens_with_blanks(read: Any) -> None:
    row = {"tokens": ["Hearing", "{@Demo Records@}", "{{URL}}"], "tags": [2, 0, 2]}
    names = ["B-corporation", "I-corporation", "O"]
    (passage,) = read(JsonLines, {"x": json.dumps(row)}, tags="tags", names=names)
    assert pairs(passage) == [("corporation", "{@Demo Records@}")]
    assert passage.tokens == (Span(0, 7), Span(8, 24), Span(25, 32))


@pytest.mark.realdata
def test_genia_layers(read: Any, real_data: Path) -> None:
    expected = {
        "dev": (1669, 4337, {"protein": 2303, "RNA": 132}),
        "test": (1854, 5474, {"protein": 3066, "RNA": 109}),
    }
    for split, (sentences, mentions, some) in expected.items():
        path = real_data / "genia" / f"genia.{split}.iob2"
        passages, _ = read.paths(Columns, [path], **LAYERS)
        labels = Counter(m.entity_type for p in passages for m in p.mentions)
        assert (len(passages), labels.total()) == (sentences, mentions)
        assert {label: labels[label] for label in some} == some


@pytest.mark.realdata
def test_deal_json_lines(read: Any, real_data: Path) -> None:
    path = real_data / "deal" / "2022" / "data" / "NER-Sample.jsonl"
    passages, _ = read.paths(JsonLines, [path], tags="ner_tags", document="unique_id")
    assert len(passages) == 20
    assert sum(len(p.mentions) for p in passages) == 628  # 31.40 a document
