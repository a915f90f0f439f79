"""Read and score the answers of a run again, without the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from unibench.adapters.base import ModelAdapter
from unibench.adapters.load import load_model
from unibench.errors import UnibenchError
from unibench.runner.reload import Finished, reload
from unibench.runner.score_run import PROFILES, answer_form_of, scores_of, tally_of
from unibench.runner.store import write_run
from unibench.schema.model_card import card_hash
from unibench.schema.query import Prediction, Query, Response
from unibench.schema.record import RunRecord
from unibench.scoring.version import SCORING_VERSION


class Rescored(msgspec.Struct, frozen=True, kw_only=True):
    """A record scored again; `source` says of what, and if not of answers, why."""

    record: RunRecord
    source: str


def rescore(record: RunRecord, profiles: Sequence[str] = ()) -> Rescored:
    """Score a run by today's parsers and profiles; write the record in place.

    Answers come from the response store where all of them are there and the model's
    card is unchanged; else the predictions that lie beside the record are scored, no
    raw answer is read, and `source` says so.

    Raises:
        RunError: the data or predictions are not those of the record.
    """
    wanted = tuple(dict.fromkeys((*PROFILES, *record.scores, *profiles)))
    run = reload(record)
    responses = run.responses()
    adapter = _adapter(record)
    missing = sum(p.response_key not in responses for p in run.predictions)
    texts: dict[str, str] = {}
    if missing:
        source = f"predictions ({missing} answers are not stored here)"
    elif adapter is None:
        source = "predictions (the model's card is gone or has changed)"
    else:
        source = "answers"
        predictions = tuple(_read_again(run, responses, adapter))
        run = msgspec.structs.replace(run, predictions=predictions)
        texts = {key: response.text for key, response in responses.items()}
    cases = run.cases(texts, answer_form=answer_form_of(record.model.adapter))
    scores = scores_of(cases, wanted)
    rescored = msgspec.structs.replace(
        record,
        unibench_version=version("unibench"),
        scoring_version=SCORING_VERSION,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        scores=scores,
        tally=tally_of(cases, run.predictions, scores),
    )
    written = write_run(Path(record.path).parent, rescored, run.predictions)
    return Rescored(record=written, source=source)


def _read_again(
    run: Finished, responses: Mapping[str, Response], adapter: ModelAdapter
) -> list[Prediction]:
    passages = {passage.id: passage for passage in run.passages}
    again = []
    for old in run.predictions:
        types = old.entity_types
        defined = run.prepared.definitions
        definitions = {t: defined[t] for t in types if t in defined}
        query = Query(passages[old.id], types, definitions, run.record.subset)
        new = adapter.read(responses[old.response_key], query)
        again.append(msgspec.structs.replace(new, response_key=old.response_key))
    return again


def _adapter(record: RunRecord) -> ModelAdapter | None:
    """The adapter that made the run, None when its card is gone or has changed."""
    try:
        _, adapter = load_model(record.model.name)
    except UnibenchError:
        return None  # a model of the user's own: its predictions are scored instead
    same = card_hash(adapter.card) == record.model.card_sha256
    return adapter if same else None
