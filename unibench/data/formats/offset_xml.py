"""A text and a list of tags with offsets in one XML file for each document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.entities import Unescaped
from unibench.data.formats.ids import UniqueIds
from unibench.data.formats.offsets import Annotation, OffsetOptions, mentions_of
from unibench.data.formats.pairs import stem_of
from unibench.data.formats.xml_tree import Node, parse_xml
from unibench.errors import FormatError
from unibench.schema.text import Passage

NO_LABEL = "tags whose label is empty: left out"


class OffsetXml(Format):
    """Read i2b2's XML of 2012 and 2014; a passage is a document.

    For example, with `label: TYPE`::

        <deIdi2b2><TEXT><![CDATA[
        Dr. Anna Quill]]></TEXT>
        <TAGS><NAME start="5" end="15" text="Anna Quill" TYPE="DOCTOR" /></TAGS>
        </deIdi2b2>

    Offsets count from the first character in `<TEXT>`, line ends included; the end
    is exclusive. The label is an attribute, never the element; `elements` limits the
    tags that are read (2012: only EVENT). A tag with an empty label is an error, or
    left out and counted. Literal `&apos;` in the text stays, or with `unescape`
    becomes the character; either way the quoted text is compared unescaped.
    """

    class Options(OffsetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """The names of elements and attributes, and what is done with faults."""

        files: str = "*.xml"
        text: str = "TEXT"
        tags: str = "TAGS"
        elements: tuple[str, ...] = ()
        label: str = "TYPE"
        start: str = "start"
        end: str = "end"
        quoted: str = "text"
        empty_label: Literal["error", "drop"] = "error"
        unescape: bool = False

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage for each file."""
        ids = UniqueIds()
        for file in files:
            name = stem_of(file.name, self.options.files)
            if name is None:
                raise FormatError(f"{file.name}: is none of {self.options.files}")
            root = parse_xml(file)
            yield self._passage(root, ids.take(name), name)

    def _passage(self, root: Node, name: str, document: str) -> Passage:
        written = root.child(self.options.text).text()
        body = Unescaped(written, enabled=self.options.unescape)
        marks = []
        for tag in root.child(self.options.tags).children():
            if self.options.elements and tag.tag not in self.options.elements:
                continue
            label = tag.attribute(self.options.label)
            if not label and self.options.empty_label == "drop":
                self.repairs[NO_LABEL] += 1
                continue
            marks.append(self._mark(tag, label, written, body))
        mentions = mentions_of(body.text, marks, self.options.mismatch, self.repairs)
        return Passage(name, body.text, mentions, document)

    def _mark(self, tag: Node, label: str, written: str, body: Unescaped) -> Annotation:
        start, end = tag.number(self.options.start), tag.number(self.options.end)
        quoted = tag.attribute(self.options.quoted)
        place = (body.place(start), body.place(end))
        if Unescaped(written[start:end]).text.split() == Unescaped(quoted).text.split():
            return Annotation(label, (place,), None, tag.error)
        return Annotation(label, (place,), quoted, tag.error)
