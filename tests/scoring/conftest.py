"""Passages of tokens divided by blanks, with mentions given as token numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage, Span, mention_at, token_spans

Marks = str
"""`person 0-1, location 5` or, for a mention that is only a string, `person "Cy"`."""

MakeCase = Callable[..., Case]


def _mentions(passage: Passage, marks: Marks) -> tuple[Mention, ...]:
    tokens = token_spans(passage)
    found = []
    for mark in filter(None, marks.split(", ")):
        name, _, place = mark.partition(" ")
        if place.startswith('"'):
            found.append(Mention(name, place.strip('"')))
            continue
        spans = []
        for piece in place.split("|"):
            first, _, last = piece.partition("-")
            end = tokens[int(last or first)].end
            spans.append(Span(tokens[int(first)].start, end))
        found.append(mention_at(passage.text, name, *spans))
    return tuple(found)


@pytest.fixture
def make_case() -> MakeCase:
    def make(
        text: str, gold: Marks = "", predicted: Marks = "", *,
        id: str = "p", types: tuple[str, ...] = (), **more: object,
    ) -> Case:  # fmt: skip
        bare = Passage(id, text)
        ours, theirs = _mentions(bare, gold), _mentions(bare, predicted)
        asked = types or tuple(dict.fromkeys(m.entity_type for m in ours + theirs))
        return Case(Passage(id, text, ours), asked, theirs, **more)  # type: ignore[arg-type]

    return make


SECTION_5 = [
    ("Ann Lee met Bo in Rome .", "person 0-1, person 3, location 5", None),
    ("It rained all day .", "", None),
    (
        "Bo left Oslo , then Bo came back to Oslo .",
        "person 0, person 5, location 2, location 9",
        "person 0, location 2, location 9",
    ),
    (
        "The Royal Bank of Perth opened in Perth .",
        "organization 1-4, location 4, location 7",
        "organization 0-4, location 7",
    ),
    ("No one was seen .", "", "person 1"),
    ("Cy waved .", "person 0", 'person "Cyrus"'),
    ("They crossed the old harbour of Bergen .", "location 6", "location 4-6"),
    (
        "Lima voted for Ada Lima .",
        "organization 0, person 3-4",
        "location 0, person 3-4",
    ),
]


@pytest.fixture
def section_5(make_case: MakeCase) -> list[Case]:
    """The eight passages of scorers.md, section 5."""
    types = ("person", "organization", "location")
    return [
        make_case(text, gold, gold if predicted is None else predicted,
                  id=str(number), types=types)
        for number, (text, gold, predicted) in enumerate(SECTION_5, start=1)
    ]  # fmt: skip
