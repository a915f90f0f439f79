"""What a store holds, what may go, and whether it is whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from unibench.backends.store import ResponseStore
from unibench.backends.store_claims import claimed
from unibench.backends.store_file import VERSION, transaction
from unibench.backends.store_transfer import model_ids
from unibench.schema.query import Response

_STEP = 5000
_PAGES = 2000
_SHOWN = 5
_KEY_BYTES = 32


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of one model, or of all.

    `bytes` is what the answers take, without the file's index. Tokens are None where
    no answer says how many it took; times are seconds since 1970, None without answers.
    """

    model: str
    answers: int
    prompt_tokens: int | None
    completion_tokens: int | None
    bytes: int
    oldest: float | None
    newest: float | None


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What a store holds, in all and by model."""

    path: str
    version: int
    file_bytes: int
    all: Share
    models: tuple[Share, ...]


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at; `state` is `ok` or `broken`."""

    what: str
    state: str
    detail: str


def holdings(store: ResponseStore) -> Holdings:
    """Return what is in the store."""
    shares = _shares(store, "TRUE", [])
    return Holdings(
        path=str(store.path),
        version=VERSION,
        file_bytes=_file_bytes(store.path),
        all=_total(shares),
        models=shares,
    )


def prune(
    store: ResponseStore,
    *,
    models: Sequence[str] = (),
    before: float | None = None,
    dry_run: bool = False,
) -> tuple[Share, ...]:
    """Delete answers of `models` (all if none is named) that are older than `before`.

    Returns what was deleted, or with `dry_run` would be, by model. The file shrinks.
    Others can go on writing meanwhile; what comes during the deletion stays.

    Raises:
        UnknownNameError: the store never had an answer of such a model.
    """
    ids = model_ids(store, models)
    where, values = f"r.model IN ({','.join('?' * len(ids))})", list[float](ids)
    if before is not None:
        where, values = f"{where} AND r.created < ?", [*values, before]
    with store.database() as db:
        (last,) = db.execute("SELECT coalesce(max(id), 0) FROM responses").fetchone()
    chosen = _shares(store, f"{where} AND r.id <= ?", [*values, last])
    if dry_run or not chosen:
        return chosen
    for start in range(0, last, _STEP):
        with store.database() as db, transaction(db):
            db.execute(
                f"DELETE FROM responses AS r WHERE {where} AND r.id > ? AND r.id <= ?",  # noqa: S608
                [*values, start, min(start + _STEP, last)],
            )
    _shrink(store)
    store.flush()
    return chosen


def check(store: ResponseStore) -> list[Finding]:
    """Look at every page and every answer; also tell what is being asked now."""
    with store.database() as db:
        said = [text for (text,) in db.execute(f"PRAGMA integrity_check({_SHOWN})")]
    whole = said == ["ok"]
    count, broken = 0, list[str]()
    for trouble in _read_all(store):
        count += 1
        broken += [trouble] if trouble else []
    asking = claimed(store.path)
    return [
        Finding(
            "file",
            "ok" if whole else "broken",
            "every page and index is whole" if whole else "; ".join(said),
        ),
        Finding(
            "answers",
            "broken" if broken else "ok",
            f"{count - len(broken):,} of {count:,} can be read"
            + "".join(f"; {trouble}" for trouble in broken[:_SHOWN]),
        ),
        Finding(
            "claims",
            "ok",
            f"{len(asking)} runs are asking {sum(asking):,} requests now",
        ),
    ]


def _shares(
    store: ResponseStore, where: str, values: Sequence[float]
) -> tuple[Share, ...]:
    query = (
        "SELECT m.name, count(*), sum(r.prompt_tokens), sum(r.completion_tokens),"  # noqa: S608
        " sum(length(r.response)), min(r.created), max(r.created)"
        " FROM responses r JOIN models m ON m.id = r.model"
        f" WHERE {where} GROUP BY m.name ORDER BY m.name"
    )
    names = Share.__struct_fields__
    with store.database() as db:
        rows = db.execute(query, values).fetchall()
    return tuple(Share(**dict(zip(names, row, strict=True))) for row in rows)


def _total(shares: Sequence[Share]) -> Share:
    def known(values: Sequence[int | None]) -> int | None:
        numbers = [value for value in values if value is not None]
        return sum(numbers) if numbers else None

    return Share(
        model="",
        answers=sum(share.answers for share in shares),
        prompt_tokens=known([share.prompt_tokens for share in shares]),
        completion_tokens=known([share.completion_tokens for share in shares]),
        bytes=sum(share.bytes for share in shares),
        oldest=min((s.oldest for s in shares if s.oldest is not None), default=None),
        newest=max((s.newest for s in shares if s.newest is not None), default=None),
    )


def _shrink(store: ResponseStore) -> None:
    """Give free pages back to the disk, a few at a time so that others can write."""
    with store.database() as db:
        (mode,) = db.execute("PRAGMA auto_vacuum").fetchone()
        if mode != 2:  # made by version 1: the file is written anew, once
            db.execute("PRAGMA auto_vacuum=INCREMENTAL")
            db.execute("VACUUM")
    free = 1
    while free:
        with store.database() as db:
            db.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
            (left,) = db.execute("PRAGMA freelist_count").fetchone()
        free = left if left != free else 0
    with store.database() as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _read_all(store: ResponseStore) -> Iterator[str]:
    """Yield for each answer what is wrong with it, or nothing."""
    last = 0
    query = (
        "SELECT r.id, r.key, m.name, r.response FROM responses r"
        " LEFT JOIN models m ON m.id = r.model WHERE r.id > ? ORDER BY r.id LIMIT ?"
    )
    while True:
        with store.database() as db:
            rows = db.execute(query, [last, _STEP]).fetchall()
        if not rows:
            return
        for number, key, model, text in rows:
            last = number
            yield _trouble(key, model, text)


def _trouble(key: bytes, model: str | None, text: bytes) -> str:
    if len(key) != _KEY_BYTES:
        return f"the key {key.hex()!r} has not {_KEY_BYTES} bytes"
    if model is None:
        return f"{key.hex()} belongs to no model"
    try:
        msgspec.json.decode(text, type=Response)
    except msgspec.MsgspecError as error:
        return f"{key.hex()}: {error}"
    return ""


def _file_bytes(path: Path) -> int:
    log = path.with_name(path.name + "-wal")
    return sum(file.stat().st_size for file in (path, log) if file.exists())
