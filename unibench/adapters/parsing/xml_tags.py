"""Class F: the passage with XML tags around its mentions (EvalScope)."""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from unibench.adapters.parsing.clean import cleaned, fenced, is_none
from unibench.adapters.parsing.reading import (
    Answer,
    Reading,
    UnreadableError,
    fold,
    run,
)
from unibench.schema.query import Parsed

_TAG = re.compile(r"<(/?)([^\W\d][\w .:=\"'-]{0,200}?)[ \t]*(/?)>")
_BRACKET = re.compile(r"\[(/?)([^\W\d][\w -]{0,200})\]")
_OPEN, _CLOSE = "<response>", "</response>"


class _Open(NamedTuple):
    """A tag that has not closed yet: its name and where its text starts."""

    name: str
    start: int


def tag_name(entity_type: str) -> str:
    """Return the tag of an asked type: word characters only, lower case."""
    return re.sub(r"\W+", "_", entity_type.strip().casefold())


def xml_tags(answer: Answer) -> Parsed:
    """Read `<response><type>mention</type> ...</response>`."""
    return run(_read, answer)


def _read(answer: Answer, reading: Reading) -> None:
    text = cleaned(answer, reading)
    block = fenced(text)
    if block:
        reading.repair("fence")
        text = block
    if is_none(text):
        reading.repair("none_word")
        return
    text = _unescaped(text, answer, reading)
    body = _body(text, answer, reading)
    plain = _Body(body, answer, reading).read()
    if "".join(plain.split()) != "".join(answer.passage.split()) and answer.passage:
        reading.flag("text_changed")


def _unescaped(text: str, answer: Answer, reading: Reading) -> str:
    """Turn `&lt;` and `[type]` into tags where there are no others."""
    if _TAG.search(text) or not answer.types.names:
        return text
    if "&lt;" in text:
        reading.repair("entities")
        return html.unescape(text)
    names = {tag_name(name) for name in answer.types.names}
    if any(tag_name(match[2]) in names for match in _BRACKET.finditer(text)):
        reading.repair("brackets")
        return _BRACKET.sub(r"<\1\2>", text)
    return text


def _body(text: str, answer: Answer, reading: Reading) -> str:
    """Return what stands in the first response block, or the whole without one."""
    start = text.find(_OPEN)
    if start < 0:
        if not _TAG.search(text):
            raise UnreadableError("no_tags")
        reading.repair("no_response")
        return text
    body, closed, rest = text[start + len(_OPEN) :].partition(_CLOSE)
    if _OPEN in rest:
        reading.repair("run_on")
    elif text[:start].strip() or rest.strip():
        reading.repair("chatter")
    if not closed:
        reading.repair("cut")
    if not body.strip():
        raise UnreadableError("empty")
    return body


class _Body:
    """The reading of one response block: a stack of open tags."""

    def __init__(self, text: str, answer: Answer, reading: Reading) -> None:
        self.text, self.answer, self.reading = text, answer, reading
        self.names = {tag_name(name): name for name in answer.types.names}
        self.plain: list[str] = []
        self.length = 0
        self.stack: list[_Open] = []
        self.found: list[tuple[int, int, str, str]] = []

    def read(self) -> str:
        """Take the mentions in order of their starts; return the text without tags."""
        end = 0
        for tag in _TAG.finditer(self.text):
            if tag[0] in self.answer.passage:
                continue
            self._write(self.text[end : tag.start()])
            end = tag.end()
            self._tag(tag)
        rest = self.text[end:]
        cut = "cut" in self.reading.repairs
        self._write(rest.partition("<")[0] if cut else rest)
        for _ in self.stack:
            self.reading.repair("cut" if cut else "unclosed")
            self.reading.drop("cut" if cut else "unclosed")
        for _, _, name, text in sorted(self.found, key=lambda f: (f[0], -f[1])):
            self._take(name, text)
        return "".join(self.plain)

    def _write(self, text: str) -> None:
        self.plain.append(text)
        self.length += len(text)

    def _tag(self, tag: re.Match[str]) -> None:
        closing, content, single = tag.groups()
        name = self._name(content)
        if single:
            self.reading.drop("empty_mention")
        elif closing:
            self._close(name)
        else:
            self.stack.append(_Open(name, self.length))

    def _name(self, content: str) -> str:
        """The name of a tag; attributes and blanks are noted and left out."""
        if tag_name(content) in self.names and " " in content.strip():
            self.reading.repair("tag_blank")
            return content
        name, blank, rest = content.strip().partition(" ")
        if blank and "=" in rest:
            self.reading.repair("attributes")
            return name
        return content.strip()

    def _close(self, name: str) -> None:
        """Close the nearest open tag of that name, or else the last one."""
        same = [at for at, tag in enumerate(self.stack) if fold(tag.name) == fold(name)]
        if not self.stack:
            self.reading.drop("unopened")
            return
        if not same:
            self.reading.repair("closing_tag")
        at = same[-1] if same else len(self.stack) - 1
        for _ in self.stack[at + 1 :]:
            self.reading.repair("unclosed")
            self.reading.drop("unclosed")
        opened = self.stack[at]
        del self.stack[at:]
        text = "".join(self.plain)[opened.start : self.length]
        self.found.append((opened.start, self.length, opened.name, text))

    def _take(self, name: str, text: str) -> None:
        asked = self.names.get(tag_name(name))
        if asked is None:
            self.reading.drop("unasked_type")
            return
        if name not in {asked, tag_name(asked), asked.replace(" ", "_")}:
            self.reading.repair("type_case")
        if "\n" in text or "\r" in text:
            self.reading.repair("line_feed")
            text = " ".join(text.split())
        self.reading.take(asked, text)
