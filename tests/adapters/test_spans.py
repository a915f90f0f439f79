"""Class H: what span models give back, checked and chosen among."""

from __future__ import annotations

from typing import Any

import pytest

from unibench.adapters.spans import Choice, RawSpan, SpanForm, checked, settled
from unibench.adapters.windows import Window, joined, windows
from unibench.errors import BackendError
from unibench.schema.query import Parsed, Query
from unibench.schema.text import Mention, Passage, Span

TEXT = "Ann Lee met Bo in Rome."
QUERY = Query(Passage("p", TEXT), ("person", "location"))
ACCENTS = Query(Passage("p", "né \U0001f600 Bo"), ("person",))


def check(*raw: RawSpan, query: Query = QUERY, **form: Any) -> Parsed:
    return checked(raw, query, SpanForm(**form), "M")


def person(start: int, end: int, score: float | None = None) -> Mention:
    return Mention("person", TEXT[start:end], (Span(start, end),), score)


@pytest.mark.parametrize(
    ("span", "query", "message"),
    [
        pytest.param(
            RawSpan(0, 7, "person", score=float("nan")),
            QUERY,
            "M, passage 'p': a score is nan; such spans cannot be ranked",
            id="H1-nan",
        ),
        pytest.param(
            RawSpan(0, 7, "person", score=float("inf")),
            QUERY,
            "a score is inf",
            id="H1-infinite",
        ),
        pytest.param(
            RawSpan(0, 7, "person", score=3.2),
            QUERY,
            "no probability; declare 'scores: logits'",
            id="H2-logit",
        ),
        pytest.param(
            RawSpan(0, 6, "person", "Ann Lee"),
            QUERY,
            "'Ann Lee' is not what stands at its offsets, 'Ann Le'; declare 'end: incl",
            id="H4-inclusive",
        ),
        pytest.param(RawSpan(5, 5, "person"), QUERY, "is empty", id="H5-empty"),
        pytest.param(RawSpan(-1, 5, "person"), QUERY, "lies outside", id="H5-negative"),
        pytest.param(RawSpan(18, 99, "person"), QUERY, "lies outside", id="H5-beyond"),
        pytest.param(
            RawSpan(9, 11, "person", "Bo"), ACCENTS, "lies outside", id="H6-bytes"
        ),
        pytest.param(
            RawSpan(6, 8, "person", "Bo"), ACCENTS, "lies outside", id="H7-utf16"
        ),
    ],
)
def test_what_cannot_be_right_is_an_error(
    span: RawSpan, query: Query, message: str
) -> None:
    with pytest.raises(BackendError, match=message):
        check(span, query=query)


@pytest.mark.parametrize(
    ("raw", "form", "expected"),
    [
        pytest.param(
            [RawSpan(0, 7, "person", score=-0.5)],
            {"scores": "logits"},
            Parsed((person(0, 7, 1 / (1 + 2.718281828459045**0.5)),)),
            id="H2-declared",
        ),
        pytest.param(
            [RawSpan(0, 6, "person", "Ann Lee")],
            {"end": "inclusive"},
            Parsed((person(0, 7),)),
            id="H4-declared",
        ),
        pytest.param(
            [RawSpan(3, 7, "person")],
            {},
            Parsed((person(4, 7),), repairs=("blanks",)),
            id="H9-blanks",
        ),
        pytest.param(
            [RawSpan(5, 7, "person")],
            {"widen": "words"},
            Parsed((person(4, 7),), repairs=("widened",)),
            id="H10-widened",
        ),
        pytest.param(
            [RawSpan(5, 7, "person")], {}, Parsed((person(5, 7),)), id="H10-kept"
        ),
        pytest.param(
            [RawSpan(0, 7, "person", "Ann ##Lee")],
            {},
            Parsed((person(0, 7),)),
            id="H11-pieces",
        ),
        pytest.param(
            [RawSpan(18, 22, "city")],
            {},
            Parsed((), dropped={"unasked_type": 1}),
            id="H12-unasked",
        ),
        pytest.param(
            [RawSpan(0, 7, "PER")],
            {"types": {"person": ("PER",)}},
            Parsed((person(0, 7),)),
            id="H12-declared",
        ),
        pytest.param(
            [RawSpan(0, 7, "Person")],
            {},
            Parsed((person(0, 7),), repairs=("type_case",)),
            id="H14-case",
        ),
        pytest.param(
            [RawSpan(0, 3, "person", score=0.9), RawSpan(4, 7, "person", score=0.6)],
            {"merge": "adjacent"},
            Parsed((person(0, 7, 0.6),), repairs=("merged",)),
            id="H22-merged",
        ),
        pytest.param(
            [RawSpan(0, 3, "person"), RawSpan(12, 14, "person")],
            {"merge": "adjacent"},
            Parsed((person(0, 3), person(12, 14))),
            id="H22-apart",
        ),
    ],
)
def test_spans_are_checked(
    raw: list[RawSpan], form: dict[str, Any], expected: Parsed
) -> None:
    found = check(*raw, **form)
    assert [m.spans for m in found.mentions] == [m.spans for m in expected.mentions]
    assert [m.score for m in found.mentions] == pytest.approx(
        [m.score for m in expected.mentions]
    )
    assert found.repairs == expected.repairs
    assert found.dropped == expected.dropped


