"""The rule of GLiNER's evaluator: word spans (scorers.md, section 4.6)."""

from __future__ import annotations

from collections.abc import Iterable

from unibench.errors import ScoreError
from unibench.schema.score import Case
from unibench.schema.text import Mention, Span, token_spans
from unibench.scoring.matching.credit import credit_set
from unibench.scoring.matching.mentions import Placed, look, place_all
from unibench.scoring.profile import Item, Items, Notes, Profile

MAX_WIDTH = 12
MAX_WORDS = 384
"""GLiNER predicts no span of more words, and none after so many (its defaults)."""


class _Grid:
    """Where words begin and end, and the spelling of types in lower case."""

    def __init__(self, words: Iterable[Span], entity_types: Iterable[str]) -> None:
        self.starts: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        for number, word in enumerate(words):
            self.starts[word.start] = self.ends[word.end] = number
        self.names: dict[str, str] = {}
        for name in entity_types:
            self.names.setdefault(name.lower(), name)

    def place(self, span: Span) -> tuple[int | None, int | None]:
        """Return first and last word; None where no word begins or ends."""
        return self.starts.get(span.start), self.ends.get(span.end)

    def name(self, mention: Mention) -> str:
        """Return the first asked type that differs in case only."""
        return self.names.get(mention.entity_type.lower(), mention.entity_type)


def gliner_items(case: Case, profile: Profile, notes: Notes) -> Items:
    """Return (type, first and last word) of gold and predictions.

    Types are compared in lower case. Gold offsets become words by walking the words
    with one blank between them; where no word begins or ends the place is None, and
    such gold can never be matched, but equal ones of a type are one. Predictions are
    words as they stand in the text.
    """
    looked = look(case, profile, notes)
    words = _words(case, profile)
    standing = _Grid(words, case.entity_types)
    walked = standing if case.passage.tokens else _walk(words, case.entity_types)
    return Items(
        [
            _gold_item(placed, walked, notes)
            for placed in place_all(looked.gold, case, profile, notes)
        ],
        [
            _predicted_item(placed, standing, notes)
            for placed in place_all(looked.predicted, case, profile, notes)
        ],
    )


def _words(case: Case, profile: Profile) -> tuple[Span, ...]:
    passage = case.passage
    words = token_spans(passage)
    if not words and (passage.mentions or case.predicted):
        raise ScoreError(
            f"profile {profile.name!r} compares words, but passage {passage.id!r} has"
            " no text; give the gold rows a 'text'"
        )
    return words


def _walk(words: Iterable[Span], entity_types: Iterable[str]) -> _Grid:
    """Return where the original believes the words to stand: one blank apart."""
    walked, start = [], 0
    for word in words:
        walked.append(Span(start, start + word.end - word.start))
        start = walked[-1].end + 1
    return _Grid(walked, entity_types)


def _gold_item(placed: Placed, grid: _Grid, notes: Notes) -> Item:
    mention, place = placed
    name = grid.name(mention)
    if len(place) != 1:
        notes["gold_not_one_span"] += 1
        return name, ("gold", mention.text, *place)
    first, last = grid.place(place[0])
    if first is None or last is None:
        notes["gold_not_on_words"] += 1
    elif last - first >= MAX_WIDTH or last >= MAX_WORDS:
        notes["gold_out_of_reach"] += 1
    return name, (first, last)


def _predicted_item(placed: Placed, grid: _Grid, notes: Notes) -> Item:
    """Return the words of a prediction; one that is not made of words is wrong."""
    mention, place = placed
    name = grid.name(mention)
    if len(place) == 1:
        first, last = grid.place(place[0])
        if first is not None and last is not None:
            return name, (first, last)
        notes["predicted_not_on_words"] += 1
    return name, ("predicted", mention.text, *place)


GLINER = Profile(
    name="gliner",
    summary="word spans and types in lower case, as GLiNER's evaluator",
    unit="word_span",
    normalisation="type_lower",
    repeats="position",
    items=gliner_items,
    credit=credit_set,
)
