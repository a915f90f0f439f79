"""Texts in XML with the mentions as elements in the text, without offsets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.ids import UniqueIds
from unibench.data.formats.offsets import Annotation, mentions_of
from unibench.data.formats.xml_tree import Node, parse_xml
from unibench.schema.text import Passage

MENDED = "places mended before the XML was parsed"


class Replacement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in the file, what it must be, and how often it may occur."""

    find: str
    replace: str
    times: int = 1


class InlineXml(Format):
    """Read XML files of many records; a passage is the text of a record.

    For example, with `record: RECORD`, `id: ID`, `text: TEXT`, `mention: PHI`,
    `label: TYPE` (the defaults)::

        <ROOT><RECORD ID="7"><TEXT>
        <PHI TYPE="HOSPITAL">MFC</PHI>
        Seen on <PHI TYPE="DATE">04/01</PHI>/2031 , R &amp; D
        </TEXT></RECORD></ROOT>

    One line end right after the text's opening tag and one right before its closing
    tag are no part of the passage, so that its lines are those between the tags.
    `replacements` mend known faults of the file before it is parsed: where `find`
    occurs, at most `times` times, `replace` is put. Each is counted. An empty mention
    or an element that is no mention is an error.
    """

    class Options(
        Format.Options, frozen=True, forbid_unknown_fields=True, kw_only=True
    ):
        """The names of elements and attributes, and faults that are mended."""

        record: str = "RECORD"
        id: str = "ID"
        text: str = "TEXT"
        mention: str = "PHI"
        label: str = "TYPE"
        replacements: tuple[Replacement, ...] = ()
        encoding: str = "utf-8"

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield the records in file order."""
        ids = UniqueIds()
        for file in files:
            root = parse_xml(file, self._mended(file))
            found = False
            for record in root.descendants(self.options.record):
                found = True
                name = record.attribute(self.options.id)
                yield self._passage(record, ids.take(name), name)
            if not found:
                raise root.error(
                    f"<{root.tag}> holds no <{self.options.record}>: another file?"
                )

    def _mended(self, file: RawFile) -> str:
        content = file.text(self.options.encoding)
        for fault in self.options.replacements:
            count = content.count(fault.find) if fault.find else 0
            if count > fault.times:
                raise file.error(
                    1,
                    f"{fault.find!r} occurs {count} times; the card knows of"
                    f" {fault.times}",
                )
            if count:
                content = content.replace(fault.find, fault.replace)
                self.repairs[MENDED] += count
        return content

    def _passage(self, record: Node, name: str, document: str) -> Passage:
        element = record.child(self.options.text) if self.options.text else record
        parts: list[str] = []
        marks: list[Annotation] = []
        self._walk(element, parts, marks)
        text = "".join(parts)
        body = text.removeprefix("\n").removesuffix("\n")
        shift = len(text) - len(text.removeprefix("\n"))
        moved = []
        for mark in marks:
            ((start, end),) = mark.pieces
            place = (max(start - shift, 0), min(end - shift, len(body)))
            moved.append(mark._replace(pieces=(place,)))
        mentions = mentions_of(body, moved, "error", self.repairs)
        return Passage(name, body, mentions, document)

    def _walk(self, node: Node, parts: list[str], marks: list[Annotation]) -> int:
        """Collect text and mentions; return the number of characters collected."""
        length = 0
        start = sum(map(len, parts))
        for part in node.content:
            if isinstance(part, str):
                parts.append(part)
                length += len(part)
                continue
            if part.tag != self.options.mention:
                raise part.error(f"<{part.tag}> in the text is no mention")
            begin = start + length
            length += self._walk(part, parts, marks)
            place = ((begin, start + length),)
            label = part.attribute(self.options.label)
            marks.append(Annotation(label, place, None, part.error))
        return length