@pytest.mark.parametrize(
    ("start", "end", "offsets"),
    [
        pytest.param(9, 11, "bytes", id="H6-bytes"),
        pytest.param(6, 8, "utf16", id="H7-utf16"),
    ],
)
def test_declared_units_become_characters(start: int, end: int, offsets: str) -> None:
    found = check(RawSpan(start, end, "person", "Bo"), query=ACCENTS, offsets=offsets)
    assert found.mentions == (Mention("person", "Bo", (Span(5, 7),)),)


def test_an_offset_inside_a_character_is_an_error() -> None:
    with pytest.raises(BackendError, match="inside a character"):
        check(RawSpan(2, 3, "person"), query=ACCENTS, offsets="bytes")


ANN, ANN_LEE = person(0, 3, 0.9), person(0, 7, 0.8)
LEE_MET = person(4, 11, 0.7)
PLACE = Mention("location", "Ann Lee", (Span(0, 7),), 0.8)


@pytest.mark.parametrize(
    ("marked", "choice", "kept", "dropped"),
    [
        pytest.param([ANN], {"threshold": 0.95}, [], {"below_threshold": 1}, id="H3"),
        pytest.param(
            [PLACE, ANN_LEE], {}, [ANN_LEE], {"second_label": 1}, id="H15-tie-by-order"
        ),
        pytest.param(
            [PLACE, ANN_LEE],
            {"multi_label": True},
            [ANN_LEE, PLACE],
            {},
            id="H15-multi",
        ),
        pytest.param([ANN_LEE, ANN], {}, [ANN], {"overlap": 1}, id="H16-flat"),
        pytest.param(
            [ANN_LEE, ANN], {"overlap": "nested"}, [ANN_LEE, ANN], {}, id="H16-nested"
        ),
        pytest.param(
            [ANN_LEE, LEE_MET],
            {"overlap": "nested"},
            [ANN_LEE],
            {"crossing": 1},
            id="H16-crossing",
        ),
        pytest.param(
            [ANN_LEE, LEE_MET],
            {"overlap": "free"},
            [ANN_LEE, LEE_MET],
            {},
            id="H16-free",
        ),
        pytest.param(
            [person(0, 7, 0.6), ANN_LEE],
            {"overlap": "free"},
            [ANN_LEE],
            {"repeated_span": 1},
            id="H17",
        ),
    ],
)
def test_choices(
    marked: list[Mention],
    choice: dict[str, Any],
    kept: list[Mention],
    dropped: dict[str, int],
) -> None:
    found = settled(Parsed(tuple(marked)), QUERY, Choice(**choice))
    assert list(found.mentions) == kept
    assert found.dropped == dropped


def test_windows_share_words_and_lose_none() -> None:
    words = [Span(2 * i, 2 * i + 1) for i in range(10)]
    found = windows(words, size=4, overlap=1)
    assert [(w.start, w.end) for w in found] == [(0, 7), (6, 13), (12, 19)]
    assert [(w.cut_left, w.cut_right) for w in found] == [
        (False, True),
        (True, True),
        (True, False),
    ]
    assert windows(words, size=10, overlap=3) == [Window(0, 19, False, False)]
    assert windows([], size=4, overlap=1) == []


def test_pieces_at_the_edge_of_a_window_give_way() -> None:
    left, right = Window(0, 7, False, True), Window(4, 14, True, False)
    piece, whole = person(4, 7, 0.9), person(4, 11, 0.5)
    other = Mention("location", "Lee", (Span(4, 7),), 0.4)
    mentions, left_out = joined([(left, [piece, other]), (right, [whole])])
    assert mentions == [other, whole]
    assert left_out == 1
