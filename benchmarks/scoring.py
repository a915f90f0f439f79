"""Scoring beside peers: the released rule run naively, seqeval and nervaluate.

All work on the same invented passages. Times are the least of rounds in turn, in one
process, after imports; memory is the peak of a process of its own.
"""

from __future__ import annotations

import json
import random
import re
import string
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from benchmarks.measure import peak_mib, write_result
from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage, Span
from unibench.scoring.api import score_table
from unibench.scoring.matching.normalise import cached_uniner
from unibench.scoring.profile import Profile
from unibench.scoring.profiles import find_profile
from unibench.scoring.stats.averages import mean_over_subsets
from unibench.scoring.stats.bootstrap import (
    distinct,
    generator,
    resampled,
    table_intervals,
    unit_rows,
)
from unibench.scoring.table import Table, tabulate_cases

QUERIES = 200_000
TYPES = tuple(f"kind {number}" for number in range(13))
TOKENS = 25
TAGGED = 5_000
SUBSETS = 49
ROUNDS = 3


def make_cases(passages: int, *, flat: bool, seed: int = 0) -> list[Case]:
    """Return passages of 25 words with 0 to 7 mentions, seven in ten found."""
    draw = random.Random(seed)  # noqa: S311
    letters = string.ascii_lowercase
    words = ["".join(draw.choices(letters, k=draw.randint(2, 9))) for _ in range(3000)]
    return [_make_case(draw, words, str(n), flat=flat) for n in range(passages)]


def _make_case(
    draw: random.Random, words: Sequence[str], name: str, *, flat: bool
) -> Case:
    tokens = draw.choices(words, k=TOKENS)
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token) + 1)
    text, taken = " ".join(tokens), set[int]()

    def mention(kind: str, first: int, last: int) -> Mention:
        span = Span(starts[first], starts[last + 1] - 1)
        return Mention(kind, text[span.start : span.end], (span,))

    gold, predicted = [], []
    for _ in range(draw.randint(0, 7)):
        kind, first = draw.choice(TYPES), draw.randrange(TOKENS)
        last = min(TOKENS - 1, first + draw.randint(0, 2))
        if flat and taken & set(range(first, last + 1)):
            continue
        taken.update(range(first, last + 1))
        gold.append(mention(kind, first, last))
        if draw.random() < 0.7:
            predicted.append(gold[-1])
        else:
            predicted.append(mention(draw.choice(TYPES), first, first))
    return Case(Passage(name, text, tuple(gold)), TYPES, tuple(predicted))


def score_cold(cases: Sequence[Case]) -> Table:
    """Count under `uniner` with no normalised text remembered from before."""
    cached_uniner.cache_clear()
    return tabulate_cases(cases, find_profile("uniner"))


def naive_rule(gold: Sequence[str], answers: Sequence[str]) -> tuple[int, int, int]:
    """Run the released rule on JSON lists as one would first write it down."""
    correct = predicted = wanted = 0
    for ours, theirs in zip(map(_read, gold), map(_read, answers), strict=True):
        correct += sum(item in ours for item in theirs)
        predicted, wanted = predicted + len(theirs), wanted + len(ours)
    return correct, predicted, wanted


def _read(answer: str) -> list[str]:
    found = re.match(r"\[(.*?)\]", answer)
    items: list[str] = []
    for item in json.loads(found.group() if found else "[]"):
        bare = "".join(c for c in item.lower() if c not in set(string.punctuation))
        normal = " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())
        if normal not in items:
            items.append(normal)
    return items


def as_answers(cases: Sequence[Case]) -> tuple[list[str], list[str]]:
    """Return gold and predictions as one JSON list for each passage and type."""
    return _lists([c.passage.mentions for c in cases]), _lists(
        [c.predicted for c in cases]
    )


def _lists(sides: Sequence[Sequence[Mention]]) -> list[str]:
    return [
        json.dumps([m.text for m in mentions if m.entity_type == kind])
        for mentions in sides
        for kind in TYPES
    ]


