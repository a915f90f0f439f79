"""Passages of at most so many tokens, cut at sentence borders, nothing lost."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unibench.distill.corpus.chunks import (
    Counter,
    cut_all,
    fitted,
    most_chunks,
    sentence_ends,
)
from unibench.distill.corpus.tokens import TokenizerFile, Words


def sentences(text: str) -> list[str]:
    starts = [0, *sentence_ends(text)]
    return [text[a:b].strip() for a, b in pairwise(starts)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Ann ran. Bo sat.", ["Ann ran.", "Bo sat."], id="plain"),
        pytest.param(
            "Dr. Lee met J. Oak. He left.",
            ["Dr. Lee met J. Oak.", "He left."],
            id="names",
        ),
        pytest.param(
            "It grew, e.g. here. Yes!", ["It grew, e.g. here.", "Yes!"], id="eg"
        ),
        pytest.param(
            '"Go!" he said. "No."', ['"Go!"', "he said.", '"No."'], id="quoted"
        ),
        pytest.param("A title\n\nThe text", ["A title", "The text"], id="blank-line"),
        pytest.param(
            "It rose 3.5 points. Then 4.",
            ["It rose 3.5 points.", "Then 4."],
            id="number",
        ),
        pytest.param(
            "\u6d77\u3002\u5c71\u3002",
            ["\u6d77\u3002", "\u5c71\u3002"],
            id="full-width",
        ),
        pytest.param("no stop at all", ["no stop at all"], id="none"),
    ],
)
def test_sentence_borders(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def cut(text: str, max_tokens: int, counter: Counter | None = None) -> list[str]:
    (chunks,) = cut_all([text], max_tokens, counter or Words())
    return [text[c.start : c.end] for c in chunks]


def test_neighbouring_sentences_share_a_passage_while_they_fit() -> None:
    # 3 + 3 tokens fit into 6, the third sentence has 4
    assert cut("Ann ran. Bo sat. Cy fell down.", 6) == [
        "Ann ran. Bo sat.", "Cy fell down.",
    ]  # fmt: skip


def test_a_sentence_that_is_too_long_is_cut_at_blanks() -> None:
    text = "one two three four five six seven"
    assert cut(text, 3) == ["one two three", "four five six", "seven"]


def test_words_without_blanks_are_cut_at_tokens() -> None:
    assert cut("a-b-c-d", 3) == ["a-b", "-c-", "d"]


def test_token_numbers_are_those_of_the_passages() -> None:
    text = "Ann ran. Bo sat. " + "word " * 20
    (chunks,) = cut_all([text], 8, Words())
    counts = Words().counts([text[c.start : c.end] for c in chunks])
    assert counts == [c.tokens for c in chunks]
    assert max(counts) == 8


@given(
    st.text(alphabet="ab .!?\n\u00e9\u6d77\u3002'-A", max_size=400),
    st.integers(min_value=1, max_value=20),
)
@settings(max_examples=200, deadline=None)
def test_nothing_is_lost_and_nothing_is_too_long(text: str, max_tokens: int) -> None:
    (chunks,) = cut_all([text], max_tokens, Words())
    pieces = [text[c.start : c.end] for c in chunks]
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(c.tokens <= max_tokens for c in chunks)
    assert len(chunks) <= most_chunks(text, max_tokens)
    assert all(a.end <= b.start for a, b in pairwise(chunks))


def test_fitted_cuts_what_grew_when_joined() -> None:
    assert fitted("one two three four", 2, Words()) == ("one two", 2)
    assert fitted("one two", 2, Words()) == ("one two", 2)


@pytest.fixture(scope="module")
def byte_level(tmp_path_factory: pytest.TempPathFactory) -> TokenizerFile:
    """A byte-level BPE tokenizer trained here on a few invented words."""
    from tokenizers import ByteLevelBPETokenizer

    draw = random.Random(3)  # noqa: S311
    words = ["harbour", "keeper", "lantern", "storm", "Tern", "Skerry", "rope"]
    tokenizer = ByteLevelBPETokenizer()
    lines = [" ".join(draw.choices(words, k=12)) + "." for _ in range(200)]
    tokenizer.train_from_iterator(lines, vocab_size=320, show_progress=False)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return TokenizerFile(path)


@given(st.text(alphabet="harb ourTstm.\n\u00e9\U0001f6a2", max_size=200))
@settings(max_examples=80, deadline=None)
def test_a_real_tokenizer_keeps_to_the_limit(
    byte_level: TokenizerFile, text: str
) -> None:
    (chunks,) = cut_all([text], 16, byte_level)
    for chunk in chunks:
        piece, tokens = fitted(text[chunk.start : chunk.end], 16, byte_level)
        assert tokens <= 16
        assert piece in text
    assert len(chunks) <= most_chunks(text, 16)


def test_prefix_never_cuts_inside_a_character(byte_level: TokenizerFile) -> None:
    text = "\U0001f6a2\U0001f6a2\U0001f6a2"  # four bytes, several tokens each
    for tokens in range(1, 12):
        assert 0 <= byte_level.prefix(text, tokens) <= 3
