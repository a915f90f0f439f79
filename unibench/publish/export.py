"""Runs in the formats of others, as files, without the Hub."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from unibench.errors import PublishError, UnknownNameError
from unibench.publish.files import PlannedFile
from unibench.publish.model.eval_results import FILE, dump, entries_of, entry_values
from unibench.publish.model.model_index import block_of, results_of
from unibench.publish.policy import publishable
from unibench.publish.results.index import (
    IndexRow,
    columns,
    index_bytes,
    index_row,
    ordered,
    table_bytes,
    table_rows,
)
from unibench.publish.results.runs import run_id, run_path
from unibench.schema.record import RunRecord
from unibench.schema.score import Interval, Score

EVERY_EVAL_EVER = "0.2.2"
"""The schema that was at hand when this was written (evaleval/every_eval_ever)."""
RESAMPLES_METHOD = "bootstrap over documents or passages"

Maker = Callable[[Sequence[RunRecord], str], list[PlannedFile]]


def export(
    records: Sequence[RunRecord], formats: Sequence[str], benchmark: str
) -> list[PlannedFile]:
    """Return the files of `records` in each of `formats`.

    `benchmark` is the Hub id under which results name the benchmark's dataset.

    Raises:
        UnknownNameError: there is no such format.
        PublishError: a run may not be published.
    """
    for name in formats:
        if name not in FORMATS:
            raise UnknownNameError("format", name, FORMATS)
    runs = [publishable(record) for record in records]
    return [file for name in formats for file in FORMATS[name](runs, benchmark)]


def _csv(records: Sequence[RunRecord], benchmark: str) -> list[PlannedFile]:
    out = io.StringIO()
    writer = csv.DictWriter(out, [name for name, _ in columns()], lineterminator="\n")
    writer.writeheader()
    for row in table_rows(_rows(records)):
        writer.writerow({key: _inert(value) for key, value in row.items()})
    return [PlannedFile("results.csv", out.getvalue().encode())]


def _inert(value: Any) -> Any:
    """A cell that begins like a formula would be run by a spreadsheet."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return value


def _jsonl(records: Sequence[RunRecord], benchmark: str) -> list[PlannedFile]:
    return [PlannedFile("results.jsonl", index_bytes(_rows(records)))]


def _parquet(records: Sequence[RunRecord], benchmark: str) -> list[PlannedFile]:
    return [PlannedFile("results.parquet", table_bytes(_rows(records)))]


def _rows(records: Sequence[RunRecord]) -> list[IndexRow]:
    return ordered(index_row(record) for record in records)


def _model_index(records: Sequence[RunRecord], benchmark: str) -> list[PlannedFile]:
    """One block for each model, to be pasted into the metadata of its card."""
    return [
        PlannedFile(
            f"{folder}/model-index.yaml",
            block_of(_short(runs[0]), results_of(runs)).encode(),
        )
        for folder, runs in _by_model(records).items()
    ]


def _eval_results(records: Sequence[RunRecord], benchmark: str) -> list[PlannedFile]:
    """One `.eval_results/unibench.yaml` for each model."""
    return [
        PlannedFile(
            f"{folder}/{FILE}",
            dump([entry_values(e) for e in entries_of(runs, benchmark, {})]),
        )
        for folder, runs in _by_model(records).items()
    ]


def _every_eval_ever(records: Sequence[RunRecord], benchmark: str) -> list[PlannedFile]:
    files = []
    for record in records:
        values = every_eval_ever(record)
        content = msgspec.json.format(msgspec.json.encode(values), indent=2) + b"\n"
        folder = run_path(record).split("/", 1)[1].removesuffix(".json")
        files.append(PlannedFile(f"every_eval_ever/{folder}.json", content))
    return files


