"""Scores for somebody's model repository, as one pull request that can be amended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from unibench.errors import PublishError
from unibench.publish.files import PlannedFile, Publication
from unibench.publish.hub.client import Snapshot
from unibench.publish.model.eval_results import (
    FILE,
    Entry,
    Suite,
    comparable,
    entries_of,
    merged,
)
from unibench.publish.model.model_index import with_results
from unibench.publish.policy import publishable
from unibench.publish.results.card import CARD
from unibench.publish.results.runs import run_path
from unibench.schema.record import RunRecord

TITLE = "Add unibench evaluation results"
MAX_CARD_BYTES = 2**20


class ModelScores(msgspec.Struct, frozen=True, kw_only=True):
    """What is proposed to one model: its runs, entries, and where the evidence is."""

    records: tuple[RunRecord, ...]
    entries: tuple[Entry, ...]
    evidence: str = ""
    model_index: bool = False


def scores_for(
    model: str,
    records: Iterable[RunRecord],
    *,
    benchmark: str,
    results: Snapshot | None,
    suites: Iterable[Suite] = (),
    model_index: bool = False,
) -> ModelScores:
    """Return what `records` say of the model repository `model`.

    With `results`, the snapshot of a results repository, every run must lie there and
    each score links to its own at that commit.

    Raises:
        PublishError: a run is of another model, of several revisions, may not be
            published, or lies not in the results repository.
    """
    runs = tuple(publishable(record) for record in records)
    _require_model(model, runs)
    for record in runs:
        if reason := comparable(record):
            raise PublishError(
                f"the run on {record.subset} is no result for a model's page: {reason};"
                " leave it out"
            )
    evidence = _evidence(runs, results) if results else {}
    entries = entries_of(runs, benchmark, evidence, suites)
    return ModelScores(
        records=runs,
        entries=tuple(entries),
        evidence=evidence.get("", ""),
        model_index=model_index,
    )


def plan_scores(snapshot: Snapshot, scores: ModelScores) -> Publication:
    """Return the file of entries, and on request the card with a `model-index`."""
    files = [merged(snapshot.read_if_there(FILE), scores.entries)]
    if scores.model_index:
        files.append(_card(snapshot, scores))
    return Publication(
        title=TITLE, description=description_of(scores), files=tuple(files)
    )


def description_of(scores: ModelScores) -> str:
    """Return the text of the pull request: values, exact commands, evidence."""
    first = scores.records[0]
    commands = sorted({record.environment.command for record in scores.records})
    lines = [
        f"Strict micro-F1 (x100) of `{first.model.checkpoint}` at revision"
        f" `{first.model.revision}`, measured with unibench {first.unibench_version}"
        f" (scoring version {first.scoring_version}).",
        "",
        "| task | F1 | note |",
        "| --- | ---: | --- |",
        *(f"| {e.task} | {e.value:.2f} | {e.notes} |" for e in scores.entries),
        "",
        "Made with:",
        "",
        *(f"    {command}" for command in commands),
        "",
    ]
    if scores.evidence:
        lines += [f"Every run in full: {scores.evidence}", ""]
    lines.append(
        "Opened by `unibench publish model`; running it again amends this pull request."
        " Close it if you do not want it, and it will not be opened again."
    )
    return "\n".join(lines)


def _card(snapshot: Snapshot, scores: ModelScores) -> PlannedFile:
    present = snapshot.read_if_there(CARD) or b""
    if len(present) > MAX_CARD_BYTES:
        raise PublishError(f"the card of {snapshot.repo} has {len(present):,} bytes")
    name = scores.records[0].model.checkpoint.rpartition("/")[2]
    try:
        text = present.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PublishError(
            f"the card of {snapshot.repo} is no UTF-8: {error}"
        ) from error
    card = with_results(text, name, scores.records, scores.evidence)
    return PlannedFile(CARD, card.encode())


def _require_model(model: str, records: Sequence[RunRecord]) -> None:
    if not records:
        raise PublishError(f"there is no run to propose to {model}")
    for record in records:
        if record.model.checkpoint != model:
            raise PublishError(
                f"the run on {record.subset} is of {record.model.checkpoint!r}, not of"
                f" {model!r}; name only runs of that model"
            )
    revisions = sorted({record.model.revision for record in records})
    if len(revisions) > 1:
        raise PublishError(
            f"the runs are of {len(revisions)} revisions of {model}"
            f" ({', '.join(r[:12] for r in revisions)}); name those of one"
        )


def _evidence(records: Sequence[RunRecord], results: Snapshot) -> Mapping[str, str]:
    """Return the addresses of runs at the commit of the results repository."""
    links: dict[str, str] = {}
    for record in records:
        path = run_path(record)
        if path not in results.files:
            raise PublishError(
                f"the run on {record.subset} is not in {results.repo} ({path}); publish"
                f" it first: 'unibench publish results RUNS --repo {results.repo.id}"
                " --yes'"
            )
        links[record.subset] = results.hub.page(results.repo, "blob", results.sha, path)
        links[""] = results.hub.page(
            results.repo, "tree", results.sha, path.rpartition("/")[0]
        )
    return links
