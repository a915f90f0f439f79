"""Tables of tokens: one token a row (CSV, parquet), or lists in Arrow files."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats.arrow_tokens import ArrowTokens
from unibench.data.formats.token_rows import TokenRows
from unibench.errors import FormatError
from unibench.schema.text import Span

FINER = {
    "group": ["doc_idx", "sent_idx"],
    "document": "doc_idx",
    "tokens": "gold_token",
    "tags": "gold_label",
    "names": ["O", "PER_B", "PER_I", "LOC_B", "LOC_I", "ORG_B", "ORG_I"],
    "suffix": True,
}
HEAD = "gold_label,gold_token,doc_idx,sent_idx\n"


def test_csv_rows_with_the_word_none_and_a_suffix_scheme(read: Any) -> None:
    text = HEAD + '5,Demo,0,0\n6,Bank,0,0\n0,"a,b",0,0\n0,None,0,1\n2,NA,0,1\n'
    first, second = read(TokenRows, {"val.csv": text}, **FINER)
    assert (first.id, first.document, first.text) == ("0-0", "0", "Demo Bank a,b")
    assert [(m.entity_type, m.text) for m in first.mentions] == [("ORG", "Demo Bank")]
    assert second.text == "None NA"
    assert [(m.entity_type, m.text) for m in second.mentions] == [("PER", "NA")]


def test_documents_may_be_counted_anew_in_each_file(read: Any) -> None:
    files = {"a.csv": HEAD + "0,a,0,0\n", "b.csv": HEAD + "0,b,0,0\n"}
    assert [p.id for p in read(TokenRows, files, **FINER)] == ["0-0", "0-0#2"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("a,b\n", "line 1: there is no column 'gold_token'", id="columns"),
        pytest.param(HEAD + "0,a,0\n", "line 2: 3 cells", id="ragged"),
        pytest.param(HEAD + '0,"a,0,0\n', "line 2: ", id="quote"),
        pytest.param(HEAD + "0,a,0,0\n7,b,0,0\n", "rows 1 to 2: the tag 7", id="tag"),
        pytest.param(HEAD + "X,a,0,0\n", "rows 1 to 1: 'X' is no IOB2", id="word"),
        pytest.param(HEAD + "0,,0,0\n", "rows 1 to 1: token 0 is empty", id="empty"),
        pytest.param(
            HEAD + "0,a,0,0\n0,a,0,1\n0,a,0,0\n", "row 3: the rows of 0-0", id="apart"
        ),
        pytest.param("", "line 1: there is no column", id="nothing"),
    ],
)
def test_bad_csv_rows_are_named(read: Any, text: str, problem: str) -> None:
    with pytest.raises(FormatError, match=r"x\.csv: " + problem):
        read(TokenRows, {"x.csv": text}, **FINER)


def parquet(columns: dict[str, list[Any]]) -> bytes:
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream)
    return stream.getvalue()


DEAL = {
    "container": "parquet",
    "group": ["unique_id"],
    "document": "unique_id",
    "tags": "ner_tags",
}


def test_parquet_rows(read: Any) -> None:
    content = parquet(
        {
            "tokens": ["Demo", "Telescope", "data.", "Thanks"],
            "ner_tags": ["B-Telescope", "I-Telescope", "O", "O"],
            "unique_id": ["f_1", "f_1", "f_1", "a_1"],
        }
    )
    first, second = read(TokenRows, {"x": content}, **DEAL)
    assert (first.id, first.document) == ("f_1", "f_1")
    assert [m.text for m in first.mentions] == ["Demo Telescope"]
    assert second.text == "Thanks"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"<html>", "no parquet data", id="html"),
        pytest.param(
            parquet({"tokens": ["a"]}).replace(b"tokens", b"tok\x80ns"),
            "no parquet data",
            id="column-name",
        ),
        pytest.param(parquet({"a": [1]}), "no column 'tokens'", id="columns"),
        pytest.param(
            parquet({"tokens": [None], "ner_tags": ["O"], "unique_id": ["1"]}),
            "row 1: a cell is empty",
            id="null",
        ),
    ],
)
def test_bad_parquet_is_named(read: Any, content: bytes, problem: str) -> None:
    with pytest.raises(FormatError, match="x: .*" + problem):
        read(TokenRows, {"x": content}, **DEAL)


CLASSES = ["O", "B-MATE", "I-MATE", "E-MATE", "S-MATE"]
FEATURES = [
    pytest.param({"feature": {"names": CLASSES, "_type": "ClassLabel"}}, id="sequence"),
    pytest.param([{"names": CLASSES, "_type": "ClassLabel"}], id="list"),
]


def arrow(
    rows: list[dict[str, Any]], feature: Any = None, *, footer: bool = False
) -> bytes:
    schema = pyarrow.schema(
        {
            "tokens": pyarrow.list_(pyarrow.string()),
            "ner_tags": pyarrow.list_(pyarrow.int64()),
        },
        {"huggingface": json.dumps({"info": {"features": {"ner_tags": feature}}})}
        if feature
        else None,
    )
    stream = io.BytesIO()
    new = pyarrow.ipc.new_file if footer else pyarrow.ipc.new_stream
    with new(stream, schema) as writer:
        for row in rows:
            writer.write_batch(pyarrow.RecordBatch.from_pylist([row], schema))
    return stream.getvalue()


ROWS = [
    {"tokens": ["Laser", "beam", "on", "steel"], "ner_tags": [1, 3, 0, 4]},
    {"tokens": ["{@Demo Records@}", "is"], "ner_tags": [4, 0]},
]


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("footer", [False, True])
def test_arrow_rows_with_class_names(read: Any, feature: Any, footer: bool) -> None:
    content = arrow(ROWS, feature, footer=footer)
    first, second = read(ArrowTokens, {"x": content}, tags="ner_tags", scheme="BIOES")
    assert [m.text for m in first.mentions] == ["Laser beam", "steel"]
    assert first.tokens == ()
    assert second.tokens == (Span(0, 16), Span(17, 19))


def test_names_of_the_card_win(read: Any) -> None:
    names = ["O", "B-X", "I-X", "E-X", "S-X"]
    content = arrow(ROWS, FEATURES[0].values[0])
    options = {"tags": "ner_tags", "scheme": "BIOES", "names": names}
    first, _ = read(ArrowTokens, {"x": content}, **options)
    assert {m.entity_type for m in first.mentions} == {"X"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"<html>", "no Arrow data", id="html"),
        pytest.param(b"", "no Arrow data", id="nothing"),
        pytest.param(arrow(ROWS)[:-200], "", id="cut"),
        pytest.param(arrow(ROWS), "the tag 1 is no place in the 0 `names`", id="names"),
        pytest.param(
            arrow([{"tokens": ["a"], "ner_tags": [0, 0]}], FEATURES[0].values[0]),
            "row 1: 1 tokens, but 2 tags",
            id="lengths",
        ),
        pytest.param(
            arrow([{"tokens": None, "ner_tags": [0]}], FEATURES[0].values[0]),
            "row 1: Expected `array`",
            id="null",
        ),
    ],
)
def test_bad_arrow_files_are_named(read: Any, content: bytes, problem: str) -> None:
    with pytest.raises(FormatError, match="x: .*" + problem):
        read(ArrowTokens, {"x": content}, tags="ner_tags", scheme="BIOES")


def test_a_missing_column_is_named(read: Any) -> None:
    with pytest.raises(FormatError, match="x: no column 'tags'; there are tokens, ner"):
        read(ArrowTokens, {"x": arrow(ROWS)})


TOKEN = st.text('ab",\n é', min_size=1, max_size=3).filter(lambda t: t == t.strip())
Sentences = list[list[tuple[str, int]]]
SENTENCES = st.lists(
    st.lists(
        st.tuples(TOKEN, st.integers(0, 6)),
        min_size=1,
        max_size=4,
    ),
    max_size=4,
)


@given(SENTENCES)
def test_round_trip(read: Any, sentences: Sentences) -> None:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["gold_label", "gold_token", "doc_idx", "sent_idx"])
    for number, sentence in enumerate(sentences):
        rows.writerows((tag, token, 0, number) for token, tag in sentence)
    passages = read(TokenRows, {"x.csv": text.getvalue()}, **FINER)
    assert [p.text for p in passages] == [" ".join(t for t, _ in s) for s in sentences]
    listed = [
        {"tokens": [t for t, _ in s], "ner_tags": [g for _, g in s]} for s in sentences
    ]
    content = arrow(listed)
    options = {"tags": "ner_tags", "names": FINER["names"], "suffix": True}
    others = read(ArrowTokens, {"x": content}, **options)
    assert [(p.text, p.mentions) for p in others] == [
        (p.text, p.mentions) for p in passages
    ]


@given(st.binary(max_size=4), st.integers(0, 400))
def test_broken_files_are_explained(read: Any, junk: bytes, at: int) -> None:
    for content in (arrow(ROWS, FEATURES[0].values[0]), parquet({"tokens": ["a"]})):
        damaged = content[:at] + junk + content[at + 1 :]
        read.broken(ArrowTokens, {"x": damaged}, tags="ner_tags", scheme="BIOES")
        read.broken(TokenRows, {"x": damaged}, **DEAL)
    csv_text = (HEAD + "5,Demo,0,0\n0,a,0,0\n0,b,0,1\n").encode()
    read.broken(TokenRows, {"x": csv_text[:at] + junk + csv_text[at + 1 :]}, **FINER)


@pytest.mark.realdata
def test_deal_counts(read: Any, real_data: Path) -> None:
    path = real_data / "deal" / "data" / "WIESP2022-NER-TRAINING.parquet"
    passages, _ = read.paths(TokenRows, [path], **DEAL)
    labels = Counter(m.entity_type for p in passages for m in p.mentions)
    assert len(passages) == 1753
    assert sum(not p.mentions for p in passages) == 8
    assert len(labels) == 31
    assert labels["Organization"] == 7448
    assert labels["TextGarbage"] == 52


@pytest.mark.realdata
def test_arrow_counts(read: Any, real_data: Path) -> None:
    fabner = real_data / "fabner" / "tests" / "data" / "tiny_fabner"
    fewnerd = real_data / "fewnerd" / "tiny_fewnerd_super"
    for split, count in (("train", 2), ("test", 10)):
        (path,) = (fabner / split).glob("*.arrow")
        passages, _ = read.paths(ArrowTokens, [path], tags="ner_tags", scheme="BIOES")
        assert len(passages) == count
        assert any(p.mentions for p in passages)
        (path,) = (fewnerd / split).glob("*.arrow")
        coarse, _ = read.paths(ArrowTokens, [path], tags="ner_tags", scheme="IO")
        fine, _ = read.paths(ArrowTokens, [path], tags="fine_ner_tags", scheme="IO")
        assert len(coarse) == len(fine) == count
        assert all(m.entity_type.partition("-")[2] for p in fine for m in p.mentions)
