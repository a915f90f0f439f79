"""Rows whose token is missing: an error, or left out and counted."""

from __future__ import annotations

import pytest

from unibench.data.formats.base import raw_file
from unibench.data.formats.registry import make_format
from unibench.errors import FormatError

ROWS = "Demo\tB-PER\n\tO\n \tO\nran\tO\n"


def test_rows_without_a_token_are_left_out_and_counted() -> None:
    made = make_format({"name": "columns", "blank_tokens": "drop"}, "test")
    (passage,) = made.read([raw_file("a.conll", ROWS)])
    assert passage.text == "Demo ran"
    assert dict(made.repairs) == {"rows without a token: left out": 2}


def test_a_sentence_of_such_rows_alone_is_an_empty_passage() -> None:
    made = make_format({"name": "columns", "blank_tokens": "drop"}, "test")
    passages = made.read([raw_file("a.conll", "Demo\tO\n\n\tO\n\nran\tO\n")])
    assert [passage.text for passage in passages] == ["Demo", "", "ran"]


def test_they_are_an_error_unless_the_card_allows_them() -> None:
    made = make_format("columns", "test")
    with pytest.raises(FormatError, match=r"a\.conll: line 2: the token is empty"):
        list(made.read([raw_file("a.conll", ROWS)]))


def test_a_mention_without_its_token_is_an_error_in_any_case() -> None:
    made = make_format({"name": "columns", "blank_tokens": "drop"}, "test")
    with pytest.raises(FormatError, match=r"line 2: the token is empty"):
        list(made.read([raw_file("a.conll", "Demo\tB-PER\n\tI-PER\n")]))
