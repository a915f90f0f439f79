"""Runs of this machine as files of a results repository, with their predictions."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from unibench.data.api import load_prepared
from unibench.errors import PublishError, UnibenchError
from unibench.publish.files import PlannedFile, Publication, Repo
from unibench.publish.hub.client import Hub, Snapshot
from unibench.publish.policy import places_allowed, text_allowed
from unibench.publish.results.card import CARD, MARK, front_matter, is_ours
from unibench.publish.results.plan import RunFiles, run_files
from unibench.publish.results.predictions import Texts, predictions_file
from unibench.runner.store import read_predictions
from unibench.schema.record import RunRecord


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """The files of runs; `notes` say which predictions were left out, and why.

    `gated` are predictions for a gated repository, with text where that is allowed.
    """

    runs: tuple[RunFiles, ...]
    gated: tuple[PlannedFile, ...] = ()
    notes: tuple[str, ...] = ()


def gather(
    records: Iterable[RunRecord], *, predictions: bool = False, gated: bool = False
) -> Gathered:
    """Return the files of runs, and the predictions that may be published.

    Predictions on a dataset under an agreement are left out, and so are those on data
    that are not prepared here, which cannot be turned into places.

    Raises:
        PublishError: a run may not be published, or its predictions are not its own.
    """
    runs, closed, notes = [], [], []
    for record in records:
        open_file = None
        plain = run_files(record)
        if predictions or gated:
            try:
                texts = _texts(record)
            except UnibenchError as error:
                notes.append(f"no predictions on {record.subset}: {error}")
            else:
                rows = read_predictions(record)
                if predictions:
                    open_file = predictions_file(record, rows, texts)
                if gated:
                    allowed = text_allowed(record)
                    closed.append(
                        predictions_file(record, rows, texts, with_text=allowed)
                    )
        runs.append(msgspec.structs.replace(plain, predictions=open_file))
    return Gathered(runs=tuple(runs), gated=tuple(closed), notes=tuple(notes))


def plan_gated(snapshot: Snapshot, gathered: Gathered) -> Publication:
    """Return the predictions of runs for a gated repository."""
    files = [file for file in gathered.gated if file.path not in snapshot.files]
    card = snapshot.read_if_there(CARD)
    if card is None or is_ours(card):
        files.append(_gated_card(snapshot))
    return Publication(
        title=f"Add the predictions of {len(gathered.gated)} runs", files=tuple(files)
    )


def _gated_card(snapshot: Snapshot) -> PlannedFile:
    name = snapshot.repo.id
    metadata = {
        "pretty_name": name.partition("/")[2],
        "license": "other",
        "license_name": "mixed",
        "language": ["en"],
        "tags": ["named-entity-recognition", "predictions", "unibench"],
        "extra_gated_prompt": (
            "The predictions quote the benchmark's test passages. By asking for access"
            " you agree not to train models on them and not to publish them elsewhere."
        ),
    }
    body = (
        f"{MARK}\n\n# {name}\n\nPredictions of models on the benchmark of unibench, one"
        " file a run (`predictions/MODEL/REVISION/SUBSET-SPLIT-ID.jsonl.gz`; the id is"
        " that of the run). They quote passages only where the licence of the dataset"
        " allows it; elsewhere mentions are places. Do not train on them.\n"
    )
    return PlannedFile(CARD, f"{front_matter(metadata)}{body}".encode())


def _texts(record: RunRecord) -> Texts:
    """Return the passages of a record's data, which must be prepared here."""
    if not places_allowed(record):
        raise PublishError(
            f"its access is {record.data.access!r}, or its card is not on this machine"
        )
    data = record.data
    prepared = load_prepared(data.subset, data.split, data.protocol, record.labels)
    if prepared.identity.fingerprint != data.fingerprint:
        raise PublishError(
            f"it was made on data with fingerprint {data.fingerprint}, here"
            f" {prepared.identity.fingerprint} is prepared"
        )
    return {passage.id: passage.text for passage in prepared.passages}


def require_gate(hub: Hub, repo: Repo, *, create: bool, gate: bool) -> None:
    """Refuse a repository for predictions that anyone may read; or gate it.

    Raises:
        PublishError: it is open, and `gate` is not set.
    """
    if create:
        hub.create(repo)
    if hub.is_gated(repo):
        return
    if not gate:
        raise PublishError(
            f"{repo} is not gated, so predictions with text are not put there; add"
            " --gate, or switch 'Access requests' on in its settings"
        )
    hub.gate(repo)
    if not hub.is_gated(repo):
        raise PublishError(
            f"{repo} could not be gated; switch 'Access requests' on in its settings"
        )
