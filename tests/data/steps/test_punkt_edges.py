"""Sentences begin with a word, wherever the document begins."""

from __future__ import annotations

import pytest

from unibench.data.steps.splitters import make_splitter
from unibench.schema.text import Mention, Passage, Span


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("\n\nShe met him. He left.\n", ["She met him.", "He left."]),
        ("\n \n", []),
        ("", []),
    ],
    ids=["blank lines before", "blank lines alone", "nothing"],
)
def test_blank_lines_before_a_text_are_in_no_sentence(
    text: str, sentences: list[str]
) -> None:
    splitter = make_splitter({"name": "punkt_merge"}, "test")
    assert splitter is not None
    assert [p.text for p in splitter.split(Passage("d", text))] == sentences


def test_mentions_keep_their_place() -> None:
    splitter = make_splitter({"name": "punkt_merge"}, "test")
    assert splitter is not None
    document = Passage("d", "\nShe met him.", (Mention("PER", "She", (Span(1, 4),)),))
    (sentence,) = splitter.split(document)
    assert sentence.mentions == (Mention("PER", "She", (Span(0, 3),)),)
