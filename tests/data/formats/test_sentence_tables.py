"""SOFC-Exp's tables: offsets in the sentence, and no token text in the files."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats.sentence_tables import SentenceTables
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span

FILES = {
    "texts/a.txt": "No.\nThe demo cell(s) runs.",
    "annotations/sentences/a.csv": "1\t0\t0\t3\n2\t1\t4\t26\n",
    "annotations/entity_types_and_slots/a.csv": (
        "2\t1\t0\t3\tO\tO\n2\t2\t4\t8\tB-DEVICE\tO\n2\t3\t9\t13\tI-DEVICE\tB-x\n"
        "2\t4\t13\t14\tO\tO\n2\t5\t14\t15\tO\tO\n2\t6\t15\t16\tO\tO\n"
        "2\t7\t17\t21\tB-EXPERIMENT\tO\n2\t8\t21\t22\tO\tO\n"
    ),
}


def test_marked_sentences_are_cut_from_the_text(read: Any) -> None:
    (passage,) = read(SentenceTables, FILES)
    assert (passage.id, passage.document) == ("a-2", "a")
    assert passage.text == "The demo cell(s) runs."
    assert passage.mentions == (
        Mention("DEVICE", "demo cell", (Span(4, 13),)),
        Mention("EXPERIMENT", "runs", (Span(17, 21),)),
    )
    assert passage.tokens[3:5] == (Span(13, 14), Span(14, 15))


def test_text_can_be_the_tokens(read: Any) -> None:
    (passage,) = read(SentenceTables, FILES, text="tokens")
    assert passage.text == "The demo cell ( s ) runs ."
    assert [m.text for m in passage.mentions] == ["demo cell", "runs"]


def test_all_sentences_and_another_column_can_be_read(read: Any) -> None:
    first, second = read(SentenceTables, FILES, sentences="all", tag=5)
    assert (first.text, first.mentions) == ("No.", ())
    assert [(m.entity_type, m.text) for m in second.mentions] == [("x", "cell")]


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        pytest.param("sent", "2\t1", "2\t0", "line 2: .*not marked, but", id="extra"),
        pytest.param("sent", "1\t0", "1\t1", "line 1: .*is marked, but", id="none"),
        pytest.param("sent", "26", "99", "line 2: .* does not fit into", id="outside"),
        pytest.param("sent", "26", "-6", "line 2: .*no whole numbers", id="negative"),
        pytest.param("sent", "1\t0\t0\t3", "1\t0\t0", "line 1: .*no sent", id="ragged"),
        pytest.param("sent", "2\t1\t4\t26\n", "", "sentence 2 is not in", id="unknown"),
        pytest.param("slots", "I-DEVICE", "DEVICE", "line 3: .*no IOB2", id="tag"),
        pytest.param("slots", "17\t21", "17\t41", "line 7: token 17-41", id="token"),
        pytest.param("slots", "9\t13", "7\t13", "line 3: token 7-13 .*8", id="order"),
        pytest.param("slots", "2\t3\t9", "2\t4\t9", "line 3: token 4 of", id="lost"),
        pytest.param("slots", "\tO\tO", "", "line 1: 4 cells", id="columns"),
    ],
)
def test_bad_tables_are_named(
    read: Any, name: str, old: str, new: str, problem: str
) -> None:
    (path,) = [path for path in FILES if name in path and path.endswith("csv")]
    files = FILES | {path: FILES[path].replace(old, new)}
    with pytest.raises(FormatError, match=f"a.csv: .*{problem}"):
        read(SentenceTables, files)


def test_missing_and_foreign_files_are_named(read: Any) -> None:
    for path in FILES:
        left = {name: text for name, text in FILES.items() if name != path}
        with pytest.raises(FormatError, match=r"a\.(txt|csv) is missing"):
            read(SentenceTables, left)
    with pytest.raises(FormatError, match=r"frames/a\.csv: is none of"):
        read(SentenceTables, FILES | {"frames/a.csv": ""})


Sentence = list[tuple[str, str]]
TAGS = st.sampled_from(["O", "B-X", "B-Y"])
WORDS = st.text("abé(", min_size=1, max_size=3)


@given(st.lists(st.lists(st.tuples(WORDS, TAGS), max_size=4), max_size=4), st.data())
def test_round_trip(read: Any, sentences: list[Sentence], data: st.DataObject) -> None:
    text, rows, tokens = "", [], []
    expected = []
    for number, sentence in enumerate(sentences):
        body = "#" if not sentence else ""
        for place, (word, tag) in enumerate(sentence):
            body += data.draw(st.sampled_from(["", " ", "\n"])) if place else ""
            cells = (number, place + 1, len(body), len(body) + len(word), tag, "O")
            tokens.append("\t".join(map(str, cells)))
            body += word
        start = len(text)
        text += body + " "
        end = start + len(body)
        rows.append(f"{number}\t{int(bool(sentence))}\t{start}\t{end}")
        if sentence:
            expected.append((body, [w for w, tag in sentence if tag != "O"]))
    files = {
        "texts/a.txt": text,
        "sentences/a.csv": "\n".join(rows),
        "entity_types_and_slots/a.csv": "\n".join(tokens),
    }
    passages = read(SentenceTables, files)
    assert [(p.text, [m.text for m in p.mentions]) for p in passages] == expected
    joined = read(SentenceTables, files, text="tokens")
    assert [p.text for p in joined] == [
        " ".join(word for word, _ in sentence) for sentence in sentences if sentence
    ]
    for path, content in files.items():
        at = data.draw(st.integers(0, len(content)))
        junk = data.draw(st.text("0\t1\nB", max_size=2))
        damaged = files | {path: content[:at] + junk + content[at + 1 :]}
        read.broken(SentenceTables, damaged)


@pytest.mark.realdata
def test_sofc_counts(read: Any, real_data: Path) -> None:
    # Sentences by split as the metadata say, mentions of the four raw labels.
    root = real_data / "sofc" / "sofc-exp-corpus"
    paths = sorted(root.glob("texts/*.txt"))
    paths += sorted(root.glob("annotations/sentences/*.csv"))
    paths += sorted(root.glob("annotations/entity_types_and_slots/*.csv"))
    passages, _ = read.paths(SentenceTables, paths, text="tokens")
    listing = (root / "SOFC-Exp-Metadata.csv").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(listing, newline=""), delimiter="\t"))
    sets = {row["name"]: row["set"] for row in rows}
    assert Counter(sets[p.document] for p in passages) == {
        "train": 568,
        "dev": 135,
        "test": 173,
    }
    labels = Counter(
        m.entity_type
        for p in passages
        if sets[p.document] == "test"
        for m in p.mentions
    )
    assert labels == {"VALUE": 365, "MATERIAL": 265, "EXPERIMENT": 229, "DEVICE": 119}
