"""Mutated answers: no parser crashes, hangs or invents a mention."""

from __future__ import annotations

import html
import os
import random
import re
import time
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibench.adapters.parsing.json_list import json_list
from unibench.adapters.parsing.json_object import json_object
from unibench.adapters.parsing.python_calls import python_calls
from unibench.adapters.parsing.reading import Answer
from unibench.adapters.parsing.type_bar import type_bar, type_bar_passage
from unibench.adapters.parsing.type_pairs import type_pairs, type_pairs_passage
from unibench.adapters.parsing.word_tags import word_tags
from unibench.adapters.parsing.xml_tags import xml_tags
from unibench.schema.query import Parsed
from unibench.schema.text import Passage, token_spans

PASSAGE = Passage("p", "Ann Lee met Bo in Rome .")
WORDS = token_spans(PASSAGE)
TYPES = ("person", "location")
SEEDS: dict[Callable[[Answer], Parsed], tuple[str, ...]] = {
    json_list: ('["Ann Lee", "Bo"]', '```json\n["Bo"]\n```', "['Ann Lee', \"Bo\"]"),
    json_object: (
        '{"person": ["Ann Lee", "Bo"], "location": ["Rome"]}',
        '[{"type": "person", "text": "Bo"}]',
    ),
    type_bar: ("person: Ann Lee, Bo | location: Rome", "person: None\nlocation: Rome"),
    type_bar_passage: ("person: Ann Lee, Bo | location: Rome",),
    type_pairs: (" person: Ann Lee; person: Bo; location: Rome", "None"),
    type_pairs_passage: (" person: Ann Lee; person: Bo; location: Rome",),
    word_tags: (
        "Ann(B-person) Lee(I-person) met(O) Bo(B-person) in(O) Rome(B-location) .(O)",
    ),
    python_calls: (
        'result = [Person(span="Ann Lee"), Location(span="Rome")]',
        'results = [\n\tPerson("Bo"),\n]',
    ),
    xml_tags: (
        "<response><person>Ann Lee</person> met <person>Bo</person> in"
        " <location>Rome</location> .</response>",
    ),
}
PIECES = (
    *'"\'[]{}()<>,:;|=\\/-_#*`\n\t 01Ao',
    "</s>", "USER:", "<think>", "</think>", "```", "None", "null", "\\u00e9", "\\ud83d",
    "\ufeff", "\u201c", "\u201d", "\uff1a", "é", "\U0001f600", "B-", "(O)", "person",
    "result = ", "&lt;", "Entity:", "N/A",
)  # fmt: skip


def mutated(text: str, rng: random.Random) -> str:
    """Change `text` in one to six places."""
    for _ in range(rng.randint(1, 6)):
        at, end = sorted(rng.randint(0, len(text)) for _ in range(2))
        end = min(end, at + 12)
        change = rng.randrange(5)
        if change == 0:
            text = text[:at] + text[end:]
        elif change == 1:
            text = text[:at] + rng.choice(PIECES) + text[at:]
        elif change == 2:
            text = text[:at] + rng.choice(PIECES) + text[end:]
        elif change == 3:
            text = text[:at] + text[at:end] * rng.randint(2, 4) + text[end:]
        else:
            text = text[:at]
    return text


def check(parse: Callable[[Answer], Parsed], text: str, finish_reason: str) -> None:
    types = ("Person", "Location") if parse is python_calls else TYPES
    answer = Answer(
        text,
        types,
        passage=PASSAGE.text,
        words=WORDS,
        finish_reason=finish_reason,
        stops=("</s>", "USER:"),
    )
    parsed = parse(answer)
    assert not (parsed.parse_error and parsed.mentions)
    msgspec.json.encode(parsed)  # what cannot be written is no result
    for mention in parsed.mentions:
        assert mention.entity_type in types
        assert holds(text, mention.text)


def letters(text: str) -> str:
    """The letters and digits of an answer, escapes read, case and blanks left out."""
    for pattern in (r"\\u([0-9a-fA-F]{4})", r"\\x([0-9a-fA-F]{2})"):
        text = re.sub(pattern, lambda match: chr(int(match[1], 16)), text)
    text = re.sub(r"\\[ntrbf]", " ", text)
    return "".join(c for c in html.unescape(text).casefold() if c.isalnum())


def holds(answer: str, mention: str) -> bool:
    """Whether all letters of a mention stand in the answer, in their order."""
    rest = iter(letters(answer))
    plain = all(letter in rest for letter in letters(mention))
    rest = iter("".join(c for c in answer.casefold() if c.isalnum()))
    return plain or all(letter in rest for letter in letters(mention))


@pytest.mark.parametrize("parse", SEEDS, ids=lambda parse: parse.__name__)
def test_mutated_answers(parse: Callable[[Answer], Parsed]) -> None:
    rounds = int(os.environ.get("UNIBENCH_FUZZ", "1200"))
    rng = random.Random(7)  # noqa: S311
    for number in range(rounds):
        text = mutated(rng.choice(SEEDS[parse]), rng)
        check(parse, text, "length" if number % 4 == 0 else "stop")


@pytest.mark.parametrize("parse", SEEDS, ids=lambda parse: parse.__name__)
@given(text=st.text(alphabet=st.sampled_from(sorted({c for p in PIECES for c in p}))))
def test_any_text_is_survived(parse: Callable[[Answer], Parsed], text: str) -> None:
    check(parse, text, "stop")


@pytest.mark.parametrize("parse", SEEDS, ids=lambda parse: parse.__name__)
@pytest.mark.parametrize(
    "piece",
    ["[", "{", "(", '"', "\\", "a:", "<a>", "</a>", "x(B-person) ", "|", ";", "```"],
)
def test_long_answers_take_linear_time(
    parse: Callable[[Answer], Parsed], piece: str
) -> None:
    started = time.monotonic()
    check(parse, piece * (60_000 // len(piece)), "stop")
    assert time.monotonic() - started < 5
