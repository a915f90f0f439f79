"""From predictions to the scores and tallies of a record."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from unibench.schema.prepared import PreparedSet
from unibench.schema.query import Prediction
from unibench.schema.record import Tally
from unibench.schema.score import Case, Score
from unibench.schema.text import Passage
from unibench.scoring.api import score_cases

PROFILES = ("uniner", "partial", "strict_span")
"""What every run is scored under; others by 'unibench rescore --profile'."""


_ANSWER_FORMS = {
    "gner": "gner",
    "gollie": "gollie",
    "instructuie": "instructuie",
    "b2ner": "instructuie",
}
"""Adapters whose family's published rule reads raw answers with a parser of its own.

UniNER is not among them: our reading of its answers is the headline's, so that what the
released parser cannot read is mended by name where that is possible, and counted.
"""


def answer_form_of(adapter: str) -> str:
    """Return the name of the published answer form that an adapter's answers have."""
    return _ANSWER_FORMS.get(adapter, "")


def cases_of(
    prepared: PreparedSet,
    passages: Sequence[Passage],
    predictions: Sequence[Prediction],
    responses: Mapping[str, str] | None = None,
    *,
    answer_form: str = "",
) -> list[Case]:
    """Join the predictions of each passage with its gold.

    `responses` maps response keys to raw answers, and `answer_form` names their form,
    for profiles that read them with a parser of their own.
    """
    by_passage: dict[str, list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        by_passage[prediction.id].append(prediction)
    texts = responses or {}
    return [
        Case(
            passage=passage,
            entity_types=prepared.entity_types,
            predicted=tuple(m for p in by_passage[passage.id] for m in p.mentions),
            unparsed=tuple(
                t
                for p in by_passage[passage.id]
                if p.parse_error
                for t in p.entity_types
            ),
            responses={
                "\n".join(p.entity_types): texts[p.response_key]
                for p in by_passage[passage.id]
                if p.response_key in texts
            },
            answer_form=answer_form,
        )
        for passage in passages
    ]


def scores_of(
    cases: Sequence[Case], profiles: Sequence[str] = PROFILES
) -> dict[str, Score]:
    """Score the cases under each profile."""
    return {profile: score_cases(cases, profile) for profile in profiles}


def tally_of(
    cases: Sequence[Case],
    predictions: Sequence[Prediction],
    scores: Mapping[str, Score],
) -> Tally:
    """Count what went wrong or was left out, in (passage, type) pairs and pieces."""
    totals = {name: Counter[str]() for name in ("error", "repair", "drop", "flag")}
    for prediction in predictions:
        if prediction.parse_error:
            totals["error"][prediction.parse_error] += len(prediction.entity_types)
        totals["repair"].update(prediction.repairs)
        totals["drop"].update(dict(prediction.dropped))
        totals["flag"].update(prediction.flags)
    return Tally(
        passages=len(cases),
        queries=sum(len(p.entity_types) for p in predictions),
        unparsed=sum(len(case.unparsed) for case in cases),
        unknown_type=sum(len(p.unknown_types) for p in predictions),
        invented=scores["strict_span"].notes.get("invented", 0),
        truncated=sum(p.finish_reason == "length" for p in predictions),
        parse_errors=_sorted(totals["error"]),
        repairs=_sorted(totals["repair"]),
        dropped=_sorted(totals["drop"]),
        flags=_sorted(totals["flag"]),
    )


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
