"""BRAT standoff: pairs of files, discontinuous spans, broken lines."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats import brat, offsets, pairs
from unibench.data.formats.base import raw_file
from unibench.data.formats.brat import Brat
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span

TEXT = "Buffer mix\nMix 5 ml demo buffer or salts.\n"


def one(read: Any, ann: str, text: str = TEXT, **options: Any) -> Any:
    return read(Brat, {"d/p.txt": text, "d/p.ann": ann}, **options)[0]


def test_reads_mentions_and_passes_over_other_lines(read: Any) -> None:
    passage = one(
        read,
        "T2\tAmount 15 19\t5 ml\nT1\tAction 11 14\tMix\nE1\tAction:T1 Acts-on:T2\n"
        "R1\tMeasure Arg1:T2 Arg2:T1\nA1\tNegated T1\nM1\tSure T1\n*\tEquiv T1 T2\n"
        "#1\tAnnotatorNotes T1\twhy\nN1\tReference T1 X:1\tmix\n\n",
    )
    assert passage.id == passage.document == "p"
    assert passage.text == TEXT
    assert passage.mentions == (
        Mention("Action", "Mix", (Span(11, 14),)),
        Mention("Amount", "5 ml", (Span(15, 19),)),
    )


def test_keeps_discontinuous_nested_and_repeated_mentions(read: Any) -> None:
    passage = one(
        read,
        "T1\tReagent 20 24;35 40\tdemo salts\nT2\tReagent 20 31\tdemo buffer\n"
        "T3\tReagent 25 31\tbuffer\n",
    )
    assert [(m.text, m.spans) for m in passage.mentions] == [
        ("demo salts", (Span(20, 24), Span(35, 40))),
        ("demo buffer", (Span(20, 31),)),
        ("buffer", (Span(25, 31),)),
    ]


def test_joins_pieces_that_touch_at_a_line_break(read: Any) -> None:
    passage = one(read, "T1\tReagent 7 10;11 14\tmix Mix\n")
    assert passage.mentions == (Mention("Reagent", "mix\nMix", (Span(7, 14),)),)


def test_first_lines_can_be_no_part_of_the_passage(read: Any) -> None:
    files = {"p.txt": TEXT, "p.ann": "T1\tReagent 0 6\tBuffer\nT2\tAction 11 14\tMix\n"}
    (passage,), repairs = read.noted(Brat, files, skip_lines=1)
    assert passage.text == "Mix 5 ml demo buffer or salts.\n"
    assert passage.mentions == (Mention("Action", "Mix", (Span(0, 3),)),)
    assert repairs == {brat.SKIPPED_LINES: 1}


def test_skipping_more_lines_than_there_are_leaves_nothing(read: Any) -> None:
    assert one(read, "", "title only", skip_lines=1).text == ""


def test_trims_mentions_and_ignores_white_space_in_quotes(read: Any) -> None:
    files = {
        "p.txt": "HNO3\xa0and EB \tgone",
        "p.ann": "T1\tReagent 0 5\tHNO3\nT2\tAction 9 17\tEB \tgone\n",
    }
    (passage,), repairs = read.noted(Brat, files)
    assert [m.text for m in passage.mentions] == ["HNO3", "EB \tgone"]
    assert repairs == {offsets.TRIMMED: 1}


def test_one_mention_given_twice_is_one(read: Any) -> None:
    files = {
        "p.txt": "aha",
        "p.ann": "T1\tX 0 3\taha\nT2\tX 0 3\taha\nT3\tY 0 3\taha\n",
    }
    (passage,), repairs = read.noted(Brat, files)
    assert [m.entity_type for m in passage.mentions] == ["X", "Y"]
    assert repairs == {offsets.TWICE: 1}


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        pytest.param("a\r\nbc d", "2 4", Span(2, 4), id="counted-as-one"),
        pytest.param("a\r\nbc d", "3 5", Span(3, 5), id="counted-as-two"),
    ],
)
def test_windows_line_ends_are_read_as_the_offsets_count_them(
    read: Any, text: str, place: str, expected: Span
) -> None:
    files = {"p.txt": text, "p.ann": f"T1\tX {place}\tbc\r\n"}
    (passage,), repairs = read.noted(Brat, files)
    assert passage.mentions == (Mention("X", "bc", (expected,)),)
    assert repairs[offsets.LINE_ENDS] == (expected.start == 2)


@pytest.mark.parametrize(
    ("mismatch", "start", "count"),
    [
        pytest.param("trust_offsets", 4, offsets.TRUSTED, id="trust"),
        pytest.param("nearest", 5, offsets.MOVED, id="nearest"),
        pytest.param("drop", None, offsets.DROPPED, id="drop"),
    ],
)
def test_mismatches_are_settled_as_the_card_says_and_counted(
    read: Any, mismatch: str, start: int | None, count: str
) -> None:
    files = {"p.txt": "Anna Kowal met", "p.ann": "T1\tX 4 9\tKowal\n"}
    with pytest.raises(FormatError, match=r"p\.ann: line 1: .*'Kowal'.*mismatch"):
        read(Brat, files)
    (passage,), repairs = read.noted(Brat, files, mismatch=mismatch)
    starts = [m.spans[0].start for m in passage.mentions]
    # Trusted offsets begin at a blank, which is trimmed: "Kowa".
    assert starts == ([] if start is None else [5])
    assert [len(m.text) for m in passage.mentions] == (
        [] if start is None else [4 if start == 4 else 5]
    )
    assert repairs[count] == 1


def test_nearest_trusts_the_offsets_where_the_quote_stands_nowhere(read: Any) -> None:
    files = {"p.txt": "Roe & Roe", "p.ann": "T1\tX 0 9\tRoe and Roe\n"}
    (passage,), repairs = read.noted(Brat, files, mismatch="nearest")
    assert passage.mentions == (Mention("X", "Roe & Roe", (Span(0, 9),)),)
    assert repairs == {offsets.TRUSTED: 1}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("T1\tX 3 9\tabc", "offsets 3-9 do not fit into a text of 6 characters"),
        ("T1\tX 3 3\t", "offsets 3-3 do not fit"),
        ("T1\tX 5 3\tab", "offsets 5-3 do not fit"),
        ("T1\tX 0 4;2 6\tabcd", "overlap"),
        ("T1\tX 2 3\t ", "only white space"),
        ("T1\tX 0 2", "no text-bound annotation"),
        ("T1\tX Y 0 2\tab", "no text-bound annotation"),
        ("T1 X 0 2 ab", "is no annotation"),
        ("25 mg per day", "is no annotation"),
        ("<html>", "is no annotation"),
    ],
)
def test_bad_lines_are_named(read: Any, line: str, problem: str) -> None:
    with pytest.raises(FormatError, match=r"d/p\.ann: line 2: .*" + problem):
        one(read, "#1\tNote T1\tx\n" + line + "\n", "ab cde")


def test_unknown_lines_and_outside_offsets_can_be_left_out(read: Any) -> None:
    files = {"p.txt": "ab", "p.ann": "25 mg\nT1\tX 0 9\tab\n"}
    (passage,), repairs = read.noted(Brat, files, unknown_lines="skip", mismatch="drop")
    assert passage.mentions == ()
    assert repairs == {brat.UNKNOWN_LINES: 1, offsets.OUTSIDE: 1}


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["p.txt"], r"p\.txt: its partner p\.ann is missing"),
        (["p.ann"], r"p\.ann: its partner p\.txt is missing"),
        (["p.txt", "p.ann", "q.doc"], r"q\.doc: is neither a text"),
        (["a/p.txt", "b/p.txt", "c/p.ann"], "which files belong together"),
        (["a/p.txt", "b/p.ann", "c/p.ann"], "which files belong together"),
    ],
)
def test_missing_partners_are_named(read: Any, names: list[str], problem: str) -> None:
    with pytest.raises(FormatError, match=problem):
        read(Brat, dict.fromkeys(names, ""))


def test_partners_may_lie_in_two_folders_and_names_repeat(read: Any) -> None:
    files = {"t/p.txt": "ab", "a/p.ann": "T1\tX 0 2\tab\n"}
    assert read(Brat, files)[0].mentions[0].text == "ab"
    files = {"b/p.ann": "", "b/p.txt": "b", "a/p.txt": "a", "a/p.ann": ""}
    passages = read(Brat, files)
    assert [(p.id, p.document) for p in passages] == [
        ("b/p.txt", "p"),
        ("a/p.txt", "p"),
    ]


def test_hidden_files_are_left_out(read: Any) -> None:
    files = {
        "n/._p.txt": b"\x00\xff",
        "n/p.txt": "a",
        "n/._p.ann": b"\xff",
        "n/p.ann": "",
    }
    (passage,), repairs = read.noted(Brat, files)
    assert passage.text == "a"
    assert repairs == {pairs.HIDDEN: 2}


WORDS = st.text("abcé😀\xa0", min_size=1, max_size=5).filter(lambda w: w == w.strip())


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[Mention]]:
    """A text and mentions of whole words, nested and discontinuous ones too."""
    words = draw(st.lists(WORDS, min_size=1, max_size=8))
    text = " ".join(words)
    starts = [len(" ".join(words[:i])) + (i > 0) for i in range(len(words))]
    picked = st.sets(st.integers(0, len(words) - 1), min_size=1)
    mentions = set()
    for chosen in draw(st.lists(picked, max_size=5)):
        spans: list[Span] = []
        for i in sorted(chosen):
            end = starts[i] + len(words[i])
            if spans and not text[spans[-1].end : starts[i]].strip():
                spans[-1] = Span(spans[-1].start, end)
            else:
                spans.append(Span(starts[i], end))
        label = draw(st.sampled_from(["X", "Y-Z"]))
        quoted = " ".join(text[s.start : s.end] for s in spans)
        mentions.add(Mention(label, quoted, tuple(spans)))
    return text, sorted(mentions, key=lambda m: (m.spans, m.entity_type))


def render(mentions: list[Mention]) -> str:
    return "".join(
        f"T{i}\t{m.entity_type} "
        + ";".join(f"{s.start} {s.end}" for s in m.spans)
        + f"\t{m.text}\nA{i}\tSure T{i}\n"
        for i, m in enumerate(mentions)
    )


@given(documents())
def test_round_trip(read: Any, document: tuple[str, list[Mention]]) -> None:
    text, mentions = document
    (passage,) = read(Brat, {"x.txt": text, "x.ann": render(mentions)})
    assert passage.text == text
    assert Counter(passage.mentions) == Counter(mentions)


@given(documents(), st.text("T1\t XR#0;9\n"), st.integers(0, 40), st.integers(0, 6))
def test_broken_files_are_explained(
    read: Any,
    document: tuple[str, list[Mention]],
    junk: str,
    at: int,
    cut: int,
) -> None:
    text, mentions = document
    ann = render(mentions)
    files = {"x.txt": text, "x.ann": ann[:at] + junk + ann[at + cut :]}
    for mismatch in ("error", "trust_offsets", "nearest", "drop"):
        read.broken(Brat, files, mismatch=mismatch)


@pytest.mark.realdata
def test_wlp_counts(read: Any, real_data: Path) -> None:
    # The reference counts 13,679 steps: the non-empty lines after the title.
    expected = {
        "train": (374, 8207, 47),
        "dev": (123, 2736, 31),
        "test": (125, 2736, 25),
    }
    labels: Counter[str] = Counter()
    for split, (documents, lines, discontinuous) in expected.items():
        paths = sorted((real_data / "wlp" / split).iterdir())
        passages, repairs = read.paths(Brat, paths, skip_lines=1, unknown_lines="skip")
        steps = [line for p in passages for line in p.text.split("\n") if line.strip()]
        mentions = [m for p in passages for m in p.mentions]
        assert (len(passages), len(steps)) == (documents, lines)
        assert sum(len(m.spans) > 1 for m in mentions) == discontinuous
        assert set(repairs) <= {offsets.TRIMMED, brat.UNKNOWN_LINES}
        if split == "test":
            labels.update(m.entity_type for m in mentions)
    assert labels["Action"] == 3590
    assert labels["Reagent"] == 3076
    assert labels["Mention"] == 45
    assert labels["Misc"] == 0


@pytest.mark.realdata
def test_somesci_counts(read: Any, real_data: Path) -> None:
    folder = real_data / "somesci"
    paths = [p for f in sorted(folder.glob("*_*/")) for p in sorted(f.iterdir())]
    passages, repairs = read.paths(Brat, paths)
    split = json.loads((folder / "train_devel_test_split.json").read_text())
    counts = {
        part: sum(len(p.mentions) for p in passages if p.document in ids)
        for part, names in split.items()
        for ids in [set(names)]
    }
    assert len(passages) == 1367
    assert counts == {"train": 5242, "devel": 1068, "test": 927}
    assert sum(not p.text for p in passages) == 3
    assert not repairs


@pytest.mark.realdata
def test_anatem_standoff_counts(real_data: Path) -> None:
    # The twelve official types of the test split, as the reference lists them.
    path = real_data / "anatem" / "AnatEM-1.0.2.tar.xz"
    files = []
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is not None and "/standoff/test/" in member.name:
                files.append(raw_file(member.name, stream.read()))
    parser = Brat(Brat.Options())
    passages = list(parser.read(files))
    labels = Counter(m.entity_type for p in passages for m in p.mentions)
    assert len(passages) == 404
    assert labels.total() == 4616
    assert labels["Cell"] == 1429
    assert labels["Developing_anatomical_structure"] == 35
    assert not parser.repairs
