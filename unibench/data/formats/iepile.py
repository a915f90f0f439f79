"""IEPile's NER files: rows of a text and its entities, or instructions with answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.json_rows import json_lines
from unibench.data.formats.surface import SurfaceOptions, surface_mentions
from unibench.schema.text import Passage


class _Entity(msgspec.Struct):
    entity: str
    entity_type: str


class _Row(msgspec.Struct):
    """A line of either layout; `label` and `output` are answers to `instruction`."""

    text: str | None = None
    entity: list[_Entity] | None = None
    instruction: str = ""
    output: str = ""
    label: str = ""


class _Instruction(msgspec.Struct):
    input: str
    schema: list[str]


class _Asked(msgspec.Struct):
    """A text, the labels asked about it so far, and the mentions of each."""

    text: str
    schema: set[str]
    found: dict[str, list[str]]
    line: int


class IePile(Format):
    r"""Read JSON lines of IEPile, before or after its conversion to instructions.

    For example (three lines; the last two are one passage)::

        {"text": "Anna met Bo", "entity":
          [{"entity": "Anna", "entity_type": "person"}]}
        {"instruction": "{\\"schema\\": [\\"person\\"], \\"input\\": \\"Riga grew\\"}",
          "output": "{\\"person\\": []}"}
        {"instruction": "{\\"schema\\": [\\"place\\"], \\"input\\": \\"Riga grew\\"}",
          "output": "{\\"place\\": [\\"Riga\\"]}"}

    Instructions ask a few labels at a time: neighbouring ones about one text are one
    passage, until a label is asked again.
    """

    class Options(
        SurfaceOptions, frozen=True, forbid_unknown_fields=True, kw_only=True
    ):
        """Only what all formats without offsets have: `absent`."""

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield the texts in file order; ids count from 0 through all files."""
        count = 0
        for file in files:
            for asked in _texts(file):
                error = partial(file.error, asked.line)
                mentions = surface_mentions(
                    asked.text,
                    list(asked.found.items()),
                    self.options,
                    self.repairs,
                    error,
                )
                yield Passage(str(count), asked.text, mentions)
                count += 1


def _texts(file: RawFile) -> Iterator[_Asked]:
    open_text: _Asked | None = None
    for number, row in json_lines(file, _Row):
        asked = _plain(file, number, row) if row.entity else _asked(file, number, row)
        if (
            open_text
            and open_text.schema
            and asked.schema
            and open_text.text == asked.text
            and not open_text.schema & asked.schema
        ):
            open_text.schema |= asked.schema
            open_text.found |= asked.found
            continue
        if open_text:
            yield open_text
        open_text = asked
    if open_text:
        yield open_text


def _plain(file: RawFile, number: int, row: _Row) -> _Asked:
    if row.text is None:
        raise file.error(number, "there are entities, but no 'text'")
    found: dict[str, list[str]] = {}
    for entity in row.entity or ():
        found.setdefault(entity.entity_type, []).append(entity.entity)
    return _Asked(row.text, set(), found, number)


def _asked(file: RawFile, number: int, row: _Row) -> _Asked:
    if row.entity is not None:
        return _plain(file, number, row)
    if not row.instruction:
        raise file.error(number, "there is neither 'entity' nor 'instruction'")
    try:
        asked = msgspec.json.decode(row.instruction, type=_Instruction)
        found = msgspec.json.decode(row.output or row.label, type=dict[str, list[str]])
    except (msgspec.MsgspecError, ValueError) as error:
        raise file.error(number, f"the instruction or its answer: {error}") from error
    if not row.output:  # the test files repeat the answers to all labels in each row
        found = {key: value for key, value in found.items() if key in asked.schema}
    if strangers := sorted(found.keys() - set(asked.schema)):
        raise file.error(number, f"{strangers[0]!r} is answered but not asked")
    return _Asked(asked.input, set(asked.schema), found, number)
