"""CoNLL-2012: brackets of names, escapes, documents and files that are no good."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats.conll2012 import Conll2012
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span

SAMPLE = """#begin document (bn/xyz/00/xyz_0001); part 000
bn/xyz/00/xyz_0001   0   0      Mayor   NNP   (TOP(S(NP*   -  -  -  -  *  (ARG0*   -
bn/xyz/00/xyz_0001   0   1       Anna   NNP    *   -   -   -   -   (PERSON*    *   (3
bn/xyz/00/xyz_0001   0   2      -LRB-   NNP    *   -   -   -   -   *           *   -
bn/xyz/00/xyz_0001   0   3      Kowal   NNP    *)  -   -   -   -   *)          *)  3)
bn/xyz/00/xyz_0001   0   4        two    CD    *   -   -   -   -   (CARDINAL)  *   -

bn/xyz/00/xyz_0001   0   0         /.     .    *   -   -   -   -   *   -

#end document
#begin document (pt/nt/40/nt_4001); part 001
pt/nt/40/nt_4001     1   0        And    CC    *   -   -   -   -   *   -

#end document
"""


def rows(*cells: tuple[str, str]) -> str:
    lines = [
        f"d 0 {i} {word} X * - - - - {name} -" for i, (word, name) in enumerate(cells)
    ]
    return "#begin document (d); part 000\n" + "\n".join(
        [*lines, "", "#end document", ""]
    )


def test_reads_names_and_writes_brackets_back(read: Any) -> None:
    files = {"a/xyz_0001.v4_gold_conll": SAMPLE}
    passages = read(Conll2012, files)
    assert [p.id for p in passages] == [
        "bn/xyz/00/xyz_0001-000-0",
        "bn/xyz/00/xyz_0001-000-1",
        "pt/nt/40/nt_4001-001-0",
    ]
    assert passages[0].text == "Mayor Anna ( Kowal two"
    assert passages[0].mentions == (
        Mention("PERSON", "Anna ( Kowal", (Span(6, 18),)),
        Mention("CARDINAL", "two", (Span(19, 22),)),
    )
    assert passages[1].text == "."
    raw = read(Conll2012, files, ptb_brackets=False, slash_escapes=False)
    assert [p.text for p in raw][:2] == ["Mayor Anna -LRB- Kowal two", "/."]


def test_documents_can_be_left_out(read: Any) -> None:
    passages = read(Conll2012, {"x": SAMPLE}, exclude=["pt/"])
    assert {p.document for p in passages} == {"bn/xyz/00/xyz_0001"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(rows(("a", "(X*"), ("b", "(Y)")), "3: .*inside X", id="nested"),
        pytest.param(rows(("a", "(X*"), ("b", "*")), "3: X is never closed", id="open"),
        pytest.param(rows(("a", "*)")), "2: .* closes what is not open", id="close"),
        pytest.param(rows(("a", "-")), "2: '-' is no name", id="no-layer"),
        pytest.param(rows(("a", "(X")), "2: .* is no name", id="half"),
        pytest.param(rows(("a", ")")), "2: .* is no name", id="bracket"),
        pytest.param(rows(("[WORD]", "*")), "2: .*_skel file", id="skel"),
        pytest.param("d 0 0 a X *\n", "1: .*outside of any document", id="outside"),
        pytest.param(
            rows(("a", "*")).replace(" - - - -", ""), "2: 8 columns", id="columns"
        ),
        pytest.param(rows(("a", "*"))[:-14], "3: document d has no end", id="cut"),
        pytest.param("#begin document d\n", "1: .* begins no document", id="begin"),
        pytest.param(
            rows(("a", "*")).replace("#end document", "#begin document (e); part 0"),
            "4: .* begins no document here",
            id="twice",
        ),
    ],
)
def test_bad_files_are_named(read: Any, text: str, problem: str) -> None:
    with pytest.raises(FormatError, match="x: line " + problem):
        read(Conll2012, {"x": text})


WORD = st.text("abé(-", min_size=1, max_size=4)
CHUNK = st.tuples(
    st.lists(WORD, min_size=1, max_size=3), st.sampled_from(["", "X", "WORK_OF_ART"])
)


@given(st.lists(CHUNK, min_size=1, max_size=5), st.integers(0, 200), st.text("(*)#\n"))
def test_round_trip(
    read: Any, chunks: list[tuple[list[str], str]], at: int, junk: str
) -> None:
    cells = []
    for words, label in chunks:
        names = ["*"] * len(words)
        if label:
            names[0] = f"({label}*"
            names[-1] = f"({label})" if len(words) == 1 else "*)"
        cells += list(zip(words, names, strict=True))
    (passage,) = read(Conll2012, {"x": rows(*cells)})
    assert passage.text == " ".join(word for words, _ in chunks for word in words)
    assert Counter((m.entity_type, m.text) for m in passage.mentions) == Counter(
        (label, " ".join(words)) for words, label in chunks if label
    )
    text = rows(*cells)
    read.broken(Conll2012, {"x": text[:at] + junk + text[at + 1 :]})
