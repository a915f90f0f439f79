"""Score files under several profiles: one row for each dataset and profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from unibench.errors import ScoreError
from unibench.schema.score import Interval, Intervals, Score
from unibench.scoring.answers import PARSERS
from unibench.scoring.api import score_table
from unibench.scoring.files.pairing import Paired, Policy
from unibench.scoring.files.read import PairedFiles, read_files
from unibench.scoring.profile import Profile
from unibench.scoring.profiles import find_profile, profile_names
from unibench.scoring.stats.averages import Average, mean_over_subsets, type_averages
from unibench.scoring.stats.bootstrap import RESAMPLES
from unibench.scoring.stats.ceiling import alignment_table, answers_in_strings
from unibench.scoring.table import Table, tabulate_cases

ALL = "all"


class FileScore(msgspec.Struct, frozen=True, kw_only=True):
    """The score of one dataset of a file under one profile.

    `parser` read the raw answers, where there were any. `ceiling` is what perfect
    strings would score, where the model's strings had to be aligned.
    """

    dataset: str
    parser: str
    score: Score
    macro: Average
    weighted: Average
    ceiling: Score | None = None


class FileScores(msgspec.Struct, frozen=True, kw_only=True):
    """All scores of a pair of files.

    `means` hold the mean over datasets of each profile, where a file has several.
    `skipped` says of profiles that `all` asked for why they cannot score these files.
    """

    form: str
    scores: tuple[FileScore, ...]
    means: Mapping[str, Average] = {}
    skipped: Mapping[str, str] = {}


def score_files(
    gold: Path,
    predictions: Path | None = None,
    profiles: Sequence[str] = ("uniner",),
    *,
    parser: str = "",
    policy: Policy | None = None,
    resamples: int = RESAMPLES,
) -> FileScores:
    """Score a file of predictions under each of `profiles`, or under `all`.

    Raw answers are read by `parser`, else by each profile's own published one.

    Raises:
        FormatError: a file breaks its form; the message names the line.
        ScoreError: the files do not fit together, or a named profile needs what they
            do not hold.
        UnknownNameError: no profile or parser has that name.
    """
    names = _expand(profiles)
    rules = [find_profile(name) for name in names]
    if parser:
        PARSERS.load(parser)
    files = read_files(gold, predictions, policy=policy)
    scorer = _FileScorer(files, parser, resamples)
    scores: list[FileScore] = []
    means: dict[str, Average] = {}
    skipped: dict[str, str] = {}
    for rule in rules:
        try:
            found = scorer.score(rule)
        except ScoreError as error:
            if ALL not in profiles:
                raise
            skipped[rule.name] = str(error)
            continue
        scores += found.values()
        if len(found) > 1:
            means[rule.name] = scorer.mean()
    if not scores:
        raise ScoreError(next(iter(skipped.values())))
    return FileScores(
        form=files.form, scores=tuple(scores), means=means, skipped=skipped
    )


def _expand(profiles: Sequence[str]) -> list[str]:
    """Put every profile in the place of `all`; each is scored once."""
    found = (n for p in profiles for n in (profile_names() if p == ALL else (p,)))
    return list(dict.fromkeys(found))


class _FileScorer:
    """The cases of two files, paired once for each parser."""

    def __init__(self, files: PairedFiles, parser: str, resamples: int) -> None:
        self.files, self.parser, self.resamples = files, parser, resamples
        self.paired: dict[str, dict[str, Paired]] = {}
        self.tables: dict[str, Table] = {}

    def score(self, rule: Profile) -> dict[str, FileScore]:
        """Return the scores of every dataset under one profile."""
        parser = self.parser or self.files.parser or rule.parser
        if parser not in self.paired:
            self.paired[parser] = {
                name: pair(parser) for name, pair in self.files.datasets.items()
            }
            self._check_parser(self.paired[parser].values())
        self.tables = {}
        return {
            name: self._one(name, paired, rule, parser)
            for name, paired in self.paired[parser].items()
        }

    def _check_parser(self, datasets: Iterable[Paired]) -> None:
        """Refuse a parser that would have nothing to read."""
        raw = (case.responses for paired in datasets for case in paired.cases)
        if self.parser and not any(raw):
            raise ScoreError(
                f"the parser {self.parser!r} has nothing to read: the predictions hold"
                " mentions, not raw answers"
            )

    def _one(self, name: str, paired: Paired, rule: Profile, parser: str) -> FileScore:
        table = tabulate_cases(paired.cases, rule)
        table.notes.update(paired.notes)
        self.tables[name] = table
        macro, weighted = type_averages(table, resamples=self.resamples)
        raw = any(case.responses for case in paired.cases)
        return FileScore(
            dataset=name,
            parser=parser if raw else "",
            score=score_table(table, resamples=self.resamples),
            macro=macro,
            weighted=weighted,
            ceiling=self._ceiling(paired, rule),
        )

    def _ceiling(self, paired: Paired, rule: Profile) -> Score | None:
        if not rule.aligns or not answers_in_strings(paired.cases):
            return None
        table = alignment_table(paired.cases, rule)
        found = score_table(table, resamples=self.resamples)
        return found if found.counts.gold else None

    def mean(self) -> Average:
        """Return the mean over the datasets that were scored last."""
        found = mean_over_subsets(
            self.tables, list(self.tables), resamples=self.resamples
        )
        name = f"mean over {len(self.tables)} datasets"
        return msgspec.structs.replace(found, name=name)


def as_rows(scores: FileScores) -> Iterator[dict[str, Any]]:
    """Yield one plain object for each score: fractions, counts, intervals, notes."""
    for one in scores.scores:
        score = one.score
        counts = score.counts
        yield {
            "dataset": one.dataset,
            "profile": score.profile,
            "profile_version": score.profile_version,
            "parser": one.parser,
            "precision": score.precision,
            "recall": score.recall,
            "f1": score.f1,
            "correct": counts.correct,
            "predicted": counts.predicted,
            "gold": counts.gold,
            "counts": counts,
            "intervals": _plain(score.intervals),
            "macro_f1": one.macro.value,
            "macro_f1_interval": one.macro.interval,
            "weighted_f1": one.weighted.value,
            "weighted_f1_interval": one.weighted.interval,
            "ceiling": one.ceiling.f1 if one.ceiling else None,
            "ceiling_interval": one.ceiling.interval if one.ceiling else None,
            "by_type": _by_type(score),
            "notes": dict(score.notes),
        }


def _by_type(score: Score) -> dict[str, Any]:
    return {
        name: {
            "precision": counts.precision,
            "recall": counts.recall,
            "f1": counts.f1,
            "counts": counts,
            "intervals": _plain(score.type_intervals.get(name)),
        }
        for name, counts in score.by_type.items()
    }


def _plain(intervals: Intervals | None) -> dict[str, Interval] | None:
    if intervals is None:
        return None
    return {
        "precision": intervals.precision,
        "recall": intervals.recall,
        "f1": intervals.f1,
    }
