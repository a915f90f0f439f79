"""Read which documents belong to a split."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

import msgspec

from unibench.data.formats.base import RawFile
from unibench.errors import DataError
from unibench.schema.dataset_splits import DocumentList
from unibench.schema.text import Passage

_SUFFIXES = (".txt", ".ann", ".xml", ".json", ".sgm")


def document_ids(spec: DocumentList, file: RawFile) -> frozenset[str]:
    """Return the ids that `file` lists for a split.

    Raises:
        FormatError: the file has no such key or column, or lists nothing.
    """
    if spec.key:
        ids = _under_key(spec, file)
    elif spec.column:
        ids = _in_table(spec, file)
    else:
        ids = [line.strip() for _, line in file.lines()]
    found = frozenset(_stem(name) for name in ids if name)
    if not found:
        raise file.error(1, "it lists no document for this split")
    return found


def of_documents(
    passages: Iterable[Passage], ids: frozenset[str], where: str
) -> Iterator[Passage]:
    """Yield the passages of the documents `ids`.

    Raises:
        DataError: a listed document does not occur.
    """
    seen = set()
    for passage in passages:
        name = _stem(passage.document or passage.id)
        if name in ids:
            seen.add(name)
            yield passage
    if missing := sorted(ids - seen):
        raise DataError(
            f"{where}: {len(missing)} of {len(ids)} listed documents are not in the"
            f" files, among them {', '.join(missing[:3])}"
        )


def _under_key(spec: DocumentList, file: RawFile) -> list[str]:
    try:
        lists = msgspec.json.decode(file.read(), type=dict[str, list[str]])
    except msgspec.MsgspecError as error:
        raise file.error(1, f"no JSON object of lists: {error}") from error
    if spec.key not in lists:
        raise file.error(1, f"no key {spec.key!r}; there are {', '.join(lists)}")
    return lists[spec.key]


def _in_table(spec: DocumentList, file: RawFile) -> list[str]:
    stream = io.StringIO(file.text(), newline="")
    rows = csv.DictReader(stream, delimiter=spec.delimiter)
    wanted = {spec.column, *spec.where}
    if missing := sorted(wanted - set(rows.fieldnames or ())):
        raise file.error(1, f"no column {missing[0]!r}")
    return [
        row[spec.column] or ""
        for row in rows
        if all(row[name] == value for name, value in spec.where.items())
    ]


def _stem(name: str) -> str:
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name
