"""A finished run brought back: its data, its predictions, its cases."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from unibench.backends.store import ResponseStore
from unibench.data.api import load_prepared
from unibench.errors import RunError
from unibench.runner.score_run import cases_of
from unibench.runner.store import PREDICTIONS, read_predictions
from unibench.schema.prepared import PreparedSet
from unibench.schema.query import Prediction, Response
from unibench.schema.record import RunRecord
from unibench.schema.score import Case
from unibench.schema.text import Passage


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A record with the passages it was made on and what was predicted for them."""

    record: RunRecord
    prepared: PreparedSet
    passages: tuple[Passage, ...]
    predictions: tuple[Prediction, ...]

    def responses(self) -> dict[str, Response]:
        """Return the stored answers that are still there, by their keys."""
        keys = [p.response_key for p in self.predictions if p.response_key]
        with ResponseStore() as store:
            return store.get(keys)

    def cases(
        self, responses: Mapping[str, str] | None = None, *, answer_form: str = ""
    ) -> list[Case]:
        """Return what a scorer is given; raw answers too where they are passed in."""
        return cases_of(
            self.prepared,
            self.passages,
            self.predictions,
            responses,
            answer_form=answer_form,
        )


def reload(record: RunRecord) -> Finished:
    """Return the run behind a record that was read from a file.

    Raises:
        RunError: the data here are not those that were asked, or the predictions
            have changed since the record was written.
        UnavailableError: the data are not on this machine.
    """
    file = Path(record.path).parent / PREDICTIONS
    if not file.is_file():
        raise RunError(f"{file} is missing; a record is of no use without it")
    if hashlib.sha256(file.read_bytes()).hexdigest() != record.predictions_sha256:
        raise RunError(
            f"{file} has changed since its record was written, or the record has;"
            " run 'unibench evaluate' again, which asks nothing twice"
        )
    data = record.data
    prepared = load_prepared(data.subset, data.split, data.protocol, record.labels)
    if prepared.identity.fingerprint != data.fingerprint:
        raise RunError(
            f"{record.path} was made on {data.subset} with fingerprint"
            f" {data.fingerprint[:12]}, but {prepared.identity.fingerprint[:12]} is"
            " prepared here: a card, a label map or a raw file has changed; run"
            " 'unibench evaluate' again"
        )
    predictions = tuple(read_predictions(record))
    asked = {prediction.id for prediction in predictions}
    passages = tuple(p for p in prepared.passages if p.id in asked)
    return Finished(
        record=record,
        prepared=prepared,
        passages=passages,
        predictions=predictions,
    )
