"""The aggregates of a results repository: one line a run, one row a score.

`leaderboard.jsonl` is the index: a line for each run file. `leaderboard.parquet` is the
same as a table with one row for each run and profile. Both follow from the run files
alone, so they can be made again at any time.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from unibench.errors import PublishError
from unibench.publish.results.runs import run_id, run_path
from unibench.schema.record import RunRecord
from unibench.schema.score import Score

INDEX = "leaderboard.jsonl"
TABLE = "leaderboard.parquet"


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """One score: fractions, counts, and the 95 % interval of the F1 where known."""

    version: int
    f1: float
    precision: float
    recall: float
    low: float | None = None
    high: float | None = None
    correct: float
    predicted: int
    gold: int


class IndexRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run in one line. `current` is false where a newer run replaces it.

    `run` is the path of its file, which holds everything else.
    """

    run: str
    id: str
    current: bool = True
    model: str
    title: str
    checkpoint: str
    revision: str
    adapter: str
    backend: str
    prompt_sha256: str
    prompt_origin: str
    dataset: str
    subset: str
    domain: str
    access: str
    license: str
    split: str
    protocol: str
    labels: str
    limit: int | None
    seed: int
    fingerprint: str
    predictions_sha256: str
    scoring_version: int
    unibench_version: str
    created: str
    passages: int
    queries: int
    unparsed: int
    invented: int
    unknown_type: int
    truncated: int
    cost_usd: float | None
    command: str
    scores: Mapping[str, Numbers]


def index_row(record: RunRecord) -> IndexRow:
    """Return the line of a run."""
    model, data, tally = record.model, record.data, record.tally
    return IndexRow(
        run=run_path(record), id=run_id(record),
        model=model.name, title=model.title, checkpoint=model.checkpoint,
        revision=model.revision, adapter=model.adapter, backend=model.backend,
        prompt_sha256=model.prompt_sha256, prompt_origin=model.prompt_origin,
        dataset=data.dataset, subset=data.subset, domain=data.domain,
        access=data.access, license=data.license, split=data.split,
        protocol=data.protocol, labels=record.labels, limit=record.limit,
        seed=record.seed, fingerprint=data.fingerprint,
        predictions_sha256=record.predictions_sha256,
        scoring_version=record.scoring_version,
        unibench_version=record.unibench_version, created=record.created,
        passages=tally.passages, queries=tally.queries, unparsed=tally.unparsed,
        invented=tally.invented, unknown_type=tally.unknown_type,
        truncated=tally.truncated, cost_usd=record.usage.cost_usd,
        command=record.environment.command,
        scores={name: _numbers(s) for name, s in sorted(record.scores.items())},
    )  # fmt: skip


def ordered(rows: Iterable[IndexRow]) -> list[IndexRow]:
    """Return one row a run in a stable order, the newest of each cell `current`.

    A cell is one checkpoint, prompt and setting on one split; of its runs the one with
    the highest scoring version, then the newest, counts (`created`, then the id).
    """
    by_run = {row.run: row for row in rows}
    newest: dict[tuple[Any, ...], IndexRow] = {}
    for row in by_run.values():
        kept = newest.get(_cell(row))
        if kept is None or _age(row) > _age(kept):
            newest[_cell(row)] = row
    current = {row.run for row in newest.values()}
    return [
        msgspec.structs.replace(by_run[run], current=run in current)
        for run in sorted(by_run)
    ]


def index_bytes(rows: Sequence[IndexRow]) -> bytes:
    """Return the index as JSON lines."""
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def read_index(content: bytes) -> dict[str, IndexRow] | None:
    """Return run -> row of an index, None where it cannot be read and is made anew."""
    decoder = msgspec.json.Decoder(IndexRow)
    try:
        rows = [decoder.decode(line) for line in content.splitlines() if line.strip()]
    except (msgspec.MsgspecError, ValueError):
        return None
    return {row.run: row for row in rows}


def table_rows(rows: Iterable[IndexRow]) -> list[dict[str, Any]]:
    """Return one plain row for each run and profile."""
    table = []
    for row in rows:
        shared = msgspec.to_builtins(row)
        scores: dict[str, dict[str, Any]] = shared.pop("scores")
        for profile, numbers in scores.items():
            own = {k: v for k, v in numbers.items() if k != "version"}
            named = {"profile": profile, "profile_version": numbers["version"]}
            table.append({**shared, **named, **own})
    return table


def table_bytes(rows: Sequence[IndexRow]) -> bytes:
    """Return the table as parquet, with an explicit schema and no other metadata."""
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema(
        [pyarrow.field(name, _arrow(kind, pyarrow)) for name, kind in columns()]
    )
    table = pyarrow.Table.from_pylist(table_rows(rows), schema=schema)
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def read_table(content: bytes) -> list[dict[str, Any]]:
    """Return the rows of a table.

    Raises:
        PublishError: it is no parquet file.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(io.BytesIO(content))
    except (pyarrow.ArrowException, OSError) as error:
        raise PublishError(f"{TABLE} is no parquet file: {error}") from error
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def columns() -> list[tuple[str, Any]]:
    """Return name and type of every column of the table, in order."""
    fields = [(f.name, f.type) for f in msgspec.structs.fields(IndexRow)]
    shared = [(name, kind) for name, kind in fields if name != "scores"]
    numbers = [
        (f.name, f.type) for f in msgspec.structs.fields(Numbers) if f.name != "version"
    ]
    return [*shared, ("profile", str), ("profile_version", int), *numbers]


def _arrow(kind: Any, pyarrow: Any) -> Any:
    plain = {str: pyarrow.string(), bool: pyarrow.bool_(), int: pyarrow.int64()}
    if kind in plain:
        return plain[kind]
    return pyarrow.int64() if kind == int | None else pyarrow.float64()


def _numbers(score: Score) -> Numbers:
    counts, interval = score.counts, score.interval
    return Numbers(
        version=score.profile_version, f1=counts.f1, precision=counts.precision,
        recall=counts.recall, low=interval.low if interval else None,
        high=interval.high if interval else None, correct=counts.correct,
        predicted=counts.predicted, gold=counts.gold,
    )  # fmt: skip


def _cell(row: IndexRow) -> tuple[Any, ...]:
    return (
        row.checkpoint, row.revision, row.adapter, row.prompt_sha256, row.subset,
        row.split, row.protocol, row.labels, row.limit,
    )  # fmt: skip


def _age(row: IndexRow) -> tuple[int, str, str]:
    return row.scoring_version, row.created, row.id
