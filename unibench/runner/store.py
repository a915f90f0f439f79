"""Run folders: where records and predictions lie, and how they are read.

runs/<model>/<subset>-<split>[-paper][-first<N>]/record.json, predictions.jsonl
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from unibench.errors import RunError
from unibench.schema.jsonl import read_rows, write_rows
from unibench.schema.query import Prediction
from unibench.schema.record import RECORD_VERSION, DataIdentity, RunRecord

RECORD = "record.json"
PREDICTIONS = "predictions.jsonl"


def run_folder(
    output: Path, model: str, data: DataIdentity, *, limit: int | None, labels: str
) -> Path:
    """Return the folder of one run; other settings never share a folder."""
    name = f"{data.subset}-{data.split}"
    if data.protocol != "corrected":
        name += f"-{data.protocol}"
    if labels != "natural":
        name += f"-{labels}"
    if limit is not None:
        name += f"-first{limit}"
    return output / _file_name(model) / _file_name(name)


def own_folder(folder: Path, card_sha256: str) -> Path:
    """Return `folder`, or one beside it where another model card's run lies there.

    A card that was changed, or asked behind another server, is another model: its run
    does not take the place of the old one.
    """
    try:
        there = read_record(folder).model.card_sha256
    except RunError:
        return folder  # no record, or a damaged one that is replaced
    return folder if there == card_sha256 else Path(f"{folder}-{card_sha256[:8]}")


def write_run(
    folder: Path, record: RunRecord, predictions: Iterable[Prediction]
) -> RunRecord:
    """Write predictions, then the record; a record without its file cannot be."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / PREDICTIONS, predictions)
    digest = hashlib.sha256((folder / PREDICTIONS).read_bytes()).hexdigest()
    finished = msgspec.structs.replace(
        record, predictions_sha256=digest, path=str(folder / RECORD)
    )
    # The path is where it was read from, so it is not part of the file.
    encoded = msgspec.json.encode(msgspec.structs.replace(finished, path=""))
    partial = folder / (RECORD + ".part")
    try:
        partial.write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")
        partial.replace(folder / RECORD)
    finally:
        partial.unlink(missing_ok=True)
    return finished


def read_record(path: Path) -> RunRecord:
    """Return the record at `path`, a run folder or its record.json.

    Raises:
        RunError: there is none, or another version of unibench wrote it.
    """
    file = path / RECORD if path.is_dir() else path
    try:
        content = file.read_bytes()
        version = msgspec.json.decode(content, type=_Version).record_version
        if version != RECORD_VERSION:
            raise RunError(
                f"{file} is a record of version {version}, this unibench reads"
                f" version {RECORD_VERSION}; use the unibench that wrote it"
            )
        record = msgspec.json.decode(content, type=RunRecord)
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise RunError(f"{file} is no run record: {error}") from error
    return msgspec.structs.replace(record, path=str(file))


def read_predictions(record: RunRecord) -> list[Prediction]:
    """Return the predictions beside a record that was read from a file."""
    return list(read_rows(Path(record.path).parent / PREDICTIONS, Prediction))


def find_runs(paths: Sequence[Path]) -> Iterator[RunRecord]:
    """Yield the records at and below `paths`, in order of their paths.

    Raises:
        RunError: a path holds no record at all.
    """
    for path in paths:
        files = sorted(path.rglob(RECORD)) if path.is_dir() else [path]
        if not files:
            raise RunError(f"{path} holds no {RECORD}; run 'unibench evaluate' first")
        yield from map(read_record, files)


class _Version(msgspec.Struct):
    record_version: int


def _file_name(name: str) -> str:
    """A model may be called by a path or a Hub id; a folder's name has no slash."""
    stem = re.sub(r"\.ya?ml$", "", name)
    return re.sub(r"[^\w.+-]+", "-", stem).strip("-.") or "model"
