"""Bring the runs of a results repository to this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from unibench.errors import PublishError
from unibench.publish.hub.client import Snapshot
from unibench.publish.results.runs import RUNS, is_run, read_run
from unibench.runner.store import RECORD
from unibench.schema.record import RunRecord

_THREADS = 8


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """What a repository held; `refused` are files that are no runs, and why."""

    commit: str
    records: tuple[RunRecord, ...] = ()
    refused: tuple[str, ...] = ()
    written: int = 0


def read_runs(
    snapshot: Snapshot, progress: Callable[[int], None] = lambda count: None
) -> Pulled:
    """Return every run of a repository, each checked against its path.

    A file that is no run of ours is left out and named; it spoils no other.
    """
    found = [path for path in snapshot.below(RUNS) if path.endswith(".json")]
    paths = [path for path in found if is_run(path)]
    refused = [
        f"{path}, which is no path of a run" for path in found if path not in paths
    ]
    records = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for path, content in zip(paths, pool.map(snapshot.read, paths), strict=True):
            progress(1)
            try:
                records.append(read_run(path, content))
            except PublishError as error:
                refused.append(str(error))
    return Pulled(commit=snapshot.sha, records=tuple(records), refused=tuple(refused))


def pull(
    snapshot: Snapshot,
    output: Path,
    progress: Callable[[int], None] = lambda count: None,
) -> Pulled:
    """Write every run of a repository below `output`, as `report` and others read it.

    Runs that are there already stay as they are.
    """
    pulled = read_runs(snapshot, progress)
    written = sum(_write(path, content) for path, content in _files(pulled, output))
    return msgspec.structs.replace(pulled, written=written)


def _files(pulled: Pulled, output: Path) -> Iterator[tuple[Path, bytes]]:
    from unibench.publish.results.runs import run_file

    for record in pulled.records:
        file = run_file(record)
        folder = file.path.removeprefix(RUNS).removesuffix(".json")
        yield output / folder / RECORD, file.read()


def _write(path: Path, content: bytes) -> bool:
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return True
