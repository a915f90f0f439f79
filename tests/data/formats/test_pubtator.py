"""PubTator: offsets across title and abstract, composite mentions, relation lines."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats.pubtator import PubTator
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span

HEAD = "7|t|Hair and skin loss|s\n7|a|We saw abcdine.\n"


def test_reads_composite_mentions_and_passes_over_relations(read: Any) -> None:
    (passage,) = read(
        PubTator,
        {
            "x.txt": "\n" + HEAD + "7\t0\t18\tHair and skin loss\tDisease\tD1|D2\t"
            "Hair loss|skin loss\n7\t28\t35\tabcdine\tChemical\tD3\n7\tCID\tD3\tD1\n"
            "7\tBind\tD3\tD1\tNovel\n"
        },
    )
    assert passage.id == passage.document == "7"
    assert passage.text == "Hair and skin loss|s We saw abcdine."
    assert passage.mentions == (
        Mention("Disease", "Hair and skin loss", (Span(0, 18),)),
        Mention("Chemical", "abcdine", (Span(28, 35),)),
    )


def test_documents_need_no_blank_line_between_them(read: Any) -> None:
    text = HEAD + HEAD.replace("7|", "8|") + "8\t0\t4\tHair\tX\n"
    assert [(p.id, len(p.mentions)) for p in read(PubTator, {"x": text})] == [
        ("7", 0),
        ("8", 1),
    ]


def test_a_document_that_comes_twice_is_kept_twice(read: Any) -> None:
    passages = read(PubTator, {"x": HEAD * 3, "y": HEAD})
    assert [p.id for p in passages] == ["7", "7#2", "7#3", "7#4"]
    assert {p.document for p in passages} == {"7"}


def test_an_abstract_may_be_empty(read: Any) -> None:
    assert read(PubTator, {"x": "7|t|T\n7|a|\n"})[0].text == "T "


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<html>\n", r"line 1: '<html>' is no title line"),
        ("7|t|T\n", "line 1: document 7 has no abstract line"),
        ("7|t|T\n7\t0\t1\tT\tX\n", "line 2: document 7 has no abstract line"),
        ("7|t|T\n8|a|A\n", "line 2: document 7 has no abstract line"),
        (HEAD + "8\t0\t4\tHair\tX\tD1\n", "line 3: .* does not belong to document 7"),
        (HEAD + "7\t0\t4\tHair\n", "line 3: .* is no mention"),
        (HEAD + "7\t0\tx\tHair\tX\tD\n", "line 3: .* is no mention"),
        (HEAD + "7\tCID\tD1\n", "line 3: .* is neither a mention nor a relation"),
        (
            HEAD + "7\t0\t4\thair\tX\tD\n",
            "line 3: the text at 0-4 is 'Hair', not 'hair'",
        ),
        (HEAD + "7\t0\t99\tHair\tX\tD\n", "line 3: offsets 0-99 do not fit"),
    ],
)
def test_bad_lines_are_named(read: Any, text: str, problem: str) -> None:
    with pytest.raises(FormatError, match="x: " + problem):
        read(PubTator, {"x": text})


LINE = st.text("ab |é😀", max_size=12)


@st.composite
def documents(draw: st.DrawFn) -> list[tuple[str, str, list[Mention]]]:
    made = []
    for _ in range(draw(st.integers(1, 3))):
        title, abstract = draw(LINE), draw(LINE)
        text = f"{title} {abstract}"
        ends = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
        pairs = {tuple(sorted(pair)) for pair in draw(st.lists(ends, max_size=4))}
        made.append(
            (
                title,
                abstract,
                [
                    Mention("X", text[s:e], (Span(s, e),))
                    for s, e in sorted(pairs)
                    if s < e and text[s:e].strip() == text[s:e]
                ],
            )
        )
    return made


def render(made: list[tuple[str, str, list[Mention]]]) -> str:
    blocks = []
    for number, (title, abstract, mentions) in enumerate(made):
        lines = [f"{number}|t|{title}", f"{number}|a|{abstract}"]
        for mention in mentions:
            (span,) = mention.spans
            lines.append(f"{number}\t{span.start}\t{span.end}\t{mention.text}\tX\tD{1}")
        blocks.append("\n".join([*lines, f"{number}\tCID\tD1\tD2"]))
    return "\n\n".join(blocks) + "\n\n"


@given(documents())
def test_round_trip(read: Any, made: list[tuple[str, str, list[Mention]]]) -> None:
    passages = read(PubTator, {"x": render(made)})
    assert [(p.text, list(p.mentions)) for p in passages] == [
        (f"{title} {abstract}", mentions) for title, abstract, mentions in made
    ]


@given(documents(), st.text("0|ta\tX\n"), st.integers(0, 60), st.integers(0, 9))
def test_broken_files_are_explained(
    read: Any,
    made: list[tuple[str, str, list[Mention]]],
    junk: str,
    at: int,
    cut: int,
) -> None:
    text = render(made)
    read.broken(PubTator, {"x": text[:at] + junk + text[at + cut :]}, mismatch="drop")


@pytest.mark.realdata
def test_biored_counts(read: Any, real_data: Path) -> None:
    expected = {"Train": (400, 13351), "Dev": (100, 3533), "Test": (100, 3535)}
    for split, counts in expected.items():
        path = real_data / "biored" / "BioRED" / f"{split}.PubTator"
        passages, repairs = read.paths(PubTator, [path])
        assert (len(passages), sum(len(p.mentions) for p in passages)) == counts
        assert not repairs


@pytest.mark.realdata
def test_bc5cdr_counts(read: Any, real_data: Path) -> None:
    expected = {
        "Training": (5203, 4182),
        "Development": (5347, 4244),
        "Test": (5385, 4424),
    }
    for split, (chemicals, diseases) in expected.items():
        path = real_data / "bc5cdr" / "original-data" / f"CDR_{split}Set.PubTator.txt"
        passages, _ = read.paths(PubTator, [path])
        labels = Counter(m.entity_type for p in passages for m in p.mentions)
        assert len(passages) == 500
        assert labels == {"Chemical": chemicals, "Disease": diseases}
