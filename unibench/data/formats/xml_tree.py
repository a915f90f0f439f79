"""Parse XML safely: no entity is declared or fetched, every element knows its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from unibench.data.formats.base import RawFile
from unibench.errors import FormatError

DEEPEST = 100
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")


@dataclass
class Node:
    """An element: its content is text and elements in order, `line` where it begins."""

    file: RawFile
    line: int
    tag: str
    attributes: dict[str, str]
    content: list[Node | str] = field(default_factory=list)

    def error(self, problem: str) -> FormatError:
        """Return the error that names the file and this element's line."""
        return self.file.error(self.line, problem)

    def children(self, tag: str = "") -> Iterator[Node]:
        """Yield the elements right below this one, only those called `tag` if given."""
        for part in self.content:
            if isinstance(part, Node) and tag in ("", part.tag):
                yield part

    def descendants(self, tag: str) -> Iterator[Node]:
        """Yield the elements called `tag` at any depth below this one, in order."""
        for child in self.children():
            if child.tag == tag:
                yield child
            yield from child.descendants(tag)

    def child(self, tag: str) -> Node:
        """Return the first element called `tag` right below this one."""
        for node in self.children(tag):
            return node
        raise self.error(f"<{self.tag}> has no <{tag}>")

    def text(self) -> str:
        """Return all text in this element, also that of the elements inside."""
        return "".join(
            part if isinstance(part, str) else part.text() for part in self.content
        )

    def attribute(self, name: str) -> str:
        """Return the attribute called `name`."""
        if name not in self.attributes:
            raise self.error(f"<{self.tag}> has no attribute {name!r}")
        return self.attributes[name]

    def number(self, name: str) -> int:
        """Return the attribute called `name`, a whole number."""
        return self.as_number(self.attribute(name))

    def as_number(self, value: str) -> int:
        """Return `value`, which this element gives, as a whole number."""
        if not re.fullmatch(r"\s*\d{1,9}\s*", value, re.ASCII):
            raise self.error(f"<{self.tag}>: {value!r} is no whole number")
        return int(value)


def parse_xml(file: RawFile, content: str | None = None) -> Node:
    """Return the root element of `file`, or of `content` where it was mended first.

    A document type may be named but is not fetched. Declared entities are refused:
    nested ones can fill the memory, external ones read other files.

    Raises:
        FormatError: the file is no well-formed XML, or declares entities.
    """
    parser = expat.ParserCreate()
    top = Node(file, 1, "", {})
    _Builder(top, parser)
    data = file.read()
    if content is not None:
        # The text is decoded already: what it declares must not decide again.
        data = _DECLARATION.sub("", content, count=1).encode()
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat takes no name
    except (expat.ExpatError, LookupError) as error:
        line = getattr(error, "lineno", 1)
        problem = str(error).partition(":")[0]
        raise file.error(line, f"no well-formed XML: {problem}") from error
    return next(top.children())


class _Builder:
    """Makes nodes of what expat reports."""

    def __init__(self, top: Node, parser: expat.XMLParserType) -> None:
        self.file, self.parser = top.file, parser
        self.open = [top]
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.data
        parser.EntityDeclHandler = self.refuse
        parser.SkippedEntityHandler = self.refuse
        parser.ExternalEntityRefHandler = self.refuse

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        node = Node(self.file, self.parser.CurrentLineNumber, tag, attributes)
        if len(self.open) > DEEPEST:
            raise node.error(f"elements are nested more than {DEEPEST} deep")
        self.open[-1].content.append(node)
        self.open.append(node)

    def end(self, _: str) -> None:
        self.open.pop()

    def data(self, text: str) -> None:
        self.open[-1].content.append(text)

    def refuse(self, *_: object) -> int:
        raise self.file.error(
            self.parser.CurrentLineNumber, "declares or uses an XML entity"
        )
