"""BioC XML and JSON: offsets over passages, several locations, unsafe XML."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats.bioc import BiocJson, BiocXml
from unibench.errors import FormatError
from unibench.schema.text import Mention, Span

XML = """<?xml version='1.0' encoding='UTF-8'?>
<!DOCTYPE collection SYSTEM "BioC.dtd">
<collection><source>invented</source>
<document><id>7</id>
<passage><infon key="type">title</infon><offset>0</offset><text>R&amp;D asthma</text>
<annotation id="0"><infon key="type">Disease</infon><infon key="id">D1</infon>
<location offset="4" length="6"/><text>asthma</text></annotation></passage>
<passage><offset>11</offset><text>Skin and hair loss.</text>
<annotation id="1"><infon key="type">Sign</infon><location offset="11" length="4"/>
<location offset="25" length="4"/><text>Skin loss</text></annotation>
<relation id="R0"><node refid="0" role="x"/></relation></passage>
</document></collection>
"""


def test_reads_xml(read: Any) -> None:
    (passage,) = read(BiocXml, {"x.xml": XML})
    assert passage.id == passage.document == "7"
    assert passage.text == "R&D asthma Skin and hair loss."
    assert passage.mentions == (
        Mention("Disease", "asthma", (Span(4, 10),)),
        Mention("Sign", "Skin loss", (Span(11, 15), Span(25, 29))),
    )


def document(**changes: Any) -> dict[str, Any]:
    mark = {
        "id": "0",
        "infons": {"type": "Disease"},
        "text": "asthma",
        "locations": [{"offset": 53, "length": 6}],
    }
    passage = {"offset": 50, "text": "On asthma.", "annotations": [mark]}
    return {"id": "7", "passages": [passage], "relations": []} | changes


def test_reads_json_whose_offsets_do_not_begin_at_zero(read: Any) -> None:
    (passage,) = read(BiocJson, {"x": json.dumps({"documents": [document()]})})
    assert passage.text == "On asthma."
    assert passage.mentions == (Mention("Disease", "asthma", (Span(3, 9),)),)


def test_sentences_are_read_where_a_passage_has_no_text(read: Any) -> None:
    sentences = [
        {"offset": 0, "text": "Hi."},
        {"offset": 9, "text": "Asthma.", "annotations": [
            {"infons": {"kind": "X"}, "locations": [{"offset": 9, "length": 6}]}
        ]},
    ]  # fmt: skip
    passages = [{"offset": 0, "sentences": sentences}]
    files = {"x": json.dumps({"documents": [document(passages=passages)]})}
    (passage,) = read(BiocJson, files, label="kind")
    assert passage.text == "Hi. Asthma."
    assert passage.mentions == (Mention("X", "Asthma", (Span(4, 10),)),)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param("</collection>", "", r"line 13: no well-formed XML", id="cut"),
        pytest.param("collection", "html", "line 3: <html> is no BioC", id="html"),
        pytest.param("<id>7</id>", "", "line 4: <document> has no <id>", id="id"),
        pytest.param(">11<", ">x<", "line 8: <offset>: 'x' is no whole", id="offset"),
        pytest.param('"4"', '"3"', "line 6: the text at 3-9", id="text"),
        pytest.param('"4"', '"9"', "line 6: .* lie in no part of the text", id="out"),
        pytest.param('"type">Sign', '"x">Sign', "line 9: .*infon 'type'", id="label"),
        pytest.param(
            '<!DOCTYPE collection SYSTEM "BioC.dtd">',
            '<!DOCTYPE x [<!ENTITY a "aaa">]>',
            "line 2: declares or uses an XML entity",
            id="entity",
        ),
        pytest.param(
            "R&amp;D", "R&x;D", "line 5: declares or uses an XML entity", id="use"
        ),
    ],
)  # fmt: skip
def test_bad_xml_is_named(read: Any, old: str, new: str, problem: str) -> None:
    with pytest.raises(FormatError, match=r"x\.xml: " + problem):
        read(BiocXml, {"x.xml": XML.replace(old, new)})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param('{"documents": [', "line 1: .*truncated", id="cut"),
        pytest.param('{"documents": [\n]', "line 2: .*truncated", id="second-line"),
        pytest.param("<html>", "line 1: .*looks like a web page", id="html"),
        pytest.param("[" * 9999, "line 1: ", id="deep"),
        pytest.param(
            '{"documents": [{}]}', r"line 1: .*`\$\.documents\[0\]`", id="key"
        ),
        pytest.param(
            json.dumps({"documents": [document(annotations=[{"locations": []}])]}),
            "document 7: an annotation without",
            id="label",
        ),
    ],
)
def test_bad_json_is_named(read: Any, content: str, problem: str) -> None:
    with pytest.raises(FormatError, match="x: " + problem):
        read(BiocJson, {"x": content})


def test_passages_that_overlap_are_an_error(read: Any) -> None:
    passages = [{"offset": 0, "text": "ab"}, {"offset": 1, "text": "cd"}]
    content = json.dumps({"documents": [document(passages=passages)]})
    with pytest.raises(FormatError, match="x: document 7: the offsets of its passages"):
        read(BiocJson, {"x": content})


Passages = list[tuple[str, list[tuple[int, int]]]]
TEXT = st.text("ab &<é😀", max_size=10)


@st.composite
def collections(draw: st.DrawFn) -> Passages:
    made = []
    for text in draw(st.lists(TEXT, min_size=1, max_size=3)):
        cut = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
        spans = {(min(pair), max(pair)) for pair in draw(st.lists(cut, max_size=3))}
        kept = [
            (s, e) for s, e in sorted(spans) if text[s:e].strip() == text[s:e] != ""
        ]
        made.append((text, kept))
    return made


def expected(made: Passages) -> tuple[str, list[Mention]]:
    start, mentions = 0, []
    for text, spans in made:
        mentions += [
            Mention("X", text[s:e], (Span(start + s, start + e),)) for s, e in spans
        ]
        start += len(text) + 1
    return " ".join(text for text, _ in made), mentions


def render_json(made: Passages, gap: int) -> str:
    passages, start = [], 0
    for text, spans in made:
        marks = [
            {
                "infons": {"type": "X"},
                "text": text[s:e],
                "locations": [{"offset": start + s, "length": e - s}],
            }
            for s, e in spans
        ]
        passages.append({"offset": start, "text": text, "annotations": marks})
        start += len(text) + gap
    return json.dumps({"documents": [{"id": "d", "passages": passages}]})


def render_xml(made: Passages, gap: int) -> str:
    parts, start = [], 0
    for text, spans in made:
        marks = "".join(
            '<annotation><infon key="type">X</infon>'
            f"<text>{escape(text[s:e])}</text>"
            f"<location offset='{start + s}' length='{e - s}'/></annotation>"
            for s, e in spans
        )
        parts.append(
            f"<passage><offset>{start}</offset><text>{escape(text)}</text>"
            f"{marks}</passage>"
        )
        start += len(text) + gap
    body = "".join(parts)
    return f"<collection><document><id>d</id>{body}</document></collection>"


@given(collections(), st.integers(1, 3))
def test_round_trip(read: Any, made: Passages, gap: int) -> None:
    for kind, content in (
        (BiocJson, render_json(made, gap)),
        (BiocXml, render_xml(made, gap)),
    ):
        (passage,) = read(kind, {"x": content})
        text, mentions = expected(made)
        assert passage.text == text
        assert sorted(passage.mentions, key=lambda m: m.spans) == mentions


@given(collections(), st.text('<>/"{}[]1,&;', max_size=4), st.integers(0, 300))
def test_broken_files_are_explained(
    read: Any, made: Passages, junk: str, at: int
) -> None:
    for kind, content in (
        (BiocJson, render_json(made, 1)),
        (BiocXml, render_xml(made, 1)),
    ):
        read.broken(kind, {"x": content[:at] + junk + content[at + 1 :]})
        read.broken(kind, {"x": content[:at]})


@pytest.mark.realdata
def test_biored_is_the_same_in_all_three_spellings(read: Any, real_data: Path) -> None:
    from unibench.data.formats.pubtator import PubTator

    folder = real_data / "biored" / "BioRED"
    for split, count in {"Dev": 3533, "Test": 3535}.items():
        pubtator, _ = read.paths(PubTator, [folder / f"{split}.PubTator"])
        xml, _ = read.paths(BiocXml, [folder / f"{split}.BioC.XML"])
        as_json, _ = read.paths(BiocJson, [folder / f"{split}.BioC.JSON"])
        assert sum(len(p.mentions) for p in xml) == count
        assert as_json == xml
        assert [p.text for p in xml] == [p.text for p in pubtator]
        for one, other in zip(xml, pubtator, strict=True):
            assert Counter(one.mentions) == Counter(other.mentions)