def in_turn(tasks: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the least seconds of each task, A B C A B C ..."""
    least = dict.fromkeys(tasks, float("inf"))
    for _ in range(rounds):
        for name, task in tasks.items():
            started = time.perf_counter()
            task()
            least[name] = min(least[name], time.perf_counter() - started)
    return least


def measure_uniner() -> dict[str, Any]:
    """200,000 queries under `uniner` against the rule run naively."""
    cases = make_cases(QUERIES // len(TYPES), flat=False)
    gold, answers = as_answers(cases)
    total = score_cold(cases).total()
    same = (total.correct, total.predicted, total.gold) == naive_rule(gold, answers)
    tasks: dict[str, Callable[[], Any]] = {
        "unibench": lambda: score_cold(cases),
        "released rule, naive": lambda: naive_rule(gold, answers),
    }
    seconds = in_turn(tasks, ROUNDS)
    return {
        "queries": len(gold),
        "counts_agree": same,
        "us_a_query": {n: round(s / len(gold) * 1e6, 2) for n, s in seconds.items()},
        "times_ours": _times_ours(seconds),
    }


def measure_spans() -> dict[str, Any]:
    """The same flat documents under our span rules, seqeval and nervaluate."""
    from nervaluate import Evaluator
    from seqeval.metrics import f1_score

    cases = make_cases(TAGGED, flat=True)
    gold, predicted = (_spans(cases, side) for side in ("gold", "predicted"))
    gold_tags, predicted_tags = _tags(gold), _tags(predicted)
    rules = {
        name: find_profile(name)
        for name in ("strict_span", "conlleval", "semeval_strict")
    }

    def nervaluate() -> float:
        evaluator = Evaluator(gold, predicted, tags=list(TYPES), loader="dict")
        return float(evaluator.evaluate()["overall"]["strict"].f1)

    tasks: dict[str, Callable[[], float]] = {
        **{name: partial(_f1, cases, rule) for name, rule in rules.items()},
        "seqeval": lambda: float(f1_score(gold_tags, predicted_tags)),
        "nervaluate": nervaluate,
    }
    seconds = in_turn(tasks, ROUNDS)
    return {
        "documents": TAGGED,
        "f1": {name: round(task(), 6) for name, task in tasks.items()},
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "strict_span_times_faster": {
            name: round(seconds[name] / seconds["strict_span"], 1)
            for name in ("seqeval", "nervaluate")
        },
    }


def _f1(cases: Sequence[Case], rule: Profile) -> float:
    return tabulate_cases(cases, rule).total().f1


def _spans(cases: Sequence[Case], side: str) -> list[list[dict[str, Any]]]:
    """Return mentions as nervaluate takes them: token numbers, both ends included."""
    documents = []
    for case in cases:
        mentions = case.passage.mentions if side == "gold" else case.predicted
        spans = [
            {
                "label": m.entity_type,
                "start": case.passage.text[: m.spans[0].start].count(" "),
                "end": case.passage.text[: m.spans[0].end].count(" "),
            }
            for m in mentions
        ]
        documents.append(spans)
    return documents


def _tags(documents: Sequence[Sequence[Mapping[str, Any]]]) -> list[list[str]]:
    tagged = []
    for spans in documents:
        tags = ["O"] * TOKENS
        for span in spans:
            first, last = span["start"], span["end"]
            tags[first : last + 1] = [f"I-{span['label']}"] * (last - first + 1)
            tags[first] = f"B-{span['label']}"
        tagged.append(tags)
    return tagged


def measure_bootstrap() -> dict[str, Any]:
    """1,000 resamples over 49 subsets: distinct rows against drawing every passage."""
    import numpy as np

    tables = [
        tabulate_cases(make_cases(2_000, flat=False, seed=n), find_profile("uniner"))
        for n in range(SUBSETS)
    ]

    def plain() -> None:
        for table in tables:
            rows, draw = unit_rows(table), np.random.default_rng(0)
            for _ in range(1000):
                rows[draw.integers(0, len(rows), len(rows))].sum(axis=0)

    tasks: dict[str, Callable[[], Any]] = {
        "unibench": lambda: [
            resampled(distinct(unit_rows(t)), 1000, generator(0)) for t in tables
        ],
        "plain numpy": plain,
    }
    seconds = in_turn(tasks, 1)
    started = time.perf_counter()
    for table in tables:
        table_intervals(table)
    return {
        "subsets": SUBSETS,
        "passages_each": 2_000,
        "resamples": 1000,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "seconds_with_intervals": round(time.perf_counter() - started, 2),
        "times_ours": _times_ours(seconds),
    }


def whole_paper() -> dict[str, Any]:
    """49 subsets of 200,000 queries: counts, every interval, the mean; one process."""
    cases = make_cases(QUERIES // len(TYPES), flat=False)
    before = peak_mib()
    started = time.perf_counter()
    tables: dict[str, Table] = {}
    for number in range(SUBSETS):
        tables[f"subset {number}"] = score_cold(cases)
    counted = time.perf_counter() - started
    for table in tables.values():
        score_table(table)
    mean_over_subsets(tables, list(tables))
    return {
        "queries": SUBSETS * QUERIES // len(TYPES) * len(TYPES),
        "seconds_counting": round(counted, 1),
        "seconds_with_all_intervals": round(time.perf_counter() - started, 1),
        "peak_mib": round(peak_mib()),
        "peak_mib_before": round(before),
    }


def _times_ours(seconds: Mapping[str, float]) -> dict[str, float]:
    return {
        name: round(value / seconds["unibench"], 2)
        for name, value in seconds.items()
        if name != "unibench"
    }


def main() -> None:
    """Measure and write the result."""
    code = "import json; from benchmarks.scoring import whole_paper as w; "
    alone = subprocess.run(
        [sys.executable, "-c", code + "print(json.dumps(w()))"],
        capture_output=True,
        check=True,
        text=True,
    )
    result = {
        "uniner": measure_uniner(),
        "spans": measure_spans(),
        "bootstrap": measure_bootstrap(),
        "whole_paper": json.loads(alone.stdout),
    }
    write_result("scoring", result)
