"""Equal and nearly equal passages, and passages that share words with a test set."""

from __future__ import annotations

import random

import pytest

from unibench.distill.corpus.duplicates import (
    DuplicateFilter,
    band_rows,
    jaccard,
    shingles,
)
from unibench.distill.corpus.overlap import HeldOut, OverlapIndex
from unibench.schema.distillation import Duplicates, OverlapRecipe

WORDS = [f"word{n}" for n in range(400)]


def text(seed: int, length: int = 60) -> str:
    draw = random.Random(seed)  # noqa: S311
    return " ".join(draw.choices(WORDS, k=length))


def changed(original: str, *positions: int) -> str:
    words = original.split()
    for position in positions:
        words[position] = "CHANGED"
    return " ".join(words)


def verdicts(recipe: Duplicates, texts: list[str]) -> list[str]:
    seen = DuplicateFilter(recipe)
    return [seen.check(t) for t in texts]


def test_case_and_white_space_make_no_difference() -> None:
    texts = ["The Old Mill", "the  old\nmill", "the old mill."]
    assert verdicts(Duplicates(near=None), texts) == ["", "exact_duplicate", ""]


def test_one_word_in_sixty_is_a_near_duplicate() -> None:
    # 56 word 5-grams, 5 of them differ on each side: 51 / 61 = 0.84
    texts = [text(1), changed(text(1), 30), text(2)]
    assert verdicts(Duplicates(near=0.8), texts) == ["", "near_duplicate", ""]


def test_what_is_less_similar_than_the_threshold_stays() -> None:
    # two changes far apart: 46 / 66 = 0.70
    texts = [text(1), changed(text(1), 15, 45)]
    assert verdicts(Duplicates(near=0.8), texts) == ["", ""]
    assert verdicts(Duplicates(near=0.65), texts) == ["", "near_duplicate"]


def test_nothing_is_compared_when_nothing_is_asked() -> None:
    texts = [text(1)] * 3
    assert verdicts(Duplicates(exact=False, near=None), texts) == ["", "", ""]


def test_short_texts_are_whole_shingles() -> None:
    assert jaccard(shingles("old mill"), shingles("Old Mill!")) == 1.0
    assert jaccard(shingles("old mill"), shingles("old barn")) == 0.0
    assert jaccard(shingles(""), shingles("...")) == 1.0


def test_bands_find_nearly_all_pairs_at_the_threshold() -> None:
    """The rule's promise for 0.8, counted on 200 pairs of similarity 0.84."""
    found = sum(
        verdicts(Duplicates(near=0.8), [text(n), changed(text(n), 30)])[1] != ""
        for n in range(200)
    )
    assert found >= 198


@pytest.mark.parametrize(
    ("threshold", "rows"),
    [
        pytest.param(0.5, 3, id="42-bands"),  # 1-(1-0.5^3)^42 = 0.9963; 32 of 4: 0.873
        pytest.param(0.8, 6, id="21-bands"),  # 1-(1-0.8^6)^21 = 0.9983; 18 of 7: 0.986
        pytest.param(0.95, 14, id="9-bands"),  # 1-(1-0.95^14)^9 = 0.9976; 8: 0.9931
        pytest.param(1.0, 128, id="one-band"),
    ],
)
def test_band_rows(threshold: float, rows: int) -> None:
    assert band_rows(threshold) == rows


def index(words: int, **texts: list[str]) -> OverlapIndex:
    held_out = HeldOut(texts=dict(texts), missing=("elsewhere",))
    return OverlapIndex(OverlapRecipe(words=words), held_out)


def test_a_shared_run_of_words_is_found() -> None:
    tests = index(4, ships=["The keeper of the Skerry light, Odo Fenwick, was gone."])
    assert tests.overlaps("It said: the Keeper -- of the Skerry! Then nothing.")
    assert not tests.overlaps("The keeper of a Skerry light")
    assert not tests.overlaps("of the light")
    assert not tests.overlaps("")


def test_what_was_compared_is_reported() -> None:
    tests = index(3, a=["one two three four", "too short"], b=["one two three"])
    assert tests.report() == {
        "words": 3,
        "subsets": ["a", "b"],
        "not_prepared_here": ["elsewhere"],
        "test_passages": 3,
        "too_short_to_compare": 1,
        "runs": 2,
    }


def test_without_any_test_set_nothing_overlaps() -> None:
    assert not index(13).overlaps(text(1))
