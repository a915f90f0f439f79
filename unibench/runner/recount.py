"""Score predictions again, on the data of this machine, and write nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from unibench.data.api import load_prepared
from unibench.errors import RunError, ScoreError
from unibench.runner.plan import plan_subset
from unibench.runner.score_run import cases_of
from unibench.schema.query import Prediction, Query
from unibench.schema.record import RunRecord
from unibench.schema.score import Score
from unibench.scoring.api import score_cases
from unibench.scoring.version import SCORING_VERSION


def recount(record: RunRecord, predictions: Sequence[Prediction]) -> dict[str, Score]:
    """Return the scores of `predictions` under today's rules, without intervals.

    The profiles are those of the record. The predictions must answer every query that
    the record's settings ask, once.

    Raises:
        RunError: it cannot be told: other data are prepared here, or the record is of
            another scoring version.
        ScoreError: the predictions do not answer what was asked.
    """
    if record.scoring_version != SCORING_VERSION:
        raise RunError(
            f"the record is of scoring version {record.scoring_version}, this unibench"
            f" scores by version {SCORING_VERSION}"
        )
    data = record.data
    prepared = load_prepared(data.subset, data.split, data.protocol, record.labels)
    if prepared.identity.fingerprint != data.fingerprint:
        raise RunError(
            f"the record was made on {data.subset} with fingerprint"
            f" {data.fingerprint}, but {prepared.identity.fingerprint} is prepared here"
        )
    if not predictions:
        raise ScoreError(f"there are no predictions on {data.subset}")
    size = len(predictions[0].entity_types)
    plan = plan_subset(prepared, size, limit=record.limit, seed=record.seed)
    _require_answers(plan.queries, predictions)
    cases = cases_of(plan.prepared, plan.passages, predictions)
    return {name: score_cases(cases, name, resamples=0) for name in record.scores}


def _require_answers(
    queries: Sequence[Query], predictions: Sequence[Prediction]
) -> None:
    asked = Counter((query.passage.id, query.entity_types) for query in queries)
    answered = Counter((row.id, row.entity_types) for row in predictions)
    if asked != answered:
        missing, strange = (asked - answered).total(), (answered - asked).total()
        raise ScoreError(
            f"of {asked.total()} queries {missing} have no prediction, and {strange}"
            " predictions answer what was not asked"
        )
