"""Two wordings of types, label overlap, paraphrases."""

from __future__ import annotations

import pytest

from unibench.errors import ScoreError
from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage
from unibench.scoring.errors.wording import (
    label_overlap,
    overlap_split,
    paraphrase_spread,
    type_differences,
)
from unibench.scoring.profiles import find_profile
from unibench.scoring.table import Table, tabulate_cases


def table(name: str, right: int) -> Table:
    """40 passages with one place and one person; the first `right` places are found."""
    cases = []
    for number in range(40):
        gold = (Mention(name, "Perth"), Mention("person", "Ann"))
        predicted = gold if number < right else gold[1:]
        cases.append(Case(Passage(str(number), "", gold), (name, "person"), predicted))
    return tabulate_cases(cases, find_profile("uniner"))


def test_type_differences_name_the_type_that_a_wording_helps() -> None:
    first, second = table("FACILITY", 5), table("facility", 30)
    place, person = type_differences(first, second, names={"FACILITY": "facility"})
    assert place.entity_type == "FACILITY"
    assert place.difference == pytest.approx(2 * 30 / 70 - 2 * 5 / 45)
    assert place.interval.low > 0
    assert place.adjusted_p_value == pytest.approx(2 / 1001)
    assert (person.difference, person.p_value) == (0, 1)
    (only,) = type_differences(first, second)
    assert only.entity_type == "person"


def test_wordings_without_anything_in_common() -> None:
    other = tabulate_cases(
        [Case(Passage("x", ""), ("person",))], find_profile("uniner")
    )
    with pytest.raises(ScoreError, match="no passage in common"):
        type_differences(table("a", 1), other)


def test_overlap_split() -> None:
    overlap = {"x": label_overlap(["Person", "Place"], ["person", "place "]),
               "y": label_overlap(["gene"], ["person"]),
               "z": label_overlap(["gene", "person"], ["person"])}  # fmt: skip
    assert overlap == {"x": 1.0, "y": 0.0, "z": 0.5}
    split = overlap_split({"x": 0.8, "y": 0.2, "z": 0.4}, overlap)
    assert split.known == pytest.approx(0.6)
    assert split.unknown == 0.2
    assert split.known_subsets == ("x", "z")
    assert overlap_split({"x": 0.8}, overlap).unknown is None
    with pytest.raises(ScoreError, match="label overlap of 'q' is not given"):
        overlap_split({"q": 0.1}, overlap)


def test_paraphrase_spread() -> None:
    spread = paraphrase_spread({"person": 0.6, "human being": 0.3, "people": 0.45})
    assert (spread.best, spread.worst, spread.worst_wording) == (
        0.6,
        0.3,
        "human being",
    )
    assert spread.range == pytest.approx(0.3)
    assert spread.mean == pytest.approx(0.45)
    assert spread.standard_deviation == pytest.approx(0.1225, abs=1e-4)
    with pytest.raises(ScoreError, match="no wordings"):
        paraphrase_spread({})
