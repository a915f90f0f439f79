"""ACE: SGML texts with stand-off `.apf.xml` files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.entities import Unescaped
from unibench.data.formats.offsets import (
    Annotation,
    OffsetOptions,
    fitting_text,
    mentions_of,
)
from unibench.data.formats.pairs import Pair, pair_files
from unibench.data.formats.xml_tree import Node, parse_xml
from unibench.errors import FormatError
from unibench.schema.text import Passage

OUTSIDE_TEXT = "mentions outside <TEXT>: left out"

_TAG = re.compile(r"<[^<>]*>")


class Ace(Format):
    """Read pairs of `.sgm` and `.apf.xml`; a passage is what `<TEXT>` holds.

    For example::

        <DOC><TEXT>
        The mayor of Riga met her staff.
        </TEXT></DOC>

        <source_file><document DOCID="X"><entity ID="E1" TYPE="PER">
          <entity_mention ID="E1-1" TYPE="NOM"><extent>
            <charseq START="1" END="17">The mayor of Riga</charseq>
          </extent></entity_mention></entity></document></source_file>

    Offsets count the characters of the whole file without its tags, entities like
    `&amp;` as written; the last character is included. In the passage entities are
    the characters that they stand for. Nested mentions are kept; values, times,
    relations and events are passed over. Mentions outside `<TEXT>` (in a headline,
    say) are an error, or left out and counted.
    """

    class Options(OffsetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """Name patterns, and which part of which mentions is read.

        `extent` is the full noun phrase, `head` its head. `mention_types` limits the
        mentions to some of NAM, NOM, PRO and so on; empty means all.
        """

        texts: str = "*.sgm"
        annotations: str = "*.apf.xml"
        part: Literal["extent", "head"] = "extent"
        mention_types: tuple[str, ...] = ()
        outside: Literal["error", "drop"] = "error"

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage for each pair of files."""
        options = self.options
        pairs = pair_files(files, options.texts, options.annotations, self.repairs)
        for pair in pairs:
            yield self._passage(pair)

    def _passage(self, pair: Pair) -> Passage:
        found = [] if pair.annotations is None else list(self._marks(pair.annotations))
        written = _stripped(pair.text.text())
        fitted = fitting_text(written, found, self.repairs)
        begin, end = _body(pair.text)
        if fitted != written:
            begin -= written.count("\r\n", 0, begin)
            end -= written.count("\r\n", 0, end)
        body = Unescaped(fitted[begin:end])
        marks = []
        for mark in found:
            ((start, stop),) = mark.pieces
            if begin <= start and stop <= end:
                place = (body.place(start - begin), body.place(stop - begin))
                marks.append(mark._replace(pieces=(place,)))
            elif self.options.outside == "error":
                raise mark.error(
                    f"offsets {start}-{stop} lie outside <TEXT>, {begin}-{end}"
                )
            else:
                self.repairs[OUTSIDE_TEXT] += 1
        mentions = mentions_of(body.text, marks, self.options.mismatch, self.repairs)
        return Passage(pair.id, body.text, mentions, pair.document)

    def _marks(self, file: RawFile) -> Iterator[Annotation]:
        root = parse_xml(file)
        if root.tag != "source_file":
            raise root.error(f"<{root.tag}> is no ACE <source_file>")
        for entity in root.descendants("entity"):
            label = entity.attribute("TYPE")
            for mention in entity.children("entity_mention"):
                kind = mention.attribute("TYPE")
                if (
                    self.options.mention_types
                    and kind not in self.options.mention_types
                ):
                    continue
                yield _mark(label, mention.child(self.options.part))


def _mark(label: str, part: Node) -> Annotation:
    sequence = part.child("charseq")
    place = (sequence.number("START"), sequence.number("END") + 1)
    return Annotation(label, (place,), sequence.text(), sequence.error)


def _stripped(written: str) -> str:
    return _TAG.sub("", written)


def _body(file: RawFile) -> tuple[int, int]:
    """Return where, in the text without tags, the content of `<TEXT>` stands."""
    written = file.text()
    begin, _, rest = written.partition("<TEXT>")
    body, close, _ = rest.partition("</TEXT>")
    if not close:
        raise FormatError(f"{file.name}: there is no <TEXT> that </TEXT> closes")
    start = len(_stripped(begin))
    return start, start + len(_stripped(body))
