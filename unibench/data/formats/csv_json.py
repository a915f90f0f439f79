"""CSV with a column of text and a column of JSON that lists the mentions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.offsets import Annotation, OffsetOptions, mentions_of
from unibench.schema.text import Passage


class Entity(msgspec.Struct):
    """An element of the JSON column; the end is exclusive, other keys are ignored."""

    type: str
    start: int
    end: int
    entity: str | None = None


class CsvJson(Format):
    """One passage a row, as TASTEset has it; newlines in a quoted cell are text."""

    class Options(OffsetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """The names of the two columns, and what offsets of other formats have."""

        text: str
        entities: str
        encoding: str = "utf-8"

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage per row; ids count from 0 through all files."""
        decoder = msgspec.json.Decoder(list[Entity])
        count = 0
        for file in files:
            for number, text, cell in self._cells(file):
                try:
                    entities = decoder.decode(cell)
                except msgspec.MsgspecError as error:
                    raise file.error(
                        number, f"column {self.options.entities!r}: {error}"
                    ) from error
                annotations = [
                    Annotation(
                        entity.type,
                        ((entity.start, entity.end),),
                        entity.entity,
                        partial(file.error, number),
                    )
                    for entity in entities
                ]
                mentions = mentions_of(
                    text, annotations, self.options.mismatch, self.repairs
                )
                yield Passage(str(count), text, mentions)
                count += 1

    def _cells(self, file: RawFile) -> Iterator[tuple[int, str, str]]:
        """Yield (last line of the row, text, JSON) of each row below the header."""
        stream = io.StringIO(file.text(self.options.encoding), newline="")
        rows = csv.reader(stream, strict=True)
        try:
            header = next(rows, [])
            wanted = (self.options.text, self.options.entities)
            if missing := [name for name in wanted if name not in header]:
                raise file.error(
                    1, f"no column {missing[0]!r}; there are {', '.join(header)[:80]}"
                )
            text, entities = (header.index(name) for name in wanted)
            for row in rows:
                if len(row) != len(header):
                    raise file.error(
                        rows.line_num,
                        f"{len(row)} column(s), the header has {len(header)}",
                    )
                yield rows.line_num, row[text], row[entities]
        except csv.Error as error:
            raise file.error(rows.line_num, f"no CSV row: {error}") from error
