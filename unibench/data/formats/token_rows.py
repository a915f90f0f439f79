"""Tables with one token in each row, as CSV or parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.ids import UniqueIds
from unibench.data.formats.tag_rows import TagRowOptions, TagRows
from unibench.errors import FormatError
from unibench.schema.text import Passage

_BATCH = 65_536  # rows


class _Row(msgspec.Struct):
    """A row's number in the file, its group, token and tag."""

    number: int
    group: tuple[str, ...]
    token: str
    tag: str | int
    document: str


class TokenRows(Format):
    """Read a CSV or parquet table; neighbouring rows of one group are a passage.

    For example, with `group: [doc_idx, sent_idx]`, `tokens: gold_token`, `tags:
    gold_label`, `names: [O, PER_B, PER_I, ORG_B, ORG_I]` and `suffix: true`::

        gold_label,gold_token,doc_idx,sent_idx
        3,Demo,0,0
        4,Bank,0,0
        0,None,0,1

    Every cell of a CSV is text: the word `None` is a word. A group whose rows do not
    stand together is an error. Here `tokens` and `tags` name the columns of the one
    token and tag, and `names` the tags that numbers stand for.
    """

    class Options(TagRowOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """What rows of tags may say, and the columns whose values make a group."""

        group: tuple[str, ...]
        container: Literal["csv", "parquet"] = "csv"
        delimiter: str = ","
        encoding: str = "utf-8"

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage for each group, in file order."""
        ids, reader = UniqueIds(), TagRows(self.options)
        for file in files:
            seen: set[tuple[str, ...]] = set()
            rows: list[_Row] = []
            for row in self._rows(file):
                if rows and row.group != rows[0].group:
                    yield _passage(file, rows, ids, reader)
                    rows = []
                if not rows:
                    if row.group in seen:
                        raise FormatError(
                            f"{file.name}: row {row.number}: the rows of"
                            f" {'-'.join(row.group)} do not stand together"
                        )
                    seen.add(row.group)
                rows.append(row)
            if rows:
                yield _passage(file, rows, ids, reader)

    def _rows(self, file: RawFile) -> Iterator[_Row]:
        options = self.options
        wanted = [options.tokens, options.tags, *options.group, *options.where]
        wanted += [options.document] if options.document else []
        read = _csv_rows if options.container == "csv" else _parquet_rows
        for number, row in read(file, wanted, options):
            if any(str(row[key]) != value for key, value in options.where.items()):
                continue
            token, tag = row[options.tokens], row[options.tags]
            if not isinstance(token, str) or tag is None:
                raise FormatError(f"{file.name}: row {number}: a cell is empty")
            group = tuple(str(row[key]) for key in options.group)
            document = str(row[options.document]) if options.document else ""
            yield _Row(number, group, token, _number(tag, options), document)


def _passage(
    file: RawFile, rows: list[_Row], ids: UniqueIds, reader: TagRows
) -> Passage:
    first = rows[0]
    tokens, tags = [row.token for row in rows], [row.tag for row in rows]
    try:
        name = ids.take("-".join(first.group))
        return reader.passage(name, tokens, tags, first.document)
    except ValueError as error:
        raise FormatError(
            f"{file.name}: rows {first.number} to {rows[-1].number}: {error}"
        ) from error


def _number(tag: Any, options: TokenRows.Options) -> str | int:
    """Return what a cell says: with `names`, digits are a place in them."""
    if isinstance(tag, int):
        return tag
    text = str(tag)
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    return int(text) if options.names and is_number else text


def _csv_rows(
    file: RawFile, wanted: list[str], options: TokenRows.Options
) -> Iterator[tuple[int, dict[str, Any]]]:
    stream = io.StringIO(file.text(options.encoding), newline="")
    rows = csv.reader(stream, delimiter=options.delimiter, strict=True)
    try:
        header = next(rows, [])
        _require(file, wanted, header)
        for number, row in enumerate(rows, start=1):
            if len(row) != len(header):
                raise file.error(
                    rows.line_num,
                    f"{len(row)} cells, but the header has {len(header)}",
                )
            yield number, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise file.error(rows.line_num, str(error)) from error


def _parquet_rows(
    file: RawFile, wanted: list[str], _: TokenRows.Options
) -> Iterator[tuple[int, dict[str, Any]]]:
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        table = pyarrow.parquet.ParquetFile(io.BytesIO(file.read()))
        _require(file, wanted, table.schema_arrow.names)
        for batch in table.iter_batches(_BATCH, columns=sorted(set(wanted))):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise FormatError(
            f"{file.name}: after row {number}: no parquet data: {error}"
        ) from error


def _require(file: RawFile, wanted: list[str], names: Sequence[str]) -> None:
    if missing := [name for name in wanted if name not in names]:
        raise file.error(
            1, f"there is no column {missing[0]!r}, only {', '.join(names)[:200]}"
        )
