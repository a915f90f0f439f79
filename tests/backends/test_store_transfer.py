"""Export and import: whole files, in bounded memory, as often as one likes."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from unibench.backends.store import ResponseStore
from unibench.backends.store_lines import AnswerLine, read_lines, write_lines
from unibench.backends.store_transfer import (
    Imported,
    export_answers,
    import_answers,
)
from unibench.errors import FormatError, UnknownNameError
from unibench.schema.query import Response, content_hash

ANSWERS = {
    content_hash(i): Response(f"answer {i}", "length", 7, i, 0.25, f"m{i % 2}", ("f",))
    for i in range(2300)
}
KEY, OTHER = list(ANSWERS)[:2]
LINE = f'{{"key":"{KEY}","created":1.5,"response":{{"text":"a"}}}}'


def filled(path: Path, answers: dict[str, Response]) -> ResponseStore:
    store = ResponseStore(path)
    store.put(answers)
    return store


@pytest.mark.parametrize("name", ["answers.jsonl", "answers.jsonl.zst"])
def test_a_store_goes_through_a_file_unchanged(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    with filled(tmp_path / "s", ANSWERS) as store:
        steps: list[int] = []
        assert export_answers(store, file, progress=steps.append) == 2300
        assert sum(steps) == 2300
    with ResponseStore(tmp_path / "t") as store:
        assert import_answers(store, [file]) == Imported(lines=2300, added=2300)
        assert store.get(ANSWERS) == ANSWERS
        assert export_answers(store, tmp_path / f"again-{name}") == 2300
        assert import_answers(store, [file]) == Imported(lines=2300, same=2300)
    assert file.read_bytes() == (tmp_path / f"again-{name}").read_bytes()


def test_only_some_models_may_be_exported(tmp_path: Path) -> None:
    with filled(tmp_path / "s", ANSWERS) as store:
        assert export_answers(store, tmp_path / "x.jsonl", ["m1"]) == 1150
        with pytest.raises(UnknownNameError, match=r"'m2'.*Known: m0, m1"):
            export_answers(store, tmp_path / "y.jsonl", ["m2"])
    assert {line.response.model for line in read_lines(tmp_path / "x.jsonl")} == {"m1"}
    assert not (tmp_path / "y.jsonl").exists()


def lines(*texts: str, key: str = KEY) -> list[AnswerLine]:
    return [AnswerLine(key, 1.0, Response(text)) for text in texts]


@pytest.mark.parametrize(
    ("replace", "text", "counts"),
    [
        pytest.param(False, "mine", Imported(lines=2, conflicts_kept=2), id="keep"),
        pytest.param(
            True, "second", Imported(lines=2, conflicts_replaced=2), id="replace"
        ),
    ],
)
def test_another_answer_to_a_request_is_a_conflict(
    tmp_path: Path, replace: bool, text: str, counts: Imported
) -> None:
    file = tmp_path / "x.jsonl"
    write_lines(file, lines("first", "second"))
    with filled(tmp_path / "s", {KEY: Response("mine")}) as store:
        assert import_answers(store, [file], replace=replace) == counts
        assert store.get([KEY])[KEY].text == text


def test_two_answers_in_one_file_are_a_conflict_too(tmp_path: Path) -> None:
    write_lines(tmp_path / "x.jsonl", lines("first", "second", "first"))
    with ResponseStore(tmp_path / "s") as store:
        counts = import_answers(store, [tmp_path / "x.jsonl"])
        assert counts == Imported(lines=3, added=1, same=1, conflicts_kept=1)
        assert store.get([KEY])[KEY].text == "first"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param('{"key": "ab', "Input data was truncated", id="cut"),
        pytest.param("[1]", "Expected `object`, got `array`", id="array"),
        pytest.param(LINE.replace(KEY, KEY[:-1]), "64 hexadecimal", id="short-key"),
        pytest.param(LINE.replace(KEY, "x" * 64), "non-hexadecimal", id="no-hex"),
        pytest.param(
            LINE.replace(KEY, "ab" * 20 + " " * 24),
            "64 hex",
            id="key-with-blanks",
        ),
        pytest.param(LINE.replace('"text"', '"txt"'), "field 'txt'", id="newer"),
        pytest.param(LINE.replace('"a"', "3"), r"Expected `str`", id="wrong-type"),
        pytest.param(LINE.replace('"text":"a"', ""), "missing.*`text`", id="no-text"),
        pytest.param(LINE.replace("1.5", "null"), "Expected `float`", id="no-time"),
        pytest.param(LINE.replace(KEY, "\udcff"), "line 2 is no", id="no-utf8"),
    ],
)
def test_a_broken_line_is_named_and_nothing_is_taken(
    tmp_path: Path, line: str, said: str
) -> None:
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    write_lines(good, lines("fine", key=OTHER))
    text = f"{LINE}\n{line}\n{LINE}\n"
    bad.write_bytes(text.encode("utf-8", "surrogateescape"))
    with ResponseStore(tmp_path / "s") as store:
        with pytest.raises(FormatError, match=said) as raised:
            import_answers(store, [good, bad])
        assert f"{bad}: line 2 is no stored answer" in str(raised.value)
        assert len(store) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda data: data[:-9], "ends inside a frame", id="cut"),
        pytest.param(lambda data: b"no zstd" + data, "zstd data are broken", id="no"),
    ],
)
def test_a_broken_packed_file_is_named(tmp_path: Path, change, said: str) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "x.jsonl.zst"
    write_lines(file, lines("a", "b"))
    file.write_bytes(change(file.read_bytes()))
    with ResponseStore(tmp_path / "s") as store:
        with pytest.raises(FormatError, match=said):
            import_answers(store, [file])
        assert len(store) == 0


def test_packed_files_may_be_joined_and_lines_end_as_they_like(tmp_path: Path) -> None:
    parts = [f"{LINE}\r\n\n", LINE.replace(KEY, OTHER.upper())]
    packed = b"".join(zstandard.compress(part.encode()) for part in parts)
    (tmp_path / "x.zst").write_bytes(packed)
    with ResponseStore(tmp_path / "s") as store:
        assert import_answers(store, [tmp_path / "x.zst"]).added == 2
        assert set(store.get([KEY, OTHER])) == {KEY, OTHER}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    said = r"none\.jsonl: cannot be read: No such"
    with ResponseStore(tmp_path / "s") as store, pytest.raises(FormatError, match=said):
        import_answers(store, [tmp_path / "none.jsonl"])


def test_an_export_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text("old")

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with filled(tmp_path / "s", ANSWERS) as store, pytest.raises(KeyboardInterrupt):
        export_answers(store, file, progress=stop)
    assert file.read_text() == "old"
    assert not (tmp_path / "x.jsonl.part").exists()


@settings(deadline=None, max_examples=30)  # each writes files
@given(answers=st.dictionaries(st.binary(min_size=32, max_size=32), st.text()))
def test_any_text_goes_through(
    tmp_path_factory: object, answers: dict[bytes, str]
) -> None:
    file = tmp_path_factory.mktemp("x") / "x.jsonl.zst"  # type: ignore[attr-defined]
    made = [AnswerLine(k.hex(), 0.0, Response(t)) for k, t in answers.items()]
    write_lines(file, made)
    assert list(read_lines(file)) == made


def test_memory_is_bounded(tmp_path: Path) -> None:
    """The 40 MiB of 10,000 answers go out and in within 24 MiB."""
    draw = random.Random(1)  # noqa: S311
    with ResponseStore(tmp_path / "s") as store, ResponseStore(tmp_path / "t") as other:
        for start in range(0, 10_000, 500):
            keys = (content_hash(i) for i in range(start, start + 500))
            store.put({key: Response(draw.randbytes(2000).hex()) for key in keys})
        tracemalloc.start()
        export_answers(store, tmp_path / "x.jsonl.zst")
        counts = import_answers(other, [tmp_path / "x.jsonl.zst"])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert counts.added == 10_000
    assert peak < 24 << 20
