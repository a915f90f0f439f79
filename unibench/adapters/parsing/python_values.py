"""Read lists of constructor calls as text: nothing is imported, run or evaluated."""

from __future__ import annotations

import re
from typing import NamedTuple

from unibench.adapters.parsing.reading import UnreadableError

_NAME = re.compile(r"[^\W\d]\w{0,200}")
_ASSIGNMENT = re.compile(r"results?[ \t]*=[ \t\n]*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}
_HEX = {"x": 2, "u": 4, "U": 8}
_BLANK = " \t\r\n\f\v\u00a0\ufeff"


class Call(NamedTuple):
    """A constructor call: the class, the argument's name, and its strings."""

    name: str
    argument: str
    texts: tuple[str, ...] | None


class CallReader:
    """Read one list of calls from `text` at `position`, noting what was mended.

    `items` holds calls, and None for an item that is none.
    """

    def __init__(self, text: str, position: int = 0) -> None:
        """Start at `position`."""
        self.text = text
        self.position = position
        self.items: list[Call | None] = []
        self.repairs: dict[str, None] = {}
        self.cut_items = 0

    def read(self) -> None:
        """Read `[Call(...), ...]`, or calls without the brackets.

        Raises:
            UnreadableError: there is no such list here.
        """
        assignment = _ASSIGNMENT.match(self.text, self.position)
        if assignment:
            self.position = assignment.end()
        self._skip()
        opening = self._peek()
        if opening in "[(" and opening:
            self.position += 1
            self._sequence("]" if opening == "[" else ")")
        elif _NAME.match(self.text, self.position):
            self.repairs["no_list"] = None
            self._sequence("")
        else:
            raise UnreadableError("prose")

    def rest(self) -> str:
        """Return what follows the list, without comments and blanks."""
        lines = self.text[self.position :].splitlines()
        return "\n".join(line.partition("#")[0] for line in lines).strip(_BLANK)

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _skip(self) -> None:
        while self._peek() and self._peek() in _BLANK:
            self.position += 1

    def _cut(self, items: int) -> None:
        self.repairs["cut"] = None
        self.cut_items += items

    def _sequence(self, close: str) -> None:
        """Read items up to `close`; without brackets up to the end of the calls."""
        while True:
            self._skip()
            if self._ends(close):
                return
            before = len(self.items)
            if not self._item():
                self._cut(1)
                return
            self._skip()
            if self._peek() == ",":
                self.position += 1
            elif self._peek() not in {close, ""} and close:
                self.repairs["missing_comma"] = None
                if len(self.items) == before:
                    raise UnreadableError("prose")
            elif not close:
                return

    def _ends(self, close: str) -> bool:
        if not self._peek():
            if close:
                self._cut(0)
            return True
        if close and self._peek() == close:
            self.position += 1
            return True
        return False

    def _item(self) -> bool:
        """Read one item; False when the text ends inside it."""
        if self._peek() in "\"'":
            if self._string() is None:
                return False
            self.items.append(None)
            return True
        name = _NAME.match(self.text, self.position)
        if name is None:
            raise UnreadableError("prose")
        self.position = name.end()
        self._skip()
        if not self._peek():
            return False
        if self._peek() != "(":
            raise UnreadableError("prose")
        self.position += 1
        return self._arguments(name[0])

    def _arguments(self, name: str) -> bool:
        self._skip()
        argument = ""
        named = _NAME.match(self.text, self.position)
        if named and self.text[named.end() : named.end() + 3].lstrip().startswith("="):
            argument = named[0]
            self.position = self.text.index("=", named.end()) + 1
            self._skip()
        texts = self._value()
        if texts is None:
            return False
        self._skip()
        if self._peek() == ",":  # a further argument is not expected
            self.position += 1
            self._skip()
        if not self._peek():
            return False
        if self._peek() != ")":
            raise UnreadableError("quotes")
        self.position += 1
        self.items.append(Call(name, argument, texts))
        return True

    def _value(self) -> tuple[str, ...] | None:
        """Read a string, a list of strings, None or bare words; None when cut."""
        character = self._peek()
        if not character:
            return None
        if character == ")":
            return ()
        if character in "\"'":
            text = self._string()
            return None if text is None else (text,)
        if character == "[":
            return self._strings()
        return self._bare()

    def _bare(self) -> tuple[str, ...] | None:
        end = self.text.find(")", self.position)
        if end < 0:
            return None
        word = self.text[self.position : end].strip(_BLANK)
        if any(character in "\"'[](" for character in word):
            raise UnreadableError("quotes")
        self.position = end
        if word == "None":
            return ()
        self.repairs["bare_words"] = None
        return (word,)

    def _strings(self) -> tuple[str, ...] | None:
        self.repairs["list_argument"] = None
        self.position += 1
        texts: list[str] = []
        while True:
            self._skip()
            character = self._peek()
            if character == "]":
                self.position += 1
                return tuple(texts)
            if not character:
                return None
            if character == ",":
                self.position += 1
            elif character in "\"'":
                text = self._string()
                if text is None:
                    return None
                texts.append(text)
            else:
                raise UnreadableError("quotes")

    def _string(self) -> str | None:
        """Read a string literal; None when the text ends inside it."""
        quote = self._peek()
        self.position += 1
        pieces: list[str] = []
        while character := self._peek():
            self.position += 1
            if character == "\\":
                pieces.append(self._escape())
            elif character == quote:
                if self._peek().isalnum():
                    raise UnreadableError("quotes")
                return "".join(pieces)
            else:
                if character in "\r\n":
                    self.repairs["line_feed"] = None
                pieces.append(character)
        return None

    def _escape(self) -> str:
        character = self._peek()
        self.position += 1
        digits = self.text[self.position : self.position + _HEX.get(character, 0)]
        if digits and len(digits) == _HEX[character]:
            try:
                decoded = chr(int(digits, 16))
            except (ValueError, OverflowError):
                return "\\" + character
            self.position += len(digits)
            return decoded
        return _ESCAPES.get(character, "\\" + character)
