"""Column files: each option, each spelling, each way to be broken."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.data.formats.base import raw_file
from unibench.data.formats.registry import make_format
from unibench.errors import FormatError
from unibench.schema.text import Passage


def parse(content: str | bytes, **options: Any) -> list[Passage]:
    parser = make_format({"name": "columns", **options}, "test")
    return list(parser.read([raw_file("a.conll", content)]))


def gold(passages: list[Passage]) -> list[list[tuple[str, str]]]:
    return [[(m.entity_type, m.text) for m in p.mentions] for p in passages]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        pytest.param("Ann\tB-P\nLee\tI-P\nran\tO\n\n", {}, id="iob2"),
        pytest.param("Ann\tB-P\nLee\tI-P\nran\tO", {}, id="no-final-newline"),
        pytest.param("\ufeffAnn\tB-P\nLee\tI-P\nran\tO\n", {}, id="bom"),
        pytest.param("Ann\tB-P\r\nLee\tI-P\r\nran\tO\r\n\r\n", {}, id="crlf"),
        pytest.param("Ann\tI-P\nLee\tI-P\nran\tO\n", {}, id="orphan-i-opens"),
        pytest.param("Ann\tI-P\nLee\tI-P\nran\tO\n", {"scheme": "IOB1"}, id="iob1"),
        pytest.param(
            "Ann\tB-P\nLee\tE-P\nran\tO\n", {"scheme": "BIOES"}, id="bioes-closes"
        ),
        pytest.param("Ann\tP\nLee\tP\nran\tO\n", {"scheme": "IO"}, id="io"),
        pytest.param("Ann\tP_B\nLee\tP_I\nran\tO\n", {"suffix": True}, id="suffix"),
        pytest.param(
            "B-P\tAnn\nI-P\tLee\nO\tran\n", {"token": 1, "tag": 0}, id="tag-first"
        ),
        pytest.param(
            "0\tAnn\tB-P\n1\tLee\tI-P\n2\tran\tO\n", {"token": 1}, id="index-column"
        ),
        pytest.param(
            "Ann NNP x B-P\nLee NNP y I-P\nran VBD z O\n",
            {"separator": " "},
            id="blank-separated",
        ),
        pytest.param(
            "Ann   B-P\nLee \t I-P\nran O\n", {"separator": ""}, id="any-white-space"
        ),
        pytest.param(
            "en:Ann\tB-P\nen:Lee\tI-P\nen:ran\tO\n",
            {"language_prefix": True},
            id="language-prefix",
        ),
        pytest.param(
            "# id 7\nAnn\tB-P\n# mid\nLee\tI-P\nran\tO\n",
            {"comment": "#"},
            id="comments",
        ),
        pytest.param(
            "Ann,B-P\nLee,I-P\nran,O\n,O\n",
            {"separator": ",", "quoted": True},
            id="quoted",
        ),
        pytest.param(
            "Ann\tO\tB-P\nLee\tO\tI-P\nran\tO\tO\n", {"tag": [1, 2]}, id="layers"
        ),
        pytest.param(
            "Ann\tB-P\nLe@\tI-P\nran\tO\n", {"replace": {"@": "e"}}, id="replace"
        ),
    ],
)
def test_spellings_of_one_sentence(content: str, options: dict[str, Any]) -> None:
    passages = parse(content, **options)
    assert [p.text for p in passages] == ["Ann Lee ran"]
    assert gold(passages) == [[("P", "Ann Lee")]]
    assert passages[0].tokens == ()


@pytest.mark.parametrize(
    ("scheme", "tags", "expected"),
    [
        pytest.param("IOB2", "B-P B-P", ["a", "b"], id="touching"),
        pytest.param("IOB1", "I-P B-P", ["a", "b"], id="iob1-touching"),
        pytest.param("IO", "P P", ["a b"], id="io-merges"),
        pytest.param("BIOES", "S-P S-P", ["a", "b"], id="bioes-singles"),
        pytest.param("BIOES", "B-P E-P I-P", ["a b", "c"], id="i-after-e-opens"),
        pytest.param("BIOES", "E-P E-P", ["a", "b"], id="orphan-e"),
        pytest.param("BIOES", "B-P L-P U-P", ["a b", "c"], id="bilou"),
        pytest.param("IOB2", "B-P I-Q", ["a", "b"], id="other-label-opens"),
        pytest.param("IOB2", "O O B-P", ["c"], id="sentence-final"),
    ],
)
def test_schemes(scheme: str, tags: str, expected: list[str]) -> None:
    rows = "".join(
        f"{token}\t{tag}\n" for token, tag in zip("abc", tags.split(), strict=False)
    )
    (passage,) = parse(rows, scheme=scheme)
    assert [mention.text for mention in passage.mentions] == expected


DOCSTART = "-DOCSTART- O\n\na O\n\nb B-P\n\n-DOCSTART- O\nc O\n"


@pytest.mark.parametrize(
    ("docstart", "texts"),
    [
        pytest.param("skip", ["a", "b", "c"], id="skip"),
        pytest.param("keep", ["-DOCSTART-", "a", "b", "-DOCSTART- c"], id="keep"),
        pytest.param(
            "instance", ["-DOCSTART-", "a", "b", "-DOCSTART-", "c"], id="instance"
        ),
    ],
)
def test_docstart_rows(docstart: str, texts: list[str]) -> None:
    passages = parse(DOCSTART, separator=" ", docstart=docstart)
    assert [passage.text for passage in passages] == texts
    assert passages[-1].document == "1"
    assert [passage.id for passage in passages] == [str(i) for i in range(len(texts))]


def test_a_docstart_row_names_its_document_and_may_be_short() -> None:
    passages = parse("-DOCSTART- (77)\n\na NN O O\n", separator=" ")
    assert passages == [Passage("0", "a", (), "77")]


def test_documents_in_one_passage_for_a_splitter_to_cut() -> None:
    rows = "-DOCSTART- (7)\n\na I-P\n\nb I-P\n\n-DOCSTART- (8)\n\nc O\n"
    one, two = parse(rows, separator=" ", scheme="IOB1", blank_lines="ignore")
    assert (one.text, one.document) == ("a b", "7")
    assert gold([one]) == [[("P", "a b")]]
    assert (two.text, two.document) == ("c", "8")


def test_a_label_may_hold_hyphens_and_blanks() -> None:
    (passage,) = parse("a\tB-x-y z\n")
    assert passage.mentions[0].entity_type == "x-y z"


def test_tokens_are_kept_where_one_holds_a_blank() -> None:
    (passage,) = parse("{@Demo Band@}\tB-P\nplays\tO\n")
    assert [(s.start, s.end) for s in passage.tokens] == [(0, 13), (14, 19)]


def test_layers_are_united_inner_and_outer() -> None:
    rows = "human\tO\tB-DNA\nabcd\tB-protein\tI-DNA\ngene\tO\tI-DNA\n"
    (passage,) = parse(rows, tag=[1, 2])
    assert gold([passage]) == [[("DNA", "human abcd gene"), ("protein", "abcd")]]


def test_blank_lines_may_hold_blanks_and_come_in_runs() -> None:
    passages = parse("\n\na\tO\n\t\n \n\nb\tO\n\n\n")
    assert [passage.text for passage in passages] == ["a", "b"]


def test_bare_tags_are_one_word_labels() -> None:
    (passage,) = parse("a\tP\nb\tP\nc\tB-X\n", bare_tags=["P"])
    assert gold([passage]) == [[("P", "a"), ("P", "b"), ("X", "c")]]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        pytest.param("a\tO\nb\tx\tO\n", {}, "line 2: 3 column", id="ragged"),
        pytest.param("a\tO\n\nb\n", {}, "line 3: 1 column", id="cut-off"),
        pytest.param("<!DOCTYPE html>\n", {}, "line 1: 1 column", id="web-page"),
        pytest.param("a\tO\nb\tX-P\n", {}, "line 2: 'X-P'", id="prefix"),
        pytest.param("a\tO\nb\tB-\n", {}, "line 2: 'B-'", id="no-label"),
        pytest.param("a\tO\n\tO\n", {}, "line 2: the token is empty", id="token"),
        pytest.param(
            "a\tO\nb\tO\n", {"language_prefix": True}, "line 1: 'a'", id="language"
        ),
        pytest.param(
            'a,O\n"b,O\n', {"separator": ",", "quoted": True}, "line 2", id="quotes"
        ),
        pytest.param(
            "a\tO\nna\u00efve\tO\n".encode("latin-1"), {}, "line 2: byte", id="latin-1"
        ),
    ],
)
def test_broken_files_are_one_error_with_its_place(
    content: str | bytes, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(FormatError, match=r"^a\.conll: ") as caught:
        parse(content, **options)
    assert message in str(caught.value)


def test_latin_1_is_read_when_the_card_says_so() -> None:
    (passage,) = parse("na\u00efve\tO\n".encode("latin-1"), encoding="latin-1")
    assert passage.text == "na\u00efve"


WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=5
).filter(lambda word: word.strip() == word and "DOCSTART" not in word)
SENTENCES = st.lists(
    st.lists(st.tuples(WORDS, st.sampled_from(["O", "B-P", "I-P", "B-Q"])), min_size=1),
    min_size=1,
    max_size=5,
)


@given(SENTENCES)
def test_what_is_written_is_read(sentences: list[list[tuple[str, str]]]) -> None:
    rows = ["\n".join(f"{w}\t{t}" for w, t in sentence) for sentence in sentences]
    passages = parse("\n\n".join(rows))
    assert [p.text for p in passages] == [
        " ".join(word for word, _ in sentence) for sentence in sentences
    ]
    for passage, sentence in zip(passages, sentences, strict=True):
        tags = [tag for _, tag in sentence]
        opened = sum(
            tag[0] == "B" or (tag[0] == "I" and before[2:] != tag[2:])
            for before, tag in pairwise(["O", *tags])
        )
        assert len(passage.mentions) == opened
        for mention in passage.mentions:
            (span,) = mention.spans
            assert passage.text[span.start : span.end] == mention.text


@given(st.binary(max_size=200))
def test_any_bytes_give_passages_or_one_error(content: bytes) -> None:
    try:
        passages = parse(content)
    except FormatError as error:
        assert "a.conll: line" in str(error)
    else:
        assert all(passage.text for passage in passages)
