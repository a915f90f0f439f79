"""ACE: offsets over the text without tags, entities as written, nested extents."""

from __future__ import annotations

from collections import Counter
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats.ace import OUTSIDE_TEXT, Ace
from unibench.data.formats.offsets import LINE_ENDS
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span

SGM = """<DOC>
<DOCID> XYZ_ENG_20050101.0001 </DOCID>
<DOCTYPE SOURCE="newswire"> NEWS STORY </DOCTYPE>
<DATETIME> 2005-01-01 </DATETIME>
<BODY>
<TEXT>
The mayor of Riga met her staff.
</TEXT>
</BODY>
</DOC>
"""


def mention(number: int, start: int, end: int, text: str, kind: str = "NOM") -> str:
    part = f'<charseq START="{start}" END="{end}">{escape(text)}</charseq>'
    return (
        f'<entity_mention ID="E{number}" TYPE="{kind}"><extent>{part}</extent>'
        f"<head>{part}</head></entity_mention>"
    )


def apf(*entities: tuple[str, str]) -> str:
    inside = "".join(f'<entity TYPE="{t}">{body}</entity>' for t, body in entities)
    return (
        '<?xml version="1.0"?>\n<!DOCTYPE source_file SYSTEM "apf.v5.1.1.dtd">\n'
        '<source_file URI="x.sgm"><document DOCID="x">'
        '<timex2 ID="T1"><timex2_mention><extent><charseq START="0" END="1">x'
        "</charseq></extent></timex2_mention></timex2>"
        f"{inside}</document></source_file>"
    )


MAYOR = apf(
    ("PER", mention(1, 53, 69, "The mayor of Riga") + mention(2, 75, 77, "her", "PRO")),
    ("GPE", mention(3, 66, 69, "Riga", "NAM")),
    ("PER", mention(4, 75, 83, "her staff")),
)


def one(read: Any, sgm: str, xml: str, **options: Any) -> Any:
    return read(Ace, {"nw/X.0001.sgm": sgm, "nw/X.0001.apf.xml": xml}, **options)[0]


def test_offsets_leave_tags_out_and_count_line_ends(read: Any) -> None:
    passage = one(read, SGM, MAYOR)
    assert (passage.id, passage.document) == ("X.0001", "X.0001")
    assert passage.text == "\nThe mayor of Riga met her staff.\n"
    assert passage.mentions == (
        Mention("PER", "The mayor of Riga", (Span(1, 18),)),
        Mention("GPE", "Riga", (Span(14, 18),)),
        Mention("PER", "her", (Span(23, 26),)),
        Mention("PER", "her staff", (Span(23, 32),)),
    )


def test_kinds_of_mentions_can_be_chosen(read: Any) -> None:
    passage = one(read, SGM, MAYOR, mention_types=["NAM", "PRO"], part="head")
    assert [m.text for m in passage.mentions] == ["Riga", "her"]


def test_entities_count_as_written_and_are_read(read: Any) -> None:
    sgm = "<DOC><TEXT>A&amp;B <TURN>of AT&amp;T</TURN> met\nBo</TEXT></DOC>"
    # Without tags: "A&amp;B of AT&amp;T met\nBo".
    xml = apf(
        ("ORG", mention(1, 11, 18, "AT&T")), ("PER", mention(2, 20, 25, "met\nBo"))
    )
    passage = one(read, sgm, xml)
    assert passage.text == "A&B of AT&T met\nBo"
    assert [(m.text, m.spans) for m in passage.mentions] == [
        ("AT&T", (Span(7, 11),)),
        ("met\nBo", (Span(12, 18),)),
    ]


def test_windows_line_ends_are_read_as_counted(read: Any) -> None:
    files = {"x.sgm": SGM.replace("\n", "\r\n"), "x.apf.xml": MAYOR}
    (passage,), repairs = read.noted(Ace, files)
    assert passage.text == "\nThe mayor of Riga met her staff.\n"
    assert repairs == {LINE_ENDS: 1}


def test_mentions_outside_the_text_are_settled_as_the_card_says(read: Any) -> None:
    files = {"x.sgm": SGM, "x.apf.xml": apf(("PER", mention(1, 25, 34, "NEWS STORY")))}
    with pytest.raises(
        FormatError, match=r"x\.apf\.xml: line 3: offsets 25-35 lie outside"
    ):
        read(Ace, files)
    (passage,), repairs = read.noted(Ace, files, outside="drop")
    assert (passage.mentions, repairs) == ((), {OUTSIDE_TEXT: 1})


@pytest.mark.parametrize(
    ("sgm", "xml", "problem"),
    [
        pytest.param(
            SGM, MAYOR.replace('"69"', '"68"'), "line 3: the text at", id="end"
        ),
        pytest.param(SGM, MAYOR.replace('"69"', '"999"'), "lie outside", id="outside"),
        pytest.param(SGM, MAYOR.replace('"69"', '"x"'), "no whole number", id="number"),
        pytest.param(
            SGM, MAYOR.replace("extent", "part"), "has no <extent>", id="part"
        ),
        pytest.param(SGM, MAYOR[:-9], "no well-formed XML", id="cut"),
        pytest.param(SGM, "<html/>", "is no ACE <source_file>", id="html"),
        pytest.param(SGM[:150], MAYOR, r"sgm: there is no <TEXT>", id="no-text"),
        pytest.param(
            SGM,
            MAYOR.replace('SYSTEM "apf.v5.1.1.dtd"', '[<!ENTITY a "b">]'),
            "declares or uses an XML entity",
            id="entity",
        ),
    ],
)
def test_bad_files_are_named(read: Any, sgm: str, xml: str, problem: str) -> None:
    with pytest.raises(FormatError, match=r"nw/X\.0001\..*" + problem):
        one(read, sgm, xml)


PIECES = st.lists(
    st.sampled_from(["ab", "<TURN>", "</TURN>", "&amp;", "&lt;", "\n", " é", "<P>"]),
    max_size=10,
)


@given(PIECES, st.data())
def test_round_trip(read: Any, pieces: list[str], data: st.DataObject) -> None:
    body = "".join(pieces)
    sgm = f"<DOC>\n<X>head</X><TEXT>{body}</TEXT></DOC>"
    plain, starts, written = "", [], len("\nhead")
    for piece in pieces:
        if not piece.startswith("<"):
            char = {"&amp;": "&", "&lt;": "<"}.get(piece, piece)
            starts.append((written, len(piece), len(plain), char))
            written, plain = written + len(piece), plain + char
    pick = st.lists(st.sampled_from(starts), max_size=3) if starts else st.just([])
    chosen = [c for c in data.draw(pick) if c[3].strip() == c[3]]
    xml = apf(*[("X", mention(0, w, w + n - 1, char)) for w, n, _, char in chosen])
    (passage,) = read(Ace, {"x.sgm": sgm, "x.apf.xml": xml})
    assert passage.text == plain
    found = Counter((m.spans[0].start, m.text) for m in passage.mentions)
    assert set(found) == {(place, char) for _, _, place, char in chosen}
    at = data.draw(st.integers(0, len(xml)))
    junk = data.draw(st.text('<>/"1', max_size=2))
    read.broken(Ace, {"x.sgm": sgm, "x.apf.xml": xml[:at] + junk + xml[at + 1 :]})
    read.broken(Ace, {"x.sgm": sgm[: at % len(sgm)], "x.apf.xml": xml})
