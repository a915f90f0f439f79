"""What a scoring profile is: eight choices, a reader of items, a rule of credit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from unibench.errors import ScoreError
from unibench.schema.score import Case
from unibench.scoring.answers import read_answers

Item = tuple[str, Hashable]
"""An entity type, and what is compared with the other side's."""


class Items(NamedTuple):
    """What one passage holds under a rule, gold and predicted."""

    gold: Sequence[Item]
    predicted: Sequence[Item]


class Cell:
    """Counts of one entity type in one passage, whole numbers only."""

    __slots__ = ("gold", "predicted", "twice_correct")

    def __init__(
        self, twice_correct: int = 0, predicted: int = 0, gold: int = 0
    ) -> None:
        self.twice_correct = twice_correct
        self.predicted = predicted
        self.gold = gold


Cells = dict[str, Cell]
Notes = Counter[str]
"""What a rule had to decide, counted by name."""

VARIANTS: Mapping[str, tuple[Any, ...]] = {
    "align": ("all", "first", "count"),
    "invented": ("count", "drop"),
    "misc": ("kept", "dropped"),
    "released_gold_parser": (False, True),
}
"""The choices that a user may change, and their values."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A named, versioned scoring rule.

    The eight choices in which published rules differ come first (`misc` belongs to
    `types`). `items` makes of a passage what is compared, `credit` counts what agrees.
    `align` says how strings become spans. `parser` reads raw answers where mentions are
    not given; `reads_answers` says that a raw answer of that form is preferred to
    mentions, since the published parser is then part of the rule.
    """

    unit: Literal[
        "query_string", "passage_string", "word_span", "character_span", "token"
    ]
    normalisation: Literal["none", "lower_strip", "uniner", "instructuie", "type_lower"]
    repeats: Literal["set", "multiset", "position"]
    unparsable: Literal["no_mentions", "an_entity", "aligned"] = "no_mentions"
    invented: Literal["count", "drop", "impossible"] = "count"
    empty: Literal["nothing", "gold_item"] = "nothing"
    types: Literal["asked", "asked_and_wrong"] = "asked"
    misc: Literal["kept", "dropped"] = "kept"
    average: Literal["micro"] = "micro"

    name: str
    version: int = 1
    summary: str
    align: Literal["all", "first", "count"] = "all"
    released_gold_parser: bool = False
    parser: str = "uniner"
    reads_answers: bool = False
    items: Callable[[Case, Profile, Notes], Items]
    credit: Callable[[Items, Cells, Notes], None]

    @property
    def aligns(self) -> bool:
        """Whether the rule compares places, so that strings must be aligned."""
        return self.unit in {"word_span", "character_span", "token"}

    def count(self, case: Case, notes: Notes) -> Cells:
        """Return the counts of one passage by entity type; add to `notes`."""
        cells: Cells = {}
        if self.reads_answers and case.answer_form == self.parser:
            case = read_answers(case, self.parser)
        if case.unparsed:
            notes["unparsed"] += len(case.unparsed)
        self.credit(self.items(case, self, notes), cells, notes)
        return cells

    def variant(self, **choices: Any) -> Profile:
        """Return this rule with other choices; its name tells them.

        Raises:
            ScoreError: there is no such choice, or it has no such value.
        """
        if not choices:
            return self
        for field, value in choices.items():
            if value not in VARIANTS.get(field, ()):
                raise ScoreError(
                    f"profile {self.name!r} has no variant {field}={value};"
                    f" there are: {_all_variants()}"
                )
        told = ",".join(f"{k}={_spell(v)}" for k, v in sorted(choices.items()))
        return msgspec.structs.replace(self, name=f"{self.name}:{told}", **choices)


def parse_choices(told: str) -> dict[str, Any]:
    """Read `invented=drop,align=first` as choices; spelling is checked later."""
    pairs = (piece.partition("=") for piece in told.split(",") if piece)
    words = {"true": True, "false": False, "": True}
    return {name: words.get(value, value) for name, _, value in pairs}


def _all_variants() -> str:
    return "; ".join(
        f"{name}={'|'.join(map(_spell, values))}" for name, values in VARIANTS.items()
    )


def _spell(value: Any) -> str:
    return str(value).lower()
