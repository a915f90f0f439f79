"""Documents of every format, with names that never change; bad rows are counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from unibench.distill.corpus import documents
from unibench.distill.corpus.documents import (
    BadRow,
    BadRows,
    Document,
    Part,
    parts_of,
    rows_of,
)
from unibench.errors import DataError, FormatError
from unibench.schema.distillation import CorpusSource


def read(folder: Path, skip: int = 0, **options: Any) -> list[Any]:
    """All rows of a corpus, flat, as (key, source, text) or a reason."""
    source = CorpusSource(name="sea", files=("*",), **options)
    return [
        row.reason if isinstance(row, BadRow) else (row.key, row.source, row.text)
        for part in parts_of((source,), folder)
        for rows in rows_of(part, skip)
        for row in rows
    ]


def test_json_lines_and_their_bad_rows(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(
        b'{"text": "One."}\n'
        b"\xff\xfe\x00 binary\n"
        b'{"text": "   "}\n'
        b'["no", "object"]\n'
        b"\n"
        b'{"title": "no text"}\n'
        b'{"text": "a\\u0000b"}\n'
        b'{"text": "Two."}'
    )
    assert read(tmp_path) == [
        ("sea/a.jsonl:0", "sea", "One."), "not_json", "empty", "not_json", "empty",
        "no_text", "binary", ("sea/a.jsonl:7", "sea", "Two."),
    ]  # fmt: skip
    assert read(tmp_path, skip=6) == ["binary", ("sea/a.jsonl:7", "sea", "Two.")]


def test_a_documents_own_source(tmp_path: Path) -> None:
    rows = [
        {"body": "x", "meta": {"set": "logs"}},
        {"body": "y", "meta": {}},
    ]
    text = "\n".join(map(json.dumps, rows))
    (tmp_path / "a.jsonl").write_text(text, "utf-8")
    found = read(tmp_path, text_field="body", source_field="meta.set")
    assert found == [("sea/a.jsonl:0", "logs", "x"), "no_source"]


def test_parquet(tmp_path: Path) -> None:
    table = pyarrow.table({"text": ["One.", None, "Two."], "n": [1, 2, 3]})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path) == [
        ("sea/a.parquet:0", "sea", "One."),
        "no_text",
        ("sea/a.parquet:2", "sea", "Two."),
    ]
    assert read(tmp_path, skip=2) == [("sea/a.parquet:2", "sea", "Two.")]


def test_broken_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(FormatError, match=r"a\.parquet: the parquet data are broken"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("unit", "texts"),
    [
        pytest.param("paragraph", ["A b.\nC d.", "E."], id="paragraphs"),
        pytest.param("file", ["A b.\nC d.\n\n\nE."], id="file"),
        pytest.param("line", ["A b.", "C d.", "empty", "empty", "E."], id="lines"),
    ],
)
def test_text_files(tmp_path: Path, unit: str, texts: list[str]) -> None:
    (tmp_path / "a.txt").write_bytes(b"A b.\r\nC d.\n\n\nE.\n")
    found = [r if isinstance(r, str) else r[2] for r in read(tmp_path, documents=unit)]
    assert found == texts


def test_text_that_is_not_utf8_is_a_bad_row(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"Good.\n\n\xe9\xe8\n\nGood too.\n")
    assert [r if isinstance(r, str) else r[2] for r in read(tmp_path)] == [
        "Good.", "not_utf8", "Good too.",
    ]  # fmt: skip


def test_a_very_long_document_is_cut_into_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MAX_CHARACTERS", 10)
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "x" * 25}), "utf-8")
    assert [row[0] for row in read(tmp_path)] == [
        "sea/a.jsonl:0+0", "sea/a.jsonl:0+10", "sea/a.jsonl:0+20",
    ]  # fmt: skip


def test_no_file_is_an_error_that_names_the_pattern(tmp_path: Path) -> None:
    source = CorpusSource(name="sea", files=("deep/*.jsonl",))
    with pytest.raises(DataError, match=r"corpus 'sea': no file is called .*deep"):
        parts_of((source,), tmp_path)


def test_a_name_that_tells_no_format(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"x")
    with pytest.raises(DataError, match=r"tells no format; add `format"):
        read(tmp_path)


def test_keys_do_not_depend_on_where_the_corpus_lies(tmp_path: Path) -> None:
    for place in ("here", "there/deep"):
        folder = tmp_path / place
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "a.txt").write_text("A.", "utf-8")
        (folder / "b.txt").write_text("B.", "utf-8")
    source = CorpusSource(name="sea", files=("b.txt", "sub/*.txt"))
    names = [
        [part.name for part in parts_of((source,), tmp_path / place)]
        for place in ("here", "there/deep")
    ]
    assert names == [["sea/b.txt", "sea/sub/a.txt"]] * 2


PART = Part(CorpusSource(name="sea", files=("x",)), "sea/a.jsonl")


def test_a_file_of_rubbish_stops_early() -> None:
    bad = BadRows(0.05)
    with pytest.raises(FormatError, match="100 of the first 100 rows are unusable"):
        for _ in range(1000):
            bad.see([BadRow("not_json", "xx")], PART)


def test_a_short_file_of_rubbish_stops_at_its_end() -> None:
    bad = BadRows(0.5)
    for row in (BadRow("not_json"), BadRow("not_json"), Document("k", "s", "t")):
        bad.see([row], PART)
    with pytest.raises(FormatError, match="2 of the first 3 rows"):
        bad.end(PART)


def test_empty_documents_are_counted_but_no_fault() -> None:
    bad = BadRows(0.0)
    for _ in range(200):
        bad.see([BadRow("empty")], PART)
    bad.end(PART)
    assert bad.reasons == {"empty": 200}


def test_a_hub_dataset_is_streamed(tmp_path: Path) -> None:
    rows = "\n".join(json.dumps({"text": f"Text {n}."}) for n in range(5))
    (tmp_path / "train.jsonl").write_text(rows, "utf-8")
    source = CorpusSource(name="hub", hub=str(tmp_path), revision="main")
    (part,) = parts_of((source,), tmp_path)
    found = [r for rows in rows_of(part, 3) for r in rows]
    assert found == [
        Document("hub/train:3", "hub", "Text 3."),
        Document("hub/train:4", "hub", "Text 4."),
    ]


def test_a_hub_dataset_that_is_not_there(tmp_path: Path) -> None:
    source = CorpusSource(name="hub", hub=str(tmp_path / "none"), revision="main")
    (part,) = parts_of((source,), tmp_path)
    with pytest.raises(DataError, match=r"corpus 'hub': .* cannot be streamed"):
        list(rows_of(part))
