"""Arrow streams are read as parquet files are."""

from __future__ import annotations

import io

import pyarrow
import pyarrow.parquet
import pytest

from unibench.data.formats.base import raw_file
from unibench.data.formats.registry import make_format
from unibench.errors import FormatError

NAMES = ["O", "B-MATE", "S-MATE"]
TABLE = pyarrow.table(
    {"id": ["0", "1"], "tokens": [["A", "steel"], ["No"]], "ner_tags": [[0, 2], [0]]}
)


def stream() -> bytes:
    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)
    return sink.getvalue()


def parquet() -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(TABLE, sink)
    return sink.getvalue()


@pytest.mark.parametrize("content", [stream(), parquet()], ids=["stream", "parquet"])
def test_both_kinds_give_the_same_passages(content: bytes) -> None:
    spec = {
        "name": "parquet_tokens",
        "tags": "ner_tags",
        "names": NAMES,
        "scheme": "BIOES",
    }
    passages = list(make_format(spec, "test").read([raw_file("data", content)]))
    assert [p.text for p in passages] == ["A steel", "No"]
    assert [[(m.entity_type, m.text) for m in p.mentions] for p in passages] == [
        [("MATE", "steel")],
        [],
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b"PAR1", b"<html>not found</html>", stream()[:40], stream()[:-90]],
    ids=["empty", "cut parquet", "web page", "cut head", "cut rows"],
)
def test_what_is_neither_is_one_clear_error(content: bytes) -> None:
    made = make_format("parquet_tokens", "test")
    with pytest.raises(FormatError, match="data: no whole parquet file or Arrow"):
        list(made.read([raw_file("data", content)]))
