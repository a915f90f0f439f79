"""The XML of the clinical sets: mentions in the text (2006), offsets (2012, 2014)."""

from __future__ import annotations

from collections import Counter
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats import offsets
from unibench.data.formats.inline_xml import MENDED, InlineXml
from unibench.data.formats.offset_xml import NO_LABEL, OffsetXml
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span

INLINE = """<ROOT>
<RECORD ID="7">
<TEXT>
012345678
<PHI TYPE="HOSPITAL">MFC</PHI>
Admission Date : <PHI TYPE="DATE">04/01</PHI>/2031

<PHI TYPE="PATIENT">BARLOW , THEO</PHI> &amp; co
</TEXT>
</RECORD>
</ROOT>
"""


def test_inline_mentions_and_lines(read: Any) -> None:
    (passage,) = read(InlineXml, {"x.xml": INLINE})
    assert (passage.id, passage.document) == ("7", "7")
    assert passage.text.split("\n") == [
        "012345678",
        "MFC",
        "Admission Date : 04/01/2031",
        "",
        "BARLOW , THEO & co",
    ]
    assert passage.mentions == (
        Mention("HOSPITAL", "MFC", (Span(10, 13),)),
        Mention("DATE", "04/01", (Span(31, 36),)),
        Mention("PATIENT", "BARLOW , THEO", (Span(43, 56),)),
    )


FAULT = '<PHI TYPE="DATE">25th of July<PHI TYPE="DOCTOR">'
MEND = {"find": FAULT, "replace": '<PHI TYPE="DATE">25th of July</PHI>'}


def test_known_faults_are_mended_and_counted(read: Any) -> None:
    text = INLINE.replace("012345678", f"Seen {FAULT} .")
    with pytest.raises(FormatError, match=r"x: line 9: no well-formed XML: mismatched"):
        read(InlineXml, {"x": text})
    (passage,), repairs = read.noted(InlineXml, {"x": text}, replacements=[MEND])
    assert passage.mentions[0].text == "25th of July"
    assert repairs == {MENDED: 1}
    again = text.replace("MFC", f"{FAULT}MFC")
    with pytest.raises(FormatError, match=r"occurs 2 times; the card knows of 1"):
        read(InlineXml, {"x": again}, replacements=[MEND])


def test_nested_mentions_are_kept(read: Any) -> None:
    text = "<r><d n='1'>A <m t='X'>B <m t='Y'>C</m></m></d></r>"
    options = {"record": "d", "id": "n", "text": "", "mention": "m", "label": "t"}
    (passage,) = read(InlineXml, {"x": text}, **options)
    assert [(m.entity_type, m.text) for m in passage.mentions] == [
        ("X", "B C"),
        ("Y", "C"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param("MFC", "", "line 5: ", id="empty"),
        pytest.param(
            '"HOSPITAL"', '""', "line 5: a mention without a label", id="label"
        ),
        pytest.param(
            'PHI TYPE="HOS', 'PHI X="HOS', "line 5: .*no attribute 'TYPE'", id="t"
        ),
        pytest.param("MFC", "<B>M</B>", "line 5: <B> in the text", id="element"),
        pytest.param("RECORD", "REC", "line 1: <ROOT> holds no <RECORD>", id="record"),
        pytest.param(' ID="7"', "", "line 2: .*no attribute 'ID'", id="id"),
        pytest.param("TEXT", "T", "line 2: <RECORD> has no <TEXT>", id="text"),
        pytest.param("</ROOT>", "", "line 12: no well-formed XML", id="cut"),
        pytest.param(
            "<ROOT>", "<!DOCTYPE R [<!ENTITY a 'b'>]><ROOT>", "XML entity", id="entity"
        ),
        pytest.param("012", "&a;", "line 4: no well-formed XML: undef", id="undefined"),
    ],
)
def test_bad_inline_files_are_named(
    read: Any, old: str, new: str, problem: str
) -> None:
    with pytest.raises(FormatError, match="x: .*" + problem):
        read(InlineXml, {"x": INLINE.replace(old, new)})


TEMPORAL = """<?xml version="1.0" encoding="UTF-8" ?>
<ClinicalNarrativeTemporalAnnotation>
<TEXT><![CDATA[
Admission Date :
2031-05-02
The patient&apos;s aspirin .
]]></TEXT>
<TAGS>
<EVENT id="E0" start="1" end="10" text="Admission" type="OCCURRENCE" />
<EVENT id="E1" start="33" end="50" text="patient's" type="PROBLEM" />
<EVENT id="E2" start="48" end="55" text="aspirin" type="" />
<TIMEX3 id="T0" start="18" end="28" text="2031-05-02" type="DATE" val="" />
<TLINK id="TL0" fromID="E0" toID="T0" type="OVERLAP" />
</TAGS>
</ClinicalNarrativeTemporalAnnotation>
""".replace('"50"', '"47"')
EVENTS = {"elements": ["EVENT"], "label": "type", "empty_label": "drop"}


