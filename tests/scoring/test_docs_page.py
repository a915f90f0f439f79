"""What docs/scoring.md prints is what the commands say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from unibench.schema.score import Counts
from unibench.scoring.api import score
from unibench.scoring.file_scores import score_files

DOCS = Path(__file__).parents[2] / "docs"


def test_the_table_of_the_docs_page() -> None:
    if not DOCS.is_dir():
        pytest.skip("the docs are not beside the tests")
    page = (DOCS / "scoring.md").read_text("utf-8").partition("## A real model")[0]
    folder = DOCS / "examples"
    found = score_files(
        folder / "harbour_gold.jsonl", folder / "harbour_predictions.jsonl", ["all"]
    )
    for one in found.scores:
        counts, interval = one.score.counts, one.score.interval
        assert interval is not None
        line = (
            f"| `{one.score.profile}` | {counts.correct:g} / {counts.predicted} /"
            f" {counts.gold} | {100 * counts.precision:.1f} | {100 * counts.recall:.1f}"
            f" | {100 * counts.f1:.1f} [{100 * interval.low:.1f},"
            f" {100 * interval.high:.1f}] |"
        )
        assert line in page
    assert len(re.findall(r"^\| `\w+` \| [\d.]+ / ", page, re.MULTILINE)) == len(
        found.scores
    )


def test_the_python_of_the_docs_page() -> None:
    gold = [["Barack Obama", "The Beatles"], []]
    answers = ['["barack obama.", "Beatles"]', "[]"]
    assert score(gold, answers).counts == Counts(2, 2, 2)
