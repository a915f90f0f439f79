"""Read and score the answers of a run again, without the model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from unibench.adapters.base import ModelAdapter
from unibench.adapters.load import load_model
from unibench.backends.store import ResponseStore
from unibench.data.api import load_prepared
from unibench.errors import RunError
from unibench.runner.plan import Plan, plan_subset
from unibench.runner.score_run import PROFILES, cases_of, scores_of, tally_of
from unibench.runner.store import read_predictions, write_run
from unibench.schema.query import Prediction
from unibench.schema.record import RunRecord
from unibench.scoring.version import SCORING_VERSION


def rescore(record: RunRecord, profiles: Sequence[str] = ()) -> RunRecord:
    """Return the record scored by today's parsers and profiles; write it in place.

    Answers come from the response store where all of them are there and the model's
    card is known; else the predictions that lie beside the record are scored.

    Raises:
        RunError: the data on this machine are not those that were asked.
    """
    wanted = tuple(dict.fromkeys((*PROFILES, *record.scores, *profiles)))
    plan = _plan(record)
    predictions = read_predictions(record)
    texts: dict[str, str] = {}
    with ResponseStore() as store:
        responses = store.get([p.response_key for p in predictions if p.response_key])
    texts = {key: response.text for key, response in responses.items()}
    adapter = _adapter(record)
    complete = all(p.response_key in responses for p in predictions)
    if adapter is not None and complete:
        queries = {(q.passage.id, q.entity_types): q for q in plan.queries}
        read = (
            (p, adapter.read(responses[p.response_key], queries[p.id, p.entity_types]))
            for p in predictions
        )
        predictions = [
            msgspec.structs.replace(new, response_key=old.response_key)
            for old, new in read
        ]
    cases = cases_of(plan.prepared, plan.passages, predictions, texts)
    scores = scores_of(cases, wanted)
    rescored = msgspec.structs.replace(
        record,
        unibench_version=version("unibench"),
        scoring_version=SCORING_VERSION,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        scores=scores,
        tally=tally_of(cases, predictions, scores),
    )
    return write_run(Path(record.path).parent, rescored, predictions)


def _plan(record: RunRecord) -> Plan:
    prepared = load_prepared(
        record.subset, record.data.split, record.data.protocol, labels=record.labels
    )
    if prepared.identity.fingerprint != record.data.fingerprint:
        raise RunError(
            f"{record.path}: made on {record.subset} with fingerprint"
            f" {record.data.fingerprint[:12]}, but {prepared.identity.fingerprint[:12]}"
            " is prepared here; a card, label map or raw file has changed, so run"
            " 'unibench evaluate' again"
        )
    size = _types_per_query(record)
    return plan_subset(prepared, size, limit=record.limit, seed=record.seed)


def _types_per_query(record: RunRecord) -> int | None:
    first = next(iter(read_predictions(record)), None)
    return len(first.entity_types) if isinstance(first, Prediction) else None


def _adapter(record: RunRecord) -> ModelAdapter | None:
    """The adapter that made the run, None when its card has changed since."""
    from unibench.errors import UnibenchError
    from unibench.schema.query import content_hash

    try:
        _, adapter = load_model(record.model.name)
    except UnibenchError:
        return None  # a model of the user's own: its predictions are scored instead
    same = content_hash(adapter.card) == record.model.card_sha256
    return adapter if same else None
