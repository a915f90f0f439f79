"""Knowtator XML: texts with annotation files that tie spans to classes by an id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.offsets import (
    Annotation,
    OffsetOptions,
    fitting_text,
    mentions_of,
)
from unibench.data.formats.pairs import pair_files
from unibench.data.formats.xml_tree import parse_xml
from unibench.schema.text import Passage


class Knowtator(Format):
    """Read pairs of `.txt` and `.txt.knowtator.xml`; a passage is a whole text.

    For example::

        <annotations textSource="a.txt">
          <annotation><mention id="M1" /><span start="3" end="8" />
            <spannedText>fever</spannedText></annotation>
          <classMention id="M1"><mentionClass id="Disease_Disorder" /></classMention>
        </annotations>

    Several spans are a discontinuous mention, whose quoted text may hold `...`
    between the pieces. `classes` limits the mentions that are read; empty means all.
    """

    class Options(OffsetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Name patterns, and the classes that are mentions."""

        texts: str = "*.txt"
        annotations: str = "*.txt.knowtator.xml"
        classes: tuple[str, ...] = ()

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage for each pair of files."""
        options = self.options
        pairs = pair_files(files, options.texts, options.annotations, self.repairs)
        for pair in pairs:
            marks = list(self._marks(pair.annotations)) if pair.annotations else []
            text = fitting_text(pair.text.text(), marks, self.repairs)
            mentions = mentions_of(text, marks, options.mismatch, self.repairs)
            yield Passage(pair.id, text, mentions, pair.document)

    def _marks(self, file: RawFile) -> Iterator[Annotation]:
        root = parse_xml(file)
        if root.tag != "annotations":
            raise root.error(f"<{root.tag}> is no Knowtator <annotations>")
        classes = {
            node.attribute("id"): node.child("mentionClass").attribute("id")
            for node in root.children("classMention")
        }
        for node in root.children("annotation"):
            mention = node.child("mention").attribute("id")
            if mention not in classes:
                raise node.error(f"no <classMention> tells the class of {mention!r}")
            if self.options.classes and classes[mention] not in self.options.classes:
                continue
            pieces = tuple(
                (span.number("start"), span.number("end"))
                for span in node.children("span")
            )
            quoted = node.child("spannedText").text()
            if len(pieces) > 1:
                quoted = quoted.replace("...", " ")
            yield Annotation(classes[mention], pieces, quoted, node.error)
