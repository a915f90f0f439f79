"""SciERC's and SciREX's JSON: document-level token numbers, two kinds of ends."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats.base import raw_file
from unibench.data.formats.document_spans import CROSSING, DocumentSpans
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span

SCIERC = {
    "clusters": [[[2, 2], [4, 4]]],
    "sentences": [
        ["We", "present", "DemoNet", "."],
        ["It", "parses", "-LRB-", "well", "-RRB-", "."],
    ],
    "ner": [[[2, 2, "Method"]], [[4, 4, "Generic"], [5, 8, "Task"], [7, 7, "Task"]]],
    "relations": [[], []],
    "doc_key": "D1",
}
SCIREX = {
    "doc_id": "x1",
    "words": ["We", "run", "DemoNet", "on", "ToyBank", ".", "It", "wins", "."],
    "sentences": [[0, 6], [6, 9]],
    "sections": [[0, 9]],
    "ner": [[4, 5, "Material"], [2, 3, "Method"], [5, 7, "Task"]],
    "coref": {"DemoNet": [[2, 3]]},
}


def test_inclusive_ends_and_nested_mentions_of_whole_documents(read: Any) -> None:
    (passage,) = read(
        DocumentSpans, {"x": json.dumps(SCIERC)}, end="inclusive", ptb_brackets=True
    )
    assert passage.id == passage.document == "D1"
    assert passage.text == "We present DemoNet . It parses ( well ) ."
    assert passage.mentions == (
        Mention("Method", "DemoNet", (Span(11, 18),)),
        Mention("Generic", "It", (Span(21, 23),)),
        Mention("Task", "parses ( well )", (Span(24, 39),)),
        Mention("Task", "well", (Span(33, 37),)),
    )


def test_brackets_stay_as_they_are_unless_asked(read: Any) -> None:
    (passage,) = read(DocumentSpans, {"x": json.dumps(SCIERC)}, end="inclusive")
    assert "-LRB- well -RRB-" in passage.text


def test_exclusive_ends_and_sentences(read: Any) -> None:
    files = {"x": json.dumps(SCIREX)}
    passages, repairs = read.noted(
        DocumentSpans, files, end="exclusive", unit="sentence", crossing="drop"
    )
    assert [(p.id, p.document, p.text) for p in passages] == [
        ("x1-0", "x1", "We run DemoNet on ToyBank ."),
        ("x1-1", "x1", "It wins ."),
    ]
    assert [m.text for m in passages[0].mentions] == ["DemoNet", "ToyBank"]
    assert repairs == {CROSSING: 1}
    with pytest.raises(FormatError, match=r"line 1: the Task .* crosses a sentence"):
        read(DocumentSpans, files, end="exclusive", unit="sentence")
    (whole,) = read(DocumentSpans, files, end="exclusive")
    assert [m.text for m in whole.mentions] == ["DemoNet", "ToyBank", ". It"]


@pytest.mark.parametrize(
    ("base", "change", "problem"),
    [
        pytest.param(SCIERC, {"ner": [[]]}, "2 sentences, but 1 lists", id="lists"),
        pytest.param(
            SCIERC,
            {"ner": [[], [[0, 1, "Task"]]]},
            r"\[0, 1\] does not lie in its sentence, tokens 4 to 9",
            id="sentence-level-numbers",
        ),
        pytest.param(
            SCIERC, {"ner": [[[3, 2, "X"]], []]}, "does not lie in", id="reversed"
        ),
        pytest.param(SCIERC, {"sentences": [[0, 4]]}, "Expected `str`", id="layout"),
        pytest.param(
            SCIERC,
            {"sentences": [[""], ["a"]], "ner": [[], []]},
            "token 0 is",
            id="empty",
        ),
        pytest.param(SCIREX, {"ner": [[8, 10, "X"]]}, "do not fit", id="outside"),
        pytest.param(SCIREX, {"ner": [[2, 2, "X"]]}, "do not fit", id="no-tokens"),
        pytest.param(SCIREX, {"sentences": [[0, 6]]}, "do not make up", id="gap"),
        pytest.param(SCIREX, {"words": ["a", 1]}, "Expected `str`", id="number"),
    ],
)
def test_bad_documents_are_named(
    read: Any, base: dict[str, Any], change: dict[str, Any], problem: str
) -> None:
    content = json.dumps(base) + "\n\n" + json.dumps(base | change)
    end = "inclusive" if base is SCIERC else "exclusive"
    with pytest.raises(FormatError, match=f"x: line 3: .*{problem}"):
        read(DocumentSpans, {"x": content}, end=end)


def test_a_mention_outside_is_an_error_among_sentences_too(read: Any) -> None:
    content = json.dumps(SCIREX | {"ner": [[8, 12, "X"]]})
    with pytest.raises(FormatError, match="lies outside the document"):
        read(
            DocumentSpans,
            {"x": content},
            end="exclusive",
            unit="sentence",
            crossing="drop",
        )


Made = tuple[list[list[str]], list[tuple[int, int, str]]]


@st.composite
def documents(draw: st.DrawFn) -> Made:
    word = st.text("abé(-", min_size=1, max_size=4)
    sentences = draw(st.lists(st.lists(word, min_size=1, max_size=4), min_size=1))
    spans, start = set(), 0
    for sentence in sentences:
        last = len(sentence) - 1
        pair = st.tuples(
            st.integers(0, last), st.integers(0, last), st.sampled_from("XY")
        )
        for one, other, label in draw(st.lists(pair, max_size=3)):
            spans.add((start + min(one, other), start + max(one, other), label))
        start += last + 1
    return sentences, sorted(spans)


def render(made: Made, *, nested: bool) -> str:
    sentences, spans = made
    borders, start = [], 0
    for sentence in sentences:
        borders.append((start, start + len(sentence)))
        start += len(sentence)
    if nested:
        inside = [[s for s in spans if a <= s[0] < b] for a, b in borders]
        return json.dumps({"doc_key": "d", "sentences": sentences, "ner": inside})
    words = [word for sentence in sentences for word in sentence]
    open_ends = [(a, b + 1, label) for a, b, label in spans]
    return json.dumps(
        {"doc_id": "d", "words": words, "sentences": borders, "ner": open_ends}
    )


@given(documents(), st.booleans())
def test_round_trip(read: Any, made: Made, nested: bool) -> None:
    sentences, spans = made
    words = [word for sentence in sentences for word in sentence]
    end = "inclusive" if nested else "exclusive"
    files = {"x": render(made, nested=nested)}
    (passage,) = read(DocumentSpans, files, end=end)
    assert passage.text == " ".join(words)
    assert Counter((m.entity_type, m.text) for m in passage.mentions) == Counter(
        (label, " ".join(words[a : b + 1])) for a, b, label in spans
    )
    passages = read(DocumentSpans, files, end=end, unit="sentence")
    assert [p.text for p in passages] == [" ".join(sentence) for sentence in sentences]
    assert sum(len(p.mentions) for p in passages) == len(spans)


@given(documents(), st.booleans(), st.text('[]{}",1-', max_size=3), st.integers(0, 90))
def test_broken_files_are_explained(
    read: Any, made: Made, nested: bool, junk: str, at: int
) -> None:
    content = render(made, nested=nested)
    end = "inclusive" if nested else "exclusive"
    for unit in ("document", "sentence"):
        files = {"x": content[:at] + junk + content[at + 1 :]}
        read.broken(DocumentSpans, files, end=end, unit=unit)


@pytest.mark.realdata
def test_scierc_counts(read: Any, real_data: Path) -> None:
    expected = {"train": (350, 5598), "dev": (50, 811), "test": (100, 1685)}
    labels: Counter[str] = Counter()
    for split, counts in expected.items():
        path = real_data / "scierc" / "data" / "scierc" / f"{split}.json"
        passages, repairs = read.paths(
            DocumentSpans, [path], end="inclusive", ptb_brackets=True
        )
        assert (len(passages), sum(len(p.mentions) for p in passages)) == counts
        assert not repairs
        assert not any("-LRB-" in p.text for p in passages)
        labels = Counter(m.entity_type for p in passages for m in p.mentions)
    assert labels["Method"] == 430
    assert labels["Metric"] == 71


@pytest.mark.realdata
def test_scirex_counts(real_data: Path) -> None:
    path = real_data / "scirex" / "docs" / "train_docs.tar.xz"
    options = DocumentSpans.Options(end="exclusive", unit="sentence", crossing="drop")
    parser = DocumentSpans(options)
    sentences, labels = 0, Counter[str]()
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            file = raw_file(member.name, stream.read() if stream else b"")
            for passage in parser.read([file]):
                sentences += 1
                labels.update(m.entity_type for m in passage.mentions)
    assert sentences == 83_132
    assert parser.repairs == {CROSSING: 19}
    # Without the 19 that cross a border, as the reference counts them.
    assert labels == {"Method": 67455, "Task": 22333, "Metric": 10738, "Material": 7452}
