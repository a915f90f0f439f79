"""Check runs before they are published, and proposals before they are merged.

What can be known without the dataset: schema, path, hashes, that a run may be published
at all, that the aggregates follow from the runs. With the dataset prepared here: that
the predictions are those that the record names, and give its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from unibench.data.api import load_prepared
from unibench.errors import PublishError, ScoreError, UnibenchError
from unibench.publish.hub.client import Snapshot
from unibench.publish.policy import problems_of
from unibench.publish.results.index import (
    INDEX,
    TABLE,
    index_bytes,
    index_row,
    ordered,
    read_table,
    table_rows,
)
from unibench.publish.results.predictions import (
    FOLDER,
    digest,
    predictions_path,
    read_predictions_file,
)
from unibench.publish.results.runs import RUNS, is_run, read_run, run_path
from unibench.runner.store import read_predictions
from unibench.schema.query import Prediction
from unibench.schema.record import RunRecord
from unibench.schema.score import Score

Verdict = Literal["ok", "unverified", "wrong"]
Recount = Callable[[RunRecord, Sequence[Prediction]], Mapping[str, Score]]
"""Scores predictions again, on the data that are prepared here."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What came of checking one file; `unverified` is neither right nor wrong."""

    path: str
    verdict: Verdict
    what: str


def check_local(record: RunRecord, recount: Recount | None) -> list[Finding]:
    """Check a run of this machine before it is proposed."""
    path = record.path or run_path(record)
    wrong = [_wrong(path, problem) for problem in problems_of(record)]
    if wrong or recount is None:
        return wrong or [_ok(path, "it may be published")]
    try:
        predictions: Sequence[Prediction] = read_predictions(record)
    except UnibenchError as error:
        return [_wrong(path, str(error))]
    return [_recounted(path, record, predictions, recount)]


def check_proposal(
    before: Snapshot, after: Snapshot, recount: Recount | None
) -> list[Finding]:
    """Check what a proposal adds to a results repository.

    A proposal may add runs and their predictions and nothing else: it changes no run
    that is there, no aggregate, no card.
    """
    changed = [
        path
        for path in sorted({*before.files, *after.files})
        if before.files.get(path) != after.files.get(path)
    ]
    added = [path for path in changed if path not in before.files]
    findings = [
        _wrong(path, "a proposal adds runs; it may not change or delete what is there")
        for path in changed
        if path in before.files
    ]
    runs = [path for path in added if path.startswith(RUNS)]
    expected = {predictions_path(path) for path in runs}
    expected |= {predictions_path(p) for p in before.below(RUNS)}
    findings += [
        _wrong(path, "it is neither a run nor the predictions of one")
        for path in added
        if path not in runs and path not in expected
    ]
    if not runs and not findings:
        findings.append(_wrong(RUNS, "the proposal adds no run"))
    return findings + check_runs(after, runs, recount)


def check_repository(snapshot: Snapshot, recount: Recount | None) -> list[Finding]:
    """Check every run of a results repository, and that the aggregates follow."""
    runs = [path for path in snapshot.below(RUNS) if path.endswith(".json")]
    findings = check_runs(snapshot, runs, recount)
    orphans = set(snapshot.below(FOLDER)) - set(map(predictions_path, runs))
    findings += [_wrong(path, "there is no run of this name") for path in orphans]
    wrong = {finding.path for finding in findings if finding.verdict == "wrong"}
    good = [path for path in runs if path not in wrong]
    return findings + list(_aggregates(snapshot, good))


def check_runs(
    snapshot: Snapshot, paths: Iterable[str], recount: Recount | None
) -> list[Finding]:
    """Check runs of a repository: schema, path, rules, predictions, numbers."""
    return [_run(snapshot, path, recount) for path in paths]


def _run(snapshot: Snapshot, path: str, recount: Recount | None) -> Finding:
    try:
        if not is_run(path):
            raise PublishError("it is no path of a run")
        record = read_run(path, snapshot.read(path))
    except PublishError as error:
        return _wrong(path, str(error))
    if problems := list(problems_of(record)):
        return _wrong(path, "; ".join(problems))
    packed = predictions_path(path)
    if packed not in snapshot.files:
        return _unverified(path, "schema and hashes hold; it came without predictions")
    if recount is None:
        return _unverified(path, "schema and hashes hold; it was not scored again")
    return _packed(snapshot, path, packed, record, recount)


def _packed(
    snapshot: Snapshot, path: str, packed: str, record: RunRecord, recount: Recount
) -> Finding:
    data = record.data
    try:
        here = load_prepared(data.subset, data.split, data.protocol, record.labels)
    except UnibenchError as error:
        return _unverified(path, f"the dataset is not here: {error}")
    if here.identity.fingerprint != data.fingerprint:
        return _unverified(
            path,
            f"it was made on data with fingerprint {data.fingerprint}, here"
            f" {here.identity.fingerprint} is prepared",
        )
    texts = {passage.id: passage.text for passage in here.passages}
    try:
        predictions = read_predictions_file(packed, snapshot.read(packed), texts)
    except PublishError as error:
        return _wrong(path, str(error))
    return _recounted(path, record, predictions, recount)


def _recounted(
    path: str, record: RunRecord, predictions: Sequence[Prediction], recount: Recount
) -> Finding:
    if digest(predictions) != record.predictions_sha256:
        return _wrong(path, "the predictions are not those that the record names")
    try:
        scores = recount(record, predictions)
    except ScoreError as error:
        return _wrong(path, str(error))
    except UnibenchError as error:
        return _unverified(path, f"it could not be scored again: {error}")
    for profile, claimed in record.scores.items():
        found = scores[profile]
        if found.counts != claimed.counts or dict(found.by_type) != dict(
            claimed.by_type
        ):
            return _wrong(
                path,
                f"{profile}: the predictions give F1 {100 * found.f1:.2f}, the record"
                f" says {100 * claimed.f1:.2f}",
            )
    return _ok(path, f"scored again: the same under {', '.join(record.scores)}")


def _aggregates(snapshot: Snapshot, runs: Sequence[str]) -> Iterator[Finding]:
    rows = ordered(index_row(read_run(p, snapshot.read(p))) for p in runs)
    advice = "'unibench publish results --rebuild' makes it again"
    for path in (INDEX, TABLE):
        if path not in snapshot.files:
            yield _wrong(path, f"it is missing; {advice}")
            return
    if snapshot.read(INDEX) != index_bytes(rows):
        yield _wrong(INDEX, f"it does not follow from the runs; {advice}")
    else:
        yield _ok(INDEX, f"follows from {len(rows)} runs")
    if read_table(snapshot.read(TABLE)) != table_rows(rows):
        yield _wrong(TABLE, f"it does not follow from the runs; {advice}")
    else:
        yield _ok(TABLE, f"follows from {len(rows)} runs")


def _ok(path: str, what: str) -> Finding:
    return Finding(path=path, verdict="ok", what=what)


def _unverified(path: str, what: str) -> Finding:
    return Finding(path=path, verdict="unverified", what=what)


def _wrong(path: str, what: str) -> Finding:
    return Finding(path=path, verdict="wrong", what=what)
