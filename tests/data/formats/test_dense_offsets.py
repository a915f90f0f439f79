"""BioCreative II: offsets that count no blanks, with the last character included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats.dense_offsets import DenseOffsets
from unibench.data.formats.offsets import TRUSTED
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span

TEXT = "P1 The human abc kinase binds.\nP2 No gene.\n"


def test_offsets_leave_blanks_out(read: Any) -> None:
    first, second = read(
        DenseOffsets,
        {"t/train.in": TEXT, "t/GENE.eval": "P1|8 16|abc kinase\nP1|3 7|human\n"},
    )
    assert (first.id, first.text) == ("P1", "The human abc kinase binds.")
    assert first.mentions == (
        Mention("GENE", "human", (Span(4, 9),)),
        Mention("GENE", "abc kinase", (Span(10, 20),)),
    )
    assert (second.id, second.mentions) == ("P2", ())


@pytest.mark.parametrize(
    ("text", "mark", "problem"),
    [
        (TEXT, "P1|8 99|abc", r"E\.eval: line 1: offsets 8-99 do not fit"),
        (TEXT, "P1|9 8|abc", r"E\.eval: line 1: offsets 9-8 do not fit"),
        (TEXT, "P1|8 16|abc", r"E\.eval: line 1: the text at 10-20 is 'abc kinase'"),
        (TEXT, "P1|8-16|abc", r"E\.eval: line 1: .* is no `ID"),
        (TEXT, "P3|0 1|The", r"E\.eval: line 1: .* belongs to no sentence"),
        (TEXT + "P1 Again.", "", r"a\.in: line 3: .*comes twice"),
        ("P1\n", "", r"a\.in: line 1: 'P1' is no `ID text`"),
        ("<html>", "", r"a\.in: line 1: "),
    ],
)
def test_bad_lines_are_named(read: Any, text: str, mark: str, problem: str) -> None:
    with pytest.raises(FormatError, match=problem):
        read(DenseOffsets, {"a.in": text, "GENE.eval": mark})


def test_missing_and_foreign_files_are_named(read: Any) -> None:
    with pytest.raises(
        FormatError, match=r"a\.in: its partner GENE\*\.eval is missing"
    ):
        read(DenseOffsets, {"a.in": TEXT})
    with pytest.raises(FormatError, match=r"ALTGENE\.eval: is neither"):
        read(DenseOffsets, {"a.in": TEXT, "ALTGENE.eval": ""})


@given(st.text("ab é", min_size=1, max_size=12), st.data())
def test_round_trip(read: Any, text: str, data: st.DataObject) -> None:
    end = st.integers(0, len(text))
    pairs = data.draw(st.lists(st.tuples(end, end), max_size=3))
    spans = sorted({(min(p), max(p)) for p in pairs})
    kept = [s for s in spans if text[slice(*s)] and text[slice(*s)].split(" ")[0]]
    kept = [s for s in kept if not text[slice(*s)].endswith(" ")]
    marks = "".join(
        f"P|{len(text[:a].replace(' ', ''))} {len(text[:b].replace(' ', '')) - 1}"
        f"|{text[a:b]}\n"
        for a, b in kept
    )
    (passage,) = read(DenseOffsets, {"a.in": f"P {text}", "GENE.eval": marks})
    assert passage.text == text
    assert [(m.spans[0].start, m.spans[0].end) for m in passage.mentions] == kept
    at = data.draw(st.integers(0, len(marks)))
    damaged = marks[:at] + data.draw(st.text("P|1 \n", max_size=2)) + marks[at + 1 :]
    read.broken(DenseOffsets, {"a.in": f"P {text}", "GENE.eval": damaged})


@pytest.mark.realdata
def test_bc2gm_counts(read: Any, real_data: Path) -> None:
    # As many mentions as lines in GENE.eval; one of them quotes a character less
    # than its offsets cover. The column files count 7 and 6 fewer: what overlaps.
    expected = {"train": (15000, 18265, {TRUSTED: 1}), "test": (5000, 6331, {})}
    for split, counts in expected.items():
        folder = real_data / "bc2gm" / "original-data" / split
        paths = [folder / f"{split}.in", folder / "GENE.eval"]
        passages, repairs = read.paths(DenseOffsets, paths, mismatch="trust_offsets")
        mentions = sum(len(p.mentions) for p in passages)
        assert (len(passages), mentions, repairs) == counts
