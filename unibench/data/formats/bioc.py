"""BioC, as XML and as JSON: documents of passages with annotations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import msgspec

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.ids import UniqueIds
from unibench.data.formats.json_rows import decode_json
from unibench.data.formats.offsets import (
    Annotation,
    OffsetOptions,
    Pieces,
    mentions_of,
)
from unibench.data.formats.xml_tree import Node, parse_xml
from unibench.errors import FormatError
from unibench.schema.text import Passage


class Location(msgspec.Struct, frozen=True):
    """Where a piece of a mention stands, counted from the document's start."""

    offset: int
    length: int


class BiocAnnotation(msgspec.Struct, frozen=True):
    """A mention; its label is one of the `infons`. `line` is 0 in JSON."""

    locations: tuple[Location, ...]
    infons: dict[str, Any] = {}
    text: str | None = None
    line: int = 0


class BiocText(msgspec.Struct, frozen=True):
    """A passage, or a sentence in one."""

    offset: int
    text: str | None = None
    annotations: tuple[BiocAnnotation, ...] = ()
    sentences: tuple[BiocText, ...] = ()


class BiocDocument(msgspec.Struct, frozen=True):
    """A document; `annotations` are those that stand beside its passages."""

    id: str
    passages: tuple[BiocText, ...]
    annotations: tuple[BiocAnnotation, ...] = ()


class BiocCollection(msgspec.Struct, frozen=True):
    """What a BioC JSON file holds."""

    documents: tuple[BiocDocument, ...]


class _Bioc(Format):
    """What both spellings share: from documents to passages."""

    class Options(OffsetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
        """`label` is the key of an annotation's infons that holds the raw label."""

        label: str = "type"

    options: Options

    @abstractmethod
    def documents(self, file: RawFile) -> Iterable[BiocDocument]:
        """Return the documents of one file."""

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage for each document: its passages joined by one blank."""
        ids = UniqueIds()
        for file in files:
            for document in self.documents(file):
                yield self._passage(file, document, ids.take(document.id))

    def _passage(self, file: RawFile, document: BiocDocument, name: str) -> Passage:
        parts = [part for passage in document.passages for part in _parts(passage)]
        texts = [(part.offset, part.text or "") for part in parts]
        starts, length = [], 0
        for _, text in texts:
            starts.append(length)
            length += len(text) + 1
        places = [
            (offset, offset + len(text), start - offset)
            for (offset, text), start in zip(texts, starts, strict=True)
        ]
        if any(one[1] > other[0] for one, other in pairwise(places)):
            raise FormatError(
                f"{file.name}: document {document.id}: the offsets of its passages"
                " overlap"
            )
        marks = [*document.annotations]
        for passage in document.passages:
            marks += [
                a for part in (passage, *passage.sentences) for a in part.annotations
            ]
        annotations = [self._annotation(file, document, mark, places) for mark in marks]
        body = " ".join(text for _, text in texts)
        mentions = mentions_of(body, annotations, self.options.mismatch, self.repairs)
        return Passage(name, body, mentions, document.id)

    def _annotation(
        self,
        file: RawFile,
        document: BiocDocument,
        mark: BiocAnnotation,
        places: Sequence[tuple[int, int, int]],
    ) -> Annotation:
        error = partial(_error, file, mark.line, document.id)
        label = mark.infons.get(self.options.label)
        if not isinstance(label, str) or not label:
            raise error(f"an annotation without the infon {self.options.label!r}")
        pieces: Pieces = tuple(_piece(location, places) for location in mark.locations)
        return Annotation(label, pieces, mark.text, error)


class BiocXml(_Bioc):
    """Read BioC XML; a passage is a document, its BioC passages joined by one blank.

    For example::

        <collection><document><id>7</id>
          <passage><offset>0</offset><text>On asthma.</text>
            <annotation id="0"><infon key="type">Disease</infon>
              <location offset="3" length="6"/><text>asthma</text></annotation>
          </passage>
        </document></collection>

    Several locations are a discontinuous mention. Relations are passed over.
    """

    def documents(self, file: RawFile) -> Iterator[BiocDocument]:
        """Yield the documents of one file."""
        root = parse_xml(file)
        if root.tag != "collection":
            raise root.error(f"<{root.tag}> is no BioC <collection>")
        for node in root.children("document"):
            yield BiocDocument(
                node.child("id").text(),
                tuple(_text(child) for child in node.children("passage")),
                tuple(_mark(child) for child in node.children("annotation")),
            )


class BiocJson(_Bioc):
    """Read BioC JSON: the same as BioC XML with lists of objects."""

    def documents(self, file: RawFile) -> Iterable[BiocDocument]:
        """Return the documents of one file."""
        return decode_json(file, BiocCollection).documents


def _error(file: RawFile, line: int, document: str, problem: str) -> FormatError:
    place = f"line {line}" if line else f"document {document}"
    return FormatError(f"{file.name}: {place}: {problem}")


def _parts(passage: BiocText) -> Sequence[BiocText]:
    """The passage if it has a text of its own, else its sentences."""
    return (passage,) if passage.text is not None else passage.sentences


def _piece(
    location: Location, places: Sequence[tuple[int, int, int]]
) -> tuple[int, int]:
    """Move a place in the document into the joined text; (-1, -1) if it is in none."""
    end = location.offset + location.length
    for first, after, shift in places:
        if first <= location.offset and end <= after:
            return (location.offset + shift, end + shift)
    return (-1, -1)


def _text(node: Node) -> BiocText:
    offset = node.child("offset")
    own = next(node.children("text"), None)
    return BiocText(
        offset.as_number(offset.text()),
        None if own is None else own.text(),
        tuple(_mark(child) for child in node.children("annotation")),
        tuple(_text(child) for child in node.children("sentence")),
    )


def _mark(node: Node) -> BiocAnnotation:
    quoted = next(node.children("text"), None)
    return BiocAnnotation(
        tuple(
            Location(place.number("offset"), place.number("length"))
            for place in node.children("location")
        ),
        {infon.attribute("key"): infon.text() for infon in node.children("infon")},
        None if quoted is None else quoted.text(),
        node.line,
    )
