"""i2b2 2010's concepts, ShARe/CLEF's pipes and Knowtator files, CHEMDNER's tables."""

from __future__ import annotations

from collections import Counter
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats.abstract_tables import AbstractTables
from unibench.data.formats.knowtator import Knowtator
from unibench.data.formats.line_concepts import LineConcepts
from unibench.data.formats.offsets import TWICE
from unibench.data.formats.pipe_spans import LONE_TEXTS, PipeSpans
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span

NOTE = (
    "Mr. Barlow has mild chest pain .\n"
    " A chest  x-ray was normal .\n"
    'He was given the "Aspirin" 81\nmg tablet .\n'
)


def concepts(read: Any, con: str, note: str = NOTE, **options: Any) -> Any:
    files = {"beth/txt/n.txt": note, "beth/concept/n.con": con}
    return read.noted(LineConcepts, files, **options)


def test_concepts_by_line_and_token(read: Any) -> None:
    ((passage,), repairs) = concepts(
        read,
        'c="mild chest pain" 1:3 1:5||t="problem"\n'
        'c="a chest x-ray" 2:1 2:3||t="test"\n'
        'c="the "aspirin" 81 mg" 3:3 4:0||t="treatment"\n'
        'c="a chest x-ray" 2:1 2:3||t="test"\n',
    )
    assert passage.id == "n"
    assert passage.text == NOTE
    assert passage.mentions == (
        Mention("problem", "mild chest pain", (Span(15, 30),)),
        # The blank at the line's beginning makes an empty token 0, the run parts two.
        Mention("test", "A chest  x-ray", (Span(34, 48),)),
        Mention("treatment", 'the "Aspirin" 81\nmg', (Span(75, 94),)),
    )
    assert repairs == {TWICE: 1}


def test_extent_files_have_other_keys(read: Any) -> None:
    extent = (
        'EVENT="Barlow" 1:1 1:1||type="PROBLEM"||modality="FACTUAL"||polarity="POS"\n'
        'TIMEX3="81" 3:5 3:5||type="DATE"||val=""||mod="NA"\n\n'
    )
    options: Any = {"key": "EVENT", "label": "type", "other": ["TIMEX3", "TLINK"]}
    ((passage,), _) = concepts(read, extent, **options)
    assert [(m.entity_type, m.text) for m in passage.mentions] == [
        ("PROBLEM", "Barlow")
    ]


def test_windows_line_ends_change_no_numbers(read: Any) -> None:
    con = 'c="mg" 4:0 4:0||t="x"\r\n'
    ((passage,), _) = concepts(read, con, NOTE.replace("\n", "\r\n"))
    assert passage.text == NOTE
    assert passage.mentions[0].text == "mg"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('c="mild" 9:3 9:3||t="problem"', "the note has 5 lines, none is 9"),
        ('c="mild" 0:3 0:3||t="problem"', "the note has 5 lines, none is 0"),
        ('c="mild" 1:9 1:9||t="problem"', "line 1 of the note has 7 tokens, none is 9"),
        ('c="mild" 1:4 1:3||t="problem"', "do not fit into"),
        ('c="mild" 1:4 1:4||t="problem"', "is 'chest', not 'mild'"),
        ('c="" 2:0 2:0||t="problem"', "do not fit into"),
        ('c="mild" 1:3 1:3||x="problem"', "has no 't'"),
        ('c="mild" 1:3 1:3||problem', "has no 't'"),
        ('c="mild" 1:3||t="problem"', "is no concept"),
        ('d="mild" 1:3 1:3||t="problem"', "is no concept"),
        ("<html>", "is no concept"),
    ],
)
def test_bad_concepts_are_named(read: Any, line: str, problem: str) -> None:
    with pytest.raises(FormatError, match=r"n\.con: line 2: .*" + problem):
        concepts(read, "\n" + line)


NAME = "00001-000001-ECHO_REPORT"
ECHO = (
    "Admission Date: [**2012-01-05**]\nLeft atrium is moderately dilated. No\nfever.\n"
)
REST = "|no|null|patient|null|no|null|unmarked|null|unmarked|null" + "|x" * 8 + "|null"


def pipe(read: Any, content: str, **options: Any) -> Any:
    files = {f"corpus/{NAME}.txt": ECHO, f"gold/{NAME}.pipe": content}
    return read.noted(PipeSpans, files, **options)


def test_pipes_of_2014(read: Any) -> None:
    content = (
        f"{NAME}.txt|33-44,59-66|C034{REST}\n"
        f"{NAME}.txt|71-76|CUI-less{REST}\n"
        f"{NAME}.txt|33-37,38-44,44-47|C1{REST}\n"
    )
    ((passage,), _) = pipe(read, content)
    assert passage.text == ECHO
    assert passage.mentions == (
        Mention("Disorder", "Left atrium dilated", (Span(33, 44), Span(59, 66))),
        Mention("Disorder", "Left atrium is", (Span(33, 47),)),
        Mention("Disorder", "fever", (Span(71, 76),)),
    )


