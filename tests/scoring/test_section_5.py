"""One prediction file under every profile (scorers.md, section 5)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from unibench.errors import ScoreError, UnknownNameError
from unibench.schema.score import Case, Counts
from unibench.scoring.api import score_cases
from unibench.scoring.profiles import find_profile, profile_names
from unibench.scoring.rules.gner import read_answer

EXPECTED = {
    "uniner": (8, 12, 11),
    "partial": (8.5, 12, 11),
    "partial_span": (9, 13, 14),
    "strict_span": (8, 13, 14),
    "strict_span:invented=drop": (8, 12, 14),
    "instructuie_none_bug": (8, 13, 13),
    "instructuie": (7, 12, 11),
    "gliner": (8, 13, 14),
    "gliner:invented=drop": (8, 12, 14),
    "gner": (8, 12, 11),
    "gollie": (8, 12, 14),
    "token": (15, 21, 19),
    "token:invented=drop": (15, 20, 19),
    "conlleval": (8, 13, 13),
    "conlleval:invented=drop": (8, 12, 13),
    "seqeval_default:invented=drop": (8, 12, 13),
    "seqeval_strict:invented=drop": (8, 12, 13),
    "evalscope": (8, 12, 13),
    "semeval_strict": (8, 13, 14),
    "semeval_strict:invented=drop": (8, 12, 14),
    "semeval_exact:invented=drop": (9, 12, 14),
    "semeval_partial:invented=drop": (10, 12, 14),
    "semeval_type:invented=drop": (10, 12, 14),
}


@pytest.mark.parametrize("profile", EXPECTED)
def test_section_5(section_5: list[Case], profile: str) -> None:
    result = score_cases(section_5, profile)
    assert result.counts == Counts(*EXPECTED[profile])
    assert result.notes["invented"] == 1
    assert sum(result.by_type.values(), Counts()) == result.counts


def test_every_profile_stands_in_the_table() -> None:
    assert {name.partition(":")[0] for name in EXPECTED} == set(profile_names())


@pytest.mark.parametrize(
    ("schema", "outcomes"),
    [
        ("strict", {"COR": 8, "INC": 3, "MIS": 3, "SPU": 1}),
        ("exact", {"COR": 9, "INC": 2, "MIS": 3, "SPU": 1}),
        ("partial", {"COR": 9, "PAR": 2, "MIS": 3, "SPU": 1}),
        ("type", {"COR": 10, "INC": 1, "MIS": 3, "SPU": 1}),
    ],
)
def test_outcomes(section_5: list[Case], schema: str, outcomes: dict[str, int]) -> None:
    notes = score_cases(section_5, f"semeval_{schema}:invented=drop").notes
    assert {k: notes[k] for k in ("COR", "INC", "PAR", "MIS", "SPU") if k in notes} == (
        outcomes
    )


def test_gner_from_its_own_answers(
    section_5: list[Case], make_case: Callable[..., Case]
) -> None:
    """The same predictions as tagged words; alignment makes Cyrus vanish."""
    cases = []
    for case in section_5:
        words = case.passage.text.split()
        tags = ["O"] * len(words)
        for mention in case.predicted:
            if mention.spans:
                first = case.passage.text[: mention.spans[0].start].count(" ")
                size = len(mention.text.split())
                tags[first] = f"B-{mention.entity_type}"
                tags[first + 1 : first + size] = [f"I-{mention.entity_type}"] * (
                    size - 1
                )
        if case.passage.id == "6":
            words[0], tags[0] = "Cyrus", "B-person"
        answer = " ".join(f"{w}({t})" for w, t in zip(words, tags, strict=True))
        key = "\n".join(case.entity_types)
        cases.append(
            msgspec.structs.replace(case, responses={key: answer}, answer_form="gner")
        )
        assert read_answer(answer, case.passage, case.entity_types) is not None
    assert score_cases(cases, "gner").counts == Counts(8, 11, 11)


def test_unknown_profiles_and_variants_are_named() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'uniner'"):
        find_profile("uninner")
    with pytest.raises(ScoreError, match="no variant invented=maybe; there are: align"):
        find_profile("strict_span:invented=maybe")
    with pytest.raises(ScoreError, match="no variant colour=True"):
        find_profile("strict_span:colour")
