"""JSON lines, CSV with JSON, and parquet of token lists."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from unibench.data.formats.base import raw_file
from unibench.data.formats.registry import make_format
from unibench.errors import CardError, DataError, FormatError, UnknownNameError
from unibench.schema.text import Mention, Passage, Span


def parse(name: str, content: str | bytes, **options: Any) -> list[Passage]:
    parser = make_format({"name": name, **options}, "test")
    return list(parser.read([raw_file("a.file", content)]))


LEFT = Mention("part", "left ear", (Span(0, 4), Span(15, 18)))


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(
            {"text": "Ann ran", "mentions": [{"type": "P", "start": 0, "end": 3}]},
            id="type",
        ),
        pytest.param(
            {
                "text": "Ann ran",
                "mentions": [{"entity_type": "P", "spans": [[0, 3]], "text": "Ann"}],
            },
            id="entity-type-and-spans",
        ),
        pytest.param({"tokens": ["Ann", "ran"], "tags": ["B-P", "O"]}, id="tags"),
        pytest.param({"tokens": ["Ann", "ran"], "tags": [1, 0]}, id="numbers"),
    ],
)
def test_json_lines(row: dict[str, Any]) -> None:
    (passage,) = parse("jsonl", json.dumps(row), names=["O", "B-P"])
    assert passage == Passage("0", "Ann ran", (Mention("P", "Ann", (Span(0, 3),)),))


def test_json_lines_keep_pieces_ids_and_documents() -> None:
    row = {
        "id": "x7",
        "doc": "d1",
        "text": "left and right ear",
        "mentions": [{"type": "part", "spans": [[0, 4], [15, 18]]}],
    }
    (passage,) = parse("jsonl", json.dumps(row), document="doc")
    assert passage == Passage("x7", "left and right ear", (LEFT,), "d1")


def test_json_lines_of_other_languages_are_left_out() -> None:
    rows = "".join(
        json.dumps({"tokens": [lang], "tags": ["O"], "lang": lang}) + "\n"
        for lang in ("de", "en")
    )
    (passage,) = parse("jsonl", rows, where={"lang": "en"})
    assert passage.text == "en"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param('{"text": "a"', "line 1", id="cut-off"),
        pytest.param('{"text": "a"}', "no 'tokens'", id="keys"),
        pytest.param(
            '\n{"text": "ab", "mentions": [{"type": "P", "start": 1, "end": 9}]}',
            "line 2",
            id="past-the-text",
        ),
        pytest.param(
            '{"text": "ab", "mentions": [{"type": "P", "start": 0, "end": 1,'
            ' "text": "b"}]}',
            "not 'b'",
            id="other-text",
        ),
        pytest.param(
            '{"text": "ab", "mentions": [{"start": 0, "end": 1}]}', "`type`", id="type"
        ),
        pytest.param('{"tokens": ["a"], "tags": []}', "1 tokens", id="lengths"),
        pytest.param('{"tokens": ["a"], "tags": [4]}', "tag 4", id="number"),
        pytest.param('{"tokens": ["a"], "tags": ["X"]}', "'X'", id="tag"),
        pytest.param('{"tokens": [""], "tags": ["O"]}', "empty", id="token"),
    ],
)
def test_broken_json_lines(content: str, message: str) -> None:
    with pytest.raises(FormatError, match=r"^a\.file: line \d") as caught:
        parse("jsonl", content)
    assert message in str(caught.value)


CSV = (
    'text,gold\r\n"2 cups\nflour\n","[{""start"": 0, ""end"": 1, ""type"": ""N""}]"\r\n'
)


def test_csv_with_json_keeps_newlines_in_the_text() -> None:
    (passage,) = parse("csv_json", CSV, text="text", entities="gold")
    assert passage.text == "2 cups\nflour\n"
    assert passage.mentions == (Mention("N", "2", (Span(0, 1),)),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("text,other\n", "line 1: no column 'gold'", id="header"),
        pytest.param('text,gold\na,"[{"\n', "line 2: column 'gold'", id="json"),
        pytest.param("text,gold\na\n", "line 2: 1 column", id="ragged"),
        pytest.param('text,gold\n"a,b\n', "line 2: no CSV row", id="cut-off"),
        pytest.param(
            'text,gold\na,"[{""start"": 0, ""end"": 5, ""type"": ""N""}]"\n',
            "do not fit",
            id="past-the-text",
        ),
    ],
)
def test_broken_csv(content: str, message: str) -> None:
    with pytest.raises(FormatError, match=r"^a\.file: ") as caught:
        parse("csv_json", content, text="text", entities="gold")
    assert message in str(caught.value)


def parquet(rows: dict[str, list[Any]]) -> bytes:
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(rows), stream)
    return stream.getvalue()


def test_parquet_of_tokens_and_numbers() -> None:
    content = parquet(
        {"tokens": [["Ann", "ran"], ["x"]], "ids": [[1, 0], [0]], "lang": ["en", "de"]}
    )
    (passage,) = parse(
        "parquet_tokens", content, tags="ids", names=["O", "B-P"], where={"lang": "en"}
    )
    assert passage.mentions == (Mention("P", "Ann", (Span(0, 3),)),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"PAR1 no", "no parquet", id="bytes"),
        pytest.param(parquet({"tokens": [["a"]]}), "no column 'tags'", id="column"),
        pytest.param(
            parquet({"tokens": [["a"]], "tags": [["B-P", "O"]]}), "row 1", id="row"
        ),
    ],
)
def test_broken_parquet(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=r"^a\.file: ") as caught:
        parse("parquet_tokens", content)
    assert message in str(caught.value)


def test_an_unknown_option_names_what_is_allowed() -> None:
    with pytest.raises(CardError, match=r"colour.*separator"):
        parse("columns", "", colour=1)


def test_an_unknown_format_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match="'columns'"):
        parse("colums", "")