def test_lines_of_2013(read: Any) -> None:
    files = {
        f"ALLREPORTS/{NAME}.txt": ECHO,
        f"Gold_SN2012/{NAME}.txt": (
            f"{NAME}.txt||Disease_Disorder||C034||33||44||59||66\n"
            f"{NAME}.txt||Disease_Disorder||CUI-less||71||76\n"
        ),
    }
    (passage,) = read(PipeSpans, files, release="2013", annotations="Gold_SN2012/*.txt")
    assert passage.id == NAME
    assert [(m.entity_type, m.text) for m in passage.mentions] == [
        ("Disease_Disorder", "Left atrium dilated"),
        ("Disease_Disorder", "fever"),
    ]


@pytest.mark.parametrize(
    ("content", "options", "problem"),
    [
        (f"{NAME}.txt|3-4|C1|no", {}, "4 fields, a line of 2014 has 22"),
        (f"{NAME}.txt|3 4|C1{REST}", {}, "'3 4' are no offsets"),
        (f"{NAME}.txt|3-999|C1{REST}", {}, "offsets 3-999 do not fit"),
        (f"{NAME}.txt|3-9,5-12|C1{REST}", {}, "overlap"),
        (f"other.txt|3-4|C1{REST}", {}, "belongs to other.txt, not to"),
        (f"{NAME}.txt||D||C1||3", {"release": "2013"}, "is no FILE"),
        (f"{NAME}.txt||D||C1||3||x", {"release": "2013"}, "is no FILE"),
        (f"{NAME}.txt||||C1||3||9", {"release": "2013"}, "without a label"),
    ],
)
def test_bad_pipes_are_named(
    read: Any, content: str, options: dict[str, str], problem: str
) -> None:
    with pytest.raises(FormatError, match=rf"gold/{NAME}\.pipe: line 1: .*{problem}"):
        pipe(read, content, **options)


def test_notes_without_a_pipe_file_are_settled_as_the_card_says(read: Any) -> None:
    with pytest.raises(FormatError, match=r"n\.txt: its partner n\.pipe is missing"):
        read(PipeSpans, {"n.txt": "a"})
    (passage,), repairs = read.noted(PipeSpans, {"n.txt": "a"}, lone_texts="keep")
    assert (passage.mentions, repairs) == ((), {LONE_TEXTS: 1})


KNOWTATOR = f"""<annotations textSource="{NAME}.txt">
  <annotation><mention id="M1" /><span start="71" end="76" />
    <spannedText>fever</spannedText></annotation>
  <annotation><mention id="M2" /><span start="33" end="44" />
    <span start="59" end="66" />
    <spannedText>Left atrium ... dilated</spannedText></annotation>
  <annotation><mention id="M3" /><span start="68" end="70" />
    <spannedText>No</spannedText></annotation>
  <classMention id="M1"><mentionClass id="Disease_Disorder" /></classMention>
  <classMention id="M2"><mentionClass id="Disease_Disorder" /></classMention>
  <classMention id="M3"><mentionClass id="Cue" /></classMention>
</annotations>
"""


def knowtator(read: Any, xml: str, **options: Any) -> Any:
    files = {f"ALLREPORTS/{NAME}.txt": ECHO, f"ALLSAVED/{NAME}.txt.knowtator.xml": xml}
    return read(Knowtator, files, **options)[0]


def test_knowtator_files(read: Any) -> None:
    xml = KNOWTATOR.replace('"70"', '"69"').replace(">No<", ">N<")
    passage = knowtator(read, xml, classes=["Disease_Disorder"])
    assert passage.id == NAME
    assert passage.mentions == (
        Mention(
            "Disease_Disorder", "Left atrium dilated", (Span(33, 44), Span(59, 66))
        ),
        Mention("Disease_Disorder", "fever", (Span(71, 76),)),
    )
    assert len(knowtator(read, xml).mentions) == 3


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"76"', '"75"', "line 2: the text at 71-75 is 'feve', not 'fever'"),
        ('"76"', '"99"', "line 2: offsets 71-99 do not fit"),
        ('<mention id="M1" />', "", "line 2: <annotation> has no <mention>"),
        ('classMention id="M1"', 'classMention id="M4"', "line 2: .* class of 'M1'"),
        ('<span start="71" end="76" />', "", "line 2: a mention without offsets"),
        ("annotations", "html", "line 1: <html> is no Knowtator"),
        ("</annotations>", "", "no well-formed XML"),
    ],
)
def test_bad_knowtator_files_are_named(
    read: Any, old: str, new: str, problem: str
) -> None:
    with pytest.raises(FormatError, match=r"knowtator\.xml: .*" + problem):
        knowtator(read, KNOWTATOR.replace(old, new))


