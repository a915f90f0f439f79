"""Sentences that end at tokens with a full stop."""

from __future__ import annotations

from typing import Any

import pytest

from unibench.data.steps.splitters import make_splitter
from unibench.schema.text import Mention, Passage, Span

TEXT = "We saw it. As Roe et al. 2012 did . Fine"
CITATION = Mention("Citation", "Roe et al. 2012", (Span(14, 29),))
DOCUMENT = Passage("d", TEXT, (CITATION,))


@pytest.mark.parametrize(
    ("options", "texts", "cited"),
    [
        pytest.param(
            {},
            ["We saw it. As Roe et al. 2012 did .", "Fine"],
            ["Roe et al. 2012"],
            id="a token that is a full stop",
        ),
        pytest.param(
            {"ending": True},
            ["We saw it.", "As Roe et al.", "2012 did .", "Fine"],
            ["Roe et al.", "2012"],
            id="a token that ends in one, mentions cut",
        ),
        pytest.param(
            {"ending": True, "crossing": "merge"},
            ["We saw it.", "As Roe et al. 2012 did .", "Fine"],
            ["Roe et al. 2012"],
            id="a token that ends in one, sentences merged",
        ),
    ],
)
def test_where_sentences_end(
    options: dict[str, Any], texts: list[str], cited: list[str]
) -> None:
    splitter = make_splitter({"name": "dot_token", **options}, "test")
    assert splitter is not None
    sentences = list(splitter.split(DOCUMENT))
    assert [sentence.text for sentence in sentences] == texts
    assert [m.text for sentence in sentences for m in sentence.mentions] == cited
