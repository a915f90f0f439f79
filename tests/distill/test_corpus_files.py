"""Lines of packed files: what is broken is named, and memory stays bounded."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard

from unibench.distill.corpus import files
from unibench.distill.corpus.files import TOO_LONG, lines
from unibench.errors import FormatError

CONTENT = b"one\ntwo\n\nlast without end"
LINES = [b"one", b"two", b"", b"last without end"]


def frame(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        pytest.param("a.jsonl", CONTENT, id="plain"),
        pytest.param("a.jsonl.gz", gzip.compress(CONTENT), id="gzip"),
        pytest.param("a.jsonl.zst", frame(CONTENT), id="zstd"),
        pytest.param(
            "a.jsonl.zst", frame(CONTENT[:5]) + frame(CONTENT[5:]), id="zstd-frames"
        ),
    ],
)
def test_lines_are_the_same_however_packed(
    tmp_path: Path, name: str, packed: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(packed)
    assert list(lines(path)) == LINES


@pytest.mark.parametrize(
    ("name", "packed", "problem"),
    [
        pytest.param("a.zst", frame(CONTENT)[:-4], "ends inside a frame", id="cut"),
        pytest.param("a.zst", b"this is no frame", "zstd data are broken", id="none"),
        pytest.param(
            "a.zst", frame(CONTENT) + b"rubbish!", "zstd data are broken", id="tail"
        ),
        pytest.param(
            "a.gz", gzip.compress(CONTENT)[:-6], "gzip data are broken", id="gzip-cut"
        ),
        pytest.param("a.gz", b"no gzip at all", "gzip data are broken", id="no-gzip"),
    ],
)
def test_broken_packing_names_the_file(
    tmp_path: Path, name: str, packed: bytes, problem: str
) -> None:
    path = tmp_path / name
    path.write_bytes(packed)
    with pytest.raises(FormatError, match=rf"{name}: .*{problem}"):
        list(lines(path))


def test_a_line_longer_than_any_document_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_LINE", 1000)
    monkeypatch.setattr(files, "CHUNK", 256)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"short\n" + b"x" * 5000 + b"\nafter\n")
    assert list(lines(path)) == [b"short", TOO_LONG, b"after"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no\.txt: cannot be read"):
        list(lines(tmp_path / "no.txt"))
