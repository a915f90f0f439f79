"""Answers from one store to another: export and import as JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from unibench.backends.store import BATCH, ResponseStore, batches, with_model
from unibench.backends.store_file import (
    ADD_MODEL,
    ADD_NEW,
    ADD_OVER,
    row_of,
    transaction,
)
from unibench.backends.store_lines import AnswerLine, read_lines, write_lines
from unibench.errors import UnknownNameError
from unibench.schema.query import Response

Progress = Callable[[int], None]
"""Told how many further lines were read or written."""


class Imported(msgspec.Struct, kw_only=True):
    """What became of the lines of a file: each is in one of the last four.

    `same` were there already, with the same text; a conflict is another text for the
    same request, of which the first is kept unless the user says otherwise.
    """

    lines: int = 0
    added: int = 0
    same: int = 0
    conflicts_kept: int = 0
    conflicts_replaced: int = 0


def model_ids(store: ResponseStore, names: Sequence[str]) -> list[int]:
    """Return the numbers of models in this store; all when none is named.

    Raises:
        UnknownNameError: the store never had an answer of such a model.
    """
    with store.database() as db:
        known = {name: number for number, name in db.execute("SELECT * FROM models")}
    for name in names:
        if name not in known:
            raise UnknownNameError("model with stored answers", name, known)
    return [known[name] for name in names or known]


def export_answers(
    store: ResponseStore,
    path: Path,
    models: Sequence[str] = (),
    progress: Progress | None = None,
) -> int:
    """Write the answers of `models`, or all, to `path`; return their number.

    The file appears when it is whole. It is packed when its name ends in .zst.

    Raises:
        UnknownNameError: as `model_ids`.
    """
    return write_lines(path, _stored(store, model_ids(store, models), progress))


def import_answers(
    store: ResponseStore,
    paths: Sequence[Path],
    *,
    replace: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Take the answers of files that `export_answers` wrote; return what was new.

    All files are read to their end before the first answer is taken.

    Raises:
        FormatError: a line is broken; nothing was taken.
    """
    for path in paths:
        for _ in read_lines(path):
            pass
    counts = Imported()
    for path in paths:
        for lines in batches(read_lines(path), BATCH):
            _take(store, lines, counts, replace=replace)
            if progress is not None:
                progress(len(lines))
    return counts


def _take(
    store: ResponseStore,
    lines: Sequence[AnswerLine],
    counts: Imported,
    *,
    replace: bool,
) -> None:
    found = store.get(line.key for line in lines)
    texts = {key: answer.text for key, answer in found.items()}
    rows = []
    for line in lines:
        counts.lines += 1
        before = texts.get(line.key)
        if before is None:
            counts.added += 1
        elif before == line.response.text:
            counts.same += 1
            continue
        elif replace:
            counts.conflicts_replaced += 1
        else:
            counts.conflicts_kept += 1
            continue
        texts[line.key] = line.response.text
        rows.append(row_of(bytes.fromhex(line.key), line.created, line.response))
    with store.database() as db, transaction(db):
        for model in {row[1] for row in rows}:
            db.execute(ADD_MODEL, [model])
        db.executemany(ADD_OVER if replace else ADD_NEW, rows)
    store.flush()


def _stored(
    store: ResponseStore, models: Sequence[int], progress: Progress | None
) -> Iterator[AnswerLine]:
    """Yield answers in the order of their arrival, without keeping others waiting."""
    decode = msgspec.json.Decoder(Response).decode
    marks, last = ",".join("?" * len(models)), 0
    query = (
        "SELECT r.id, r.key, r.created, m.name, r.response"  # noqa: S608
        " FROM responses r JOIN models m ON m.id = r.model"
        f" WHERE r.id > ? AND r.model IN ({marks}) ORDER BY r.id LIMIT {BATCH}"
    )
    while True:
        with store.database() as db:
            rows = db.execute(query, [last, *models]).fetchall()
            answers = [
                AnswerLine(key.hex(), created, with_model(decode(text), model))
                for _, key, created, model, text in rows
            ]
        if not rows:
            return
        yield from answers
        last = rows[-1][0]
        if progress is not None:
            progress(len(rows))
