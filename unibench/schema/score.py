"""Counts and scores, and what a scorer is given."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from unibench.schema.text import Mention, Passage


class Counts(msgspec.Struct, frozen=True):
    """What a micro-averaged score is made of: add the counts, then read `f1`.

    `correct` is a whole number, or a multiple of one half under partial credit.
    """

    correct: float = 0.0
    predicted: int = 0
    gold: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Add two counts; scores over more data are sums, never means."""
        return Counts(
            self.correct + other.correct,
            self.predicted + other.predicted,
            self.gold + other.gold,
        )

    @property
    def precision(self) -> float:
        """The share of predicted mentions that are correct; 0 without any."""
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """The share of gold mentions that were found; 0 without any."""
        return self.correct / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 without any mention."""
        total = self.predicted + self.gold
        return 2 * self.correct / total if total else 0.0


class Case(msgspec.Struct, frozen=True):
    """One passage as a scorer sees it: its gold, what was asked, what was predicted.

    Gold mentions are `passage.mentions`; those whose type was not asked are left
    out. `unparsed` are asked types whose answer could not be read. `responses` maps
    an asked type (or, where one request asked all, the types joined by a line feed)
    to the raw answer, for rules that include a parser of their own; `answer_form`
    names the published format that these answers are in (`uniner`, `instructuie`,
    `gner`, `gollie`, `evalscope`), and only rules of that format read them. `tags` are
    the gold and the predicted tag column of a file that had them.
    """

    passage: Passage
    entity_types: tuple[str, ...]
    predicted: tuple[Mention, ...] = ()
    unparsed: tuple[str, ...] = ()
    responses: Mapping[str, str] = {}
    answer_form: str = ""
    tags: tuple[tuple[str, ...], tuple[str, ...]] | None = None


class Interval(msgspec.Struct, frozen=True):
    """A confidence interval: fractions, not percent."""

    low: float
    high: float
    level: float = 0.95


class Intervals(msgspec.Struct, frozen=True, kw_only=True):
    """The confidence intervals of one set of counts."""

    precision: Interval
    recall: Interval
    f1: Interval


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What one profile says of one set of cases.

    `notes` counts what the rule had to decide: `invented` mentions that do not
    occur in the passage, mentions dropped by flattening, and so on. `interval` is
    that of the F1; `intervals` and `type_intervals` are those of every number.
    """

    profile: str
    profile_version: int
    counts: Counts
    by_type: Mapping[str, Counts] = {}
    notes: Mapping[str, int] = {}
    interval: Interval | None = None
    intervals: Intervals | None = None
    type_intervals: Mapping[str, Intervals] = {}

    @property
    def precision(self) -> float:
        """The micro-averaged precision."""
        return self.counts.precision

    @property
    def recall(self) -> float:
        """The micro-averaged recall."""
        return self.counts.recall

    @property
    def f1(self) -> float:
        """The micro-averaged F1."""
        return self.counts.f1