def test_events_with_escapes_and_without_type(read: Any) -> None:
    (passage,), repairs = read.noted(OffsetXml, {"12.xml": TEMPORAL}, **EVENTS)
    assert (passage.id, passage.text[:11]) == ("12", "\nAdmission ")
    assert passage.mentions == (
        Mention("OCCURRENCE", "Admission", (Span(1, 10),)),
        Mention("PROBLEM", "patient&apos;s", (Span(33, 47),)),
    )
    assert repairs == {NO_LABEL: 1}
    (read_out,) = read(OffsetXml, {"12.xml": TEMPORAL}, **EVENTS, unescape=True)
    assert read_out.mentions[1] == Mention("PROBLEM", "patient's", (Span(33, 42),))
    assert "patient's aspirin" in read_out.text


PHI = """<?xml version="1.0" encoding="UTF-8" ?>
<deIdi2b2>
<TEXT><![CDATA[


Record date: 2081-03-14

Dr. Anna Quill saw Mr. Theo Barlow at Roe & Doe.
]]></TEXT>
<TAGS>
<DATE id="P0" start="16" end="26" text="2081-03-14" TYPE="DATE" comment="" />
<NAME id="P1" start="32" end="42" text="Anna Quill" TYPE="DOCTOR" comment="" />
<NAME id="P2" start="52" end="63" text="Theo Barlow" TYPE="PATIENT" comment="" />
<LOCATION id="P3" start="66" end="75" text="Roe and Doe" TYPE="HOSPITAL" />
</TAGS>
</deIdi2b2>
"""


def test_the_label_is_the_attribute_and_shifts_are_mended(read: Any) -> None:
    with pytest.raises(FormatError, match=r"180-03\.xml: line 13: the text at 52-63"):
        read(OffsetXml, {"s/180-03.xml": PHI})
    files = {"s/180-03.xml": PHI}
    (passage,), repairs = read.noted(OffsetXml, files, mismatch="nearest")
    assert passage.mentions == (
        Mention("DATE", "2081-03-14", (Span(16, 26),)),
        Mention("DOCTOR", "Anna Quill", (Span(32, 42),)),
        Mention("PATIENT", "Theo Barlow", (Span(51, 62),)),
        Mention("HOSPITAL", "Roe & Doe", (Span(66, 75),)),
    )
    assert repairs == {offsets.MOVED: 1, offsets.TRUSTED: 1}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param('"26"', '"99"', "line 11: offsets 16-99 do not fit", id="outside"),
        pytest.param('"26"', '"16"', "line 11: offsets 16-16 do not fit", id="empty"),
        pytest.param('"26"', '"-1"', "line 11: <DATE>: '-1' is no whole", id="minus"),
        pytest.param(' TYPE="DATE"', "", "line 11: .*no attribute 'TYPE'", id="type"),
        pytest.param(
            'TYPE="DATE"', 'TYPE=""', "line 11: .*without a label", id="label"
        ),
        pytest.param("TAGS", "T", "line 2: <deIdi2b2> has no <TAGS>", id="tags"),
        pytest.param("]]>", "", "no well-formed XML: unclosed CDATA", id="cdata"),
    ],
)
def test_bad_offset_files_are_named(
    read: Any, old: str, new: str, problem: str
) -> None:
    with pytest.raises(FormatError, match=r"x\.xml: .*" + problem):
        read(OffsetXml, {"x.xml": PHI.replace(old, new)}, mismatch="nearest")


def test_other_files_are_refused(read: Any) -> None:
    with pytest.raises(FormatError, match=r"12\.xml\.extent: is none of"):
        read(OffsetXml, {"12.xml.extent": ""})


PARTS = st.lists(
    st.tuples(
        st.text("ab&<é\n", min_size=1, max_size=4), st.sampled_from(["", "X", "Y"])
    ),
    min_size=1,
    max_size=6,
)


@given(PARTS, st.integers(0, 200), st.text("<>/&;", max_size=2))
def test_round_trip(
    read: Any, parts: list[tuple[str, str]], at: int, junk: str
) -> None:
    text, inline, tags, expected = "", "", "", []
    for piece, label in parts:
        if label and piece.strip() == piece:
            end = len(text) + len(piece)
            tags += (
                f"<M start='{len(text)}' end='{end}' text={quoteattr(piece)}"
                f" TYPE='{label}' />"
            )
            inline += f"<PHI TYPE='{label}'>{escape(piece)}</PHI>"
            expected.append((label, piece))
        else:
            inline += escape(piece)
        text += piece
    record = f"<R><RECORD ID='1'><TEXT>\n{inline}\n</TEXT></RECORD></R>"
    beside = f"<R><TEXT>{escape(text)}</TEXT><TAGS>{tags}</TAGS></R>"
    for kind, name, content in (
        (InlineXml, "x", record),
        (OffsetXml, "x.xml", beside),
    ):
        (passage,) = read(kind, {name: content})
        assert passage.text == text
        found = Counter((m.entity_type, m.text) for m in passage.mentions)
        assert found == Counter(expected)
        read.broken(kind, {name: content[:at] + junk + content[at + 1 :]})
