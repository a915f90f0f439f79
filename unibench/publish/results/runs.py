"""Where a run lies in a results repository, and how it is written and read.

runs/ORG__MODEL/REVISION/SUBSET-SPLIT[-paper][-LABELS][-firstN]-ID.json
"""

from __future__ import annotations

import re

import msgspec

from unibench.errors import PublishError
from unibench.publish.files import PlannedFile, safe_path
from unibench.publish.policy import publishable
from unibench.schema.query import content_hash
from unibench.schema.record import RECORD_VERSION, RunRecord

RUNS = "runs/"
_ID_DIGITS = 16
_REVISION_CHARACTERS = 12
_PATH = re.compile(r"runs/[\w.+-]+/[\w.+-]+/[\w.+-]+-([0-9a-f]{16})\.json", re.ASCII)
MAX_RUN_BYTES = 4 * 2**20
"""A record has some 20 KB; more is no record."""


def run_id(record: RunRecord) -> str:
    """Return the hash of what was asked, of whom, and what came out.

    Time, machine, cost, version and names of files do not count: the same run made
    again from stored answers has the same id, so it is published once.
    """
    model, data = record.model, record.data
    return content_hash(
        [
            model.checkpoint, model.revision, model.adapter, model.backend,
            model.prompt_sha256, msgspec.to_builtins(model.decoding),
        ],
        [data.subset, data.split, data.protocol, data.fingerprint],
        [record.labels, record.limit, record.seed, record.entity_types],
        record.scoring_version,
        {
            profile: [score.profile_version, msgspec.to_builtins(score.counts)]
            for profile, score in sorted(record.scores.items())
        },
        record.predictions_sha256,
    )[:_ID_DIGITS]  # fmt: skip


def run_path(record: RunRecord) -> str:
    """Return the path of a run: its model, revision, data and id."""
    model, data = record.model, record.data
    name = f"{data.subset}-{data.split}"
    if data.protocol != "corrected":
        name += f"-{data.protocol}"
    if record.labels != "natural":
        name += f"-{record.labels}"
    if record.limit is not None:
        name += f"-first{record.limit}"
    parts = (
        _name(model.checkpoint.replace("/", "__")),
        _name(model.revision)[:_REVISION_CHARACTERS],
        f"{_name(name)}-{run_id(record)}.json",
    )
    return RUNS + "/".join(parts)


def is_run(path: str) -> bool:
    """Tell whether a path of the repository is that of a run."""
    return _PATH.fullmatch(path) is not None


def run_file(record: RunRecord) -> PlannedFile:
    """Return the file of a run.

    Raises:
        PublishError: the record may not be published.
    """
    record = publishable(record)
    encoded = msgspec.json.encode(record, order="sorted")
    return PlannedFile(run_path(record), msgspec.json.format(encoded, indent=1) + b"\n")


def read_run(path: str, content: bytes) -> RunRecord:
    """Return the run that a file of the repository holds.

    Raises:
        PublishError: it is no run, or its path is not that of what it holds.
    """
    safe_path(path, "the repository")
    if len(content) > MAX_RUN_BYTES:
        raise PublishError(f"{path} has {len(content):,} bytes, which is no record")
    try:
        version = msgspec.json.decode(content, type=_Version).record_version
        if version != RECORD_VERSION:
            raise PublishError(
                f"{path} is a record of version {version}, this unibench reads version"
                f" {RECORD_VERSION}; use the unibench that wrote it"
            )
        record = msgspec.json.decode(content, type=RunRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PublishError(f"{path} is no run record: {error}") from error
    if path != run_path(record):
        raise PublishError(
            f"{path}: what it holds belongs to {run_path(record)}; the file or its name"
            " was changed after it was written"
        )
    return record


class _Version(msgspec.Struct):
    record_version: int


def _name(text: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", text, flags=re.ASCII).strip("-.") or "x"