ABSTRACTS = "7\tUptake of aspirin\tNaCl was added.\n8\tNo\tNothing.\n"


def tables(read: Any, marks: str, abstracts: str = ABSTRACTS) -> Any:
    files = {"training.abstracts.txt": abstracts, "training.annotations.txt": marks}
    return read(AbstractTables, files)


def test_tables_of_abstracts(read: Any) -> None:
    first, second = tables(
        read, "7\tA\t0\t4\tNaCl\tFORMULA\n7\tT\t10\t17\taspirin\tTRIVIAL\n"
    )
    assert (first.id, first.document) == ("7", "7")
    assert first.text == "Uptake of aspirin NaCl was added."
    assert first.mentions == (
        Mention("TRIVIAL", "aspirin", (Span(10, 17),)),
        Mention("FORMULA", "NaCl", (Span(18, 22),)),
    )
    assert second.text == "No Nothing."


@pytest.mark.parametrize(
    ("marks", "problem"),
    [
        ("7\tT\t10\t99\taspirin\tX", "offsets 10-99 do not fit into 17"),
        ("7\tT\t10\t16\taspirin\tX", "is 'aspiri', not 'aspirin'"),
        ("7\tB\t10\t17\taspirin\tX", "is no ID, T or A"),
        ("7\tT\t10\tx\taspirin\tX", "are no offsets"),
        ("9\tT\t10\t17\taspirin\tX", "document 9 has no abstract"),
        ("7\tT\t10\t17\taspirin", "is no ID, T or A"),
    ],
)
def test_bad_tables_are_named(read: Any, marks: str, problem: str) -> None:
    with pytest.raises(FormatError, match=r"annotations\.txt: line 1: .*" + problem):
        tables(read, marks)
    with pytest.raises(FormatError, match=r"abstracts\.txt: line 1: 2 cells"):
        tables(read, "", "7\tUptake\n")


WORDS = st.lists(st.text("abé(", min_size=1, max_size=3), min_size=1, max_size=5)


@given(st.lists(WORDS, min_size=1, max_size=3), st.data())
def test_round_trip(read: Any, note: list[list[str]], data: st.DataObject) -> None:
    text = "\n".join(" ".join(words) for words in note)
    con, pipes, xml, expected = "", "", "", set()
    start = 0
    for number, words in enumerate(note, start=1):
        pick = st.integers(0, len(words) - 1)
        for one, other in data.draw(st.lists(st.tuples(pick, pick), max_size=2)):
            a, b = min(one, other), max(one, other)
            begin = start + len(" ".join([*words[:a], ""])) * (a > 0)
            end = begin + len(" ".join(words[a : b + 1]))
            expected.add((begin, end))
            quoted = text[begin:end]
            con += f'c="{quoted.lower()}" {number}:{a} {number}:{b}||t="X"\n'
            pipes += f"n.txt|{begin}-{end}|C{REST}\n"
            name = f"M{len(xml)}"
            xml += (
                f'<annotation><mention id="{name}"/><span start="{begin}" end="{end}"/>'
                f"<spannedText>{escape(quoted)}</spannedText></annotation>"
                f'<classMention id="{name}"><mentionClass id="X"/></classMention>'
            )
        start += len(" ".join(words)) + 1
    contents = {
        (LineConcepts, "n.con"): con,
        (PipeSpans, "n.pipe"): pipes,
        (Knowtator, "n.txt.knowtator.xml"): f"<annotations>{xml}</annotations>",
    }
    for (kind, name), content in contents.items():
        (passage,) = read(kind, {"n.txt": text, name: content})
        assert passage.text == text
        found = Counter((m.spans[0].start, m.spans[0].end) for m in passage.mentions)
        assert found == Counter(expected)
        at = data.draw(st.integers(0, len(content)))
        junk = data.draw(st.text('1:|"-<>\n', max_size=2))
        damaged = content[:at] + junk + content[at + 1 :]
        read.broken(kind, {"n.txt": text, name: damaged})


@given(st.text("ab \t7TA\n", max_size=12), st.integers(0, 60))
def test_broken_tables_are_explained(read: Any, junk: str, at: int) -> None:
    marks = "7\tA\t0\t4\tNaCl\tFORMULA\n7\tT\t10\t17\taspirin\tTRIVIAL\n"
    for abstracts, table in (
        (ABSTRACTS, marks[:at] + junk + marks[at + 1 :]),
        (ABSTRACTS[:at] + junk + ABSTRACTS[at + 1 :], marks),
    ):
        files = {"t.abstracts.txt": abstracts, "t.annotations.txt": table}
        read.broken(AbstractTables, files)
