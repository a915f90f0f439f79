"""How much the way from strings to spans costs a model that answers perfectly."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from unibench.schema.score import Case
from unibench.schema.text import Mention
from unibench.scoring.profile import Profile
from unibench.scoring.table import Table, tabulate_cases


def alignment_table(cases: Iterable[Case], profile: Profile) -> Table:
    """Return the counts of an answer that holds the gold's own strings, each as often.

    Up to 2 points of F1 are lost by the alignment rule alone (scorers.md, section 8).
    Cases whose gold has no offsets say nothing about it and are left out.
    """
    perfect = (_perfect(case) for case in cases if _has_offsets(case))
    return tabulate_cases(perfect, profile)


def _has_offsets(case: Case) -> bool:
    return all(mention.spans for mention in case.passage.mentions)


def _perfect(case: Case) -> Case:
    strings = tuple(Mention(m.entity_type, m.text) for m in case.passage.mentions)
    return msgspec.structs.replace(
        case, predicted=strings, unparsed=(), responses={}, answer_form="", tags=None
    )


def answers_in_strings(cases: Iterable[Case]) -> bool:
    """Tell whether any predicted mention has no offsets and must be aligned."""
    return any(not m.spans for case in cases for m in case.predicted)