def every_eval_ever(record: RunRecord) -> dict[str, Any]:
    """Return a run in the schema of Every Eval Ever; all additional values are text."""
    model, epoch = record.model, _epoch(record.created)
    return {
        "schema_version": EVERY_EVAL_EVER,
        "evaluation_id": f"unibench_{record.subset}/{model.checkpoint}/{epoch}",
        "evaluation_timestamp": record.created,
        "retrieved_timestamp": epoch,
        "source_metadata": {
            "source_name": "unibench",
            "source_type": "evaluation_run",
            "source_organization_name": "not stated",
            "evaluator_relationship": "other",
        },
        "eval_library": {
            "name": "unibench",
            "version": record.unibench_version,
            "additional_details": {"scoring_version": str(record.scoring_version)},
        },
        "model_info": {
            "name": model.title or model.name,
            "id": model.checkpoint,
            **_engine(record),
            "additional_details": {
                "revision": model.revision,
                "adapter": model.adapter,
                "prompt_sha256": model.prompt_sha256,
                "prompt_origin": model.prompt_origin,
            },
        },
        "evaluation_results": [
            _result(record, score) for _, score in sorted(record.scores.items())
        ],
    }


def _epoch(created: str) -> str:
    """The schema wants seconds since 1970, as text."""
    try:
        return str(int(datetime.fromisoformat(created).timestamp()))
    except ValueError as error:
        raise PublishError(f"the record was created at {created!r}: {error}") from error


def _engine(record: RunRecord) -> dict[str, Any]:
    backend = record.model.backend
    if not backend:
        return {}
    engine = {"name": backend}
    if version := record.environment.packages.get(backend):
        engine["version"] = version
    return {"inference_engine": engine}


def _result(record: RunRecord, score: Score) -> dict[str, Any]:
    decoding = record.model.decoding
    return {
        "evaluation_result_id": f"{run_id(record)}/{score.profile}",
        "evaluation_name": f"{record.subset} ({score.profile})",
        "evaluation_timestamp": record.created,
        "source_data": _source(record),
        "metric_config": {
            "evaluation_description": (
                "Micro-F1 of entity mentions under unibench's scoring profile"
                f" {score.profile!r}, version {score.profile_version}"
            ),
            "metric_id": f"unibench.f1.{score.profile}",
            "metric_name": f"F1 ({score.profile})",
            "metric_kind": "f1",
            "metric_unit": "proportion",
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0.0,
            "max_score": 1.0,
        },
        "score_details": {
            "score": score.f1,
            "details": _details(record, score),
            **_uncertainty(score.interval, record.tally.passages),
        },
        "generation_config": {
            "generation_args": {
                "temperature": decoding.temperature,
                "max_tokens": decoding.max_tokens,
                "execution_command": record.environment.command,
            }
        },
    }


def _source(record: RunRecord) -> dict[str, Any]:
    data = record.data
    return {
        "dataset_name": data.subset,
        "source_type": "other",
        "source_id": f"unibench/{data.subset}/{data.split}/{data.protocol}",
        "source_version": data.fingerprint,
        "additional_details": {
            "dataset": data.dataset,
            "domain": data.domain,
            "labels": record.labels,
            "limit": "none" if record.limit is None else str(record.limit),
        },
    }


def _details(record: RunRecord, score: Score) -> dict[str, str]:
    tally = record.tally
    return {
        "precision": repr(score.precision),
        "recall": repr(score.recall),
        "correct": f"{score.counts.correct:g}",
        "predicted": str(score.counts.predicted),
        "gold": str(score.counts.gold),
        "queries": str(tally.queries),
        "unparsed": str(tally.unparsed),
        "invented": str(tally.invented),
    }


def _uncertainty(interval: Interval | None, passages: int) -> Mapping[str, Any]:
    if interval is None:
        return {}
    return {
        "uncertainty": {
            "confidence_interval": {
                "lower": interval.low,
                "upper": interval.high,
                "confidence_level": interval.level,
                "method": RESAMPLES_METHOD,
            },
            "num_samples": passages,
        }
    }


def _short(record: RunRecord) -> str:
    return record.model.checkpoint.rpartition("/")[2]


def _by_model(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    found: dict[str, list[RunRecord]] = {}
    for record in records:
        folder = "/".join(run_path(record).split("/")[1:3])
        found.setdefault(folder, []).append(record)
    return dict(sorted(found.items()))


FORMATS: Mapping[str, Maker] = {
    "every-eval-ever": _every_eval_ever,
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "model-index": _model_index,
    "eval-results": _eval_results,
}
"""Format -> what makes its files of runs."""
