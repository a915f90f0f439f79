"""Spans, mentions and tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.schema.text import Mention, Passage, Span, mention_at, token_spans


@pytest.mark.parametrize(("start", "end"), [(0, 0), (3, 2), (-1, 2)])
def test_an_impossible_span_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="empty or negative"):
        Span(start, end)


def test_a_discontinuous_mention_joins_its_pieces() -> None:
    text = "left and right ventricles"
    mention = mention_at(text, "body part", Span(0, 4), Span(15, 25))
    assert mention == Mention(
        "body part", "left ventricles", (Span(0, 4), Span(15, 25))
    )


def test_a_span_past_the_text_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        mention_at("Riga", "city", Span(0, 5))


def test_tokens_are_the_datasets_own_where_given() -> None:
    spans = (Span(0, 8), Span(9, 13))
    assert token_spans(Passage("1", "New York rain", tokens=spans)) == spans


@given(st.text())
def test_tokens_are_what_stands_between_white_space(text: str) -> None:
    spans = token_spans(Passage("1", text))
    assert [text[s.start : s.end] for s in spans] == text.split()
