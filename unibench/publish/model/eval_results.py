"""Scores for a model's repository in the Hub's format: `.eval_results/*.yaml`.

A list of entries, one number each (hub documentation, community evaluations): the
dataset and task, the value, its date, where the evidence is, and a note. Metric, rule
and interval have no field of their own, so they stand in the note.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import yaml

from unibench.errors import PublishError
from unibench.publish.files import PlannedFile
from unibench.schema.record import RunRecord
from unibench.schema.score import Interval

FOLDER = ".eval_results/"
FILE = f"{FOLDER}unibench.yaml"
PROFILE = "uniner"
MAX_YAML_BYTES = 2**20


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One score: F1 in percent of a task; `evidence` is the address of its run."""

    dataset: str
    task: str
    value: float
    date: str
    notes: str
    evidence: str = ""
    source: str = ""


class Suite(msgspec.Struct, frozen=True):
    """An average that may be published: its name and all of its subsets."""

    name: str
    subsets: tuple[str, ...]


def comparable(record: RunRecord) -> str:
    """Say why a run's score is not the benchmark's; empty if it is."""
    data = record.data
    if record.limit is not None:
        return f"only the first {record.limit} passages were asked"
    if data.split != "test":
        return f"it is of the {data.split} split"
    if data.protocol != "corrected":
        return f"it was made under protocol {data.protocol!r}"
    if record.labels != "natural":
        return f"types were worded {record.labels!r}"
    return ""


def entries_of(
    records: Sequence[RunRecord],
    dataset: str,
    evidence: Mapping[str, str],
    suites: Iterable[Suite] = (),
) -> list[Entry]:
    """Return one entry for each subset, and for each suite that is covered whole.

    `evidence` maps a subset to the address of its run, `""` to that of all runs.

    Raises:
        PublishError: a record is no score of the benchmark, or there are two of one.
    """
    by_subset: dict[str, RunRecord] = {}
    for record in records:
        if reason := comparable(record):
            raise PublishError(
                f"{record.path or record.subset} is no result for a model's page:"
                f" {reason}; leave it out"
            )
        if record.subset in by_subset:
            raise PublishError(
                f"there are two runs on {record.subset}; name only the one that counts"
            )
        by_subset[record.subset] = record
    found = [_of_suite(s, by_subset, dataset, evidence.get("", "")) for s in suites]
    return [
        *(entry for entry in found if entry is not None),
        *(
            _of_run(record, dataset, evidence.get(subset, ""))
            for subset, record in by_subset.items()
        ),
    ]


def _of_run(record: RunRecord, dataset: str, evidence: str) -> Entry:
    score = record.scores[PROFILE]
    return Entry(
        dataset=dataset,
        task=record.subset,
        value=percent(score.f1),
        date=record.created[:10],
        evidence=evidence,
        source=f"unibench run on {record.subset}" if evidence else "",
        notes=", ".join(
            [
                _made_with([record]),
                _rule(record),
                *_interval(score.interval),
            ]
        ),
    )


def _of_suite(
    suite: Suite, by_subset: Mapping[str, RunRecord], dataset: str, evidence: str
) -> Entry | None:
    """Return the average of a suite; None unless each of its subsets was run."""
    members = [by_subset.get(subset) for subset in suite.subsets]
    records = [record for record in members if record is not None]
    if len(records) < len(members) or not records:
        return None
    mean = sum(record.scores[PROFILE].f1 for record in records) / len(records)
    return Entry(
        dataset=dataset,
        task=task_of_suite(suite.name),
        value=percent(mean),
        date=max(record.created for record in records)[:10],
        evidence=evidence,
        source=f"unibench runs on {suite.name}" if evidence else "",
        notes=f"{_made_with(records)}, {_rule(records[0])}, unweighted mean of"
        f" {len(records)} subsets",
    )


def task_of_suite(name: str) -> str:
    """Return the id of a suite's task in the benchmark's `eval.yaml`."""
    return f"avg_{name}"


def percent(fraction: float) -> float:
    """Return a fraction in percent with two decimals."""
    return round(100 * fraction, 2)


def entry_values(entry: Entry) -> dict[str, Any]:
    """Return an entry as it is written."""
    values: dict[str, Any] = {
        "dataset": {"id": entry.dataset, "task_id": entry.task},
        "value": entry.value,
        "date": entry.date,
    }
    if entry.evidence:
        values["source"] = {"url": entry.evidence, "name": entry.source}
    values["notes"] = entry.notes
    return values


def merged(present: bytes | None, entries: Sequence[Entry]) -> PlannedFile:
    """Return the file with `entries` in it; those of other tasks are kept.

    An entry whose value and note are the same stays as it is, with its date and
    evidence, so that publishing again changes nothing.

    Raises:
        PublishError: the file that is there is no list of entries.
    """
    listed = _read(present)
    place = {_key(item): number for number, item in enumerate(listed)}
    for entry in entries:
        values = entry_values(entry)
        number = place.get(_key(values))
        if number is None:
            listed.append(values)
        elif not _same(listed[number], values):
            listed[number] = values
    return PlannedFile(
        FILE, dump(listed) if listed != _read(present) else present or b""
    )


def dump(items: Sequence[Mapping[str, Any]]) -> bytes:
    """Return YAML; strings that look like a date are quoted by the writer."""
    text = yaml.safe_dump(
        list(items), sort_keys=False, allow_unicode=True, width=10_000
    )
    return text.encode()


def _read(content: bytes | None) -> list[dict[str, Any]]:
    if not content:
        return []
    if len(content) > MAX_YAML_BYTES:
        raise PublishError(
            f"{FILE} has {len(content):,} bytes, which is no list of scores"
        )
    try:
        items = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PublishError(f"{FILE} of the model is no YAML: {error}") from error
    if not isinstance(items, list) or not all(isinstance(i, dict) for i in items):
        raise PublishError(f"{FILE} of the model is no list of entries; mend it there")
    return items


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    dataset = item.get("dataset")
    if not isinstance(dataset, Mapping):
        return "", repr(sorted(item))
    return str(dataset.get("id")), str(dataset.get("task_id"))


def _same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return all(old.get(key) == new[key] for key in ("value", "notes"))


def _made_with(records: Sequence[RunRecord]) -> str:
    versions = sorted({record.unibench_version for record in records})
    revisions = sorted({record.model.revision[:12] for record in records})
    return f"unibench {'/'.join(versions)}, model revision {'/'.join(revisions)}"


def _rule(record: RunRecord) -> str:
    version = record.scores[PROFILE].profile_version
    return (
        f"strict micro-F1 x100 (profile {PROFILE} v{version}, scoring version"
        f" {record.scoring_version})"
    )


def _interval(interval: Interval | None) -> Iterable[str]:
    if interval is not None:
        low, high = percent(interval.low), percent(interval.high)
        yield f"{interval.level:.0%} CI {low}-{high}"
