"""Read JSON as it should be, and JSON as models write it, in linear time.

Both readers give the same values: `str`, `Number` (the literal as written), None,
True, False, `list`, and `Pairs` for objects, where a key may stand twice.
"""

from __future__ import annotations

import json
from typing import Any

from unibench.adapters.parsing.reading import UnreadableError

CLOSING = {
    '"': '"',
    "'": "'",
    "\u201c": "\u201d",
    "\u2018": "\u2019",
    "\u201e": "\u201c\u201d",
}
"""What a string opens with, and what may close it."""
APOSTROPHES = "'\u2019"
_BLANK = " \t\r\n\f\v\u00a0\u2028\u2029\ufeff"
_WORDS = {"null": None, "None": None, "true": True, "True": True}
_WORDS |= {"false": False, "False": False}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_MAX_DEPTH = 16


class Number(str):
    """A number, spelt as in the answer."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """The members of an object, in order, repeated keys included."""


class _Cut:
    """Stands for an item that the end of the text cut off."""


CUT = _Cut()


def strict_json(text: str) -> Any:
    """Return the value of `text`.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=Pairs,
            parse_int=Number,
            parse_float=Number,
            parse_constant=Number,
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def list_or_text(text: str) -> Any:
    """Return the JSON list, object or string that `text` is, None where it is none."""
    try:
        value = strict_json(text)
    except ValueError:
        return None
    return value if isinstance(value, list | str) else None


class LenientReader:
    """Read one value from `text` at `position`, noting what had to be mended."""

    def __init__(
        self, text: str, position: int = 0, *, bare_words: bool = True
    ) -> None:
        """Start at `position`; `bare_words` allows strings without quotes."""
        self.text = text
        self.position = position
        self.bare_words = bare_words
        self.repairs: dict[str, None] = {}
        self.cut_items = 0

    @property
    def was_cut(self) -> bool:
        """Whether the text ended inside a structure."""
        return "cut" in self.repairs

    def value(self, depth: int = 0) -> Any:
        """Return the value that starts here, or `CUT` where the text ends first."""
        if depth > _MAX_DEPTH:
            raise UnreadableError("too_deep")
        self.skip_blanks()
        character = self._peek()
        if not character:
            return self._cut()
        if character == "[":
            return self._list(depth)
        if character == "{":
            return self._object(depth)
        if character in CLOSING:
            return self._string(character)
        return self._word()

    def skip_blanks(self) -> None:
        """Go on to the next character that is not blank."""
        while self._peek() and self._peek() in _BLANK:
            self.position += 1

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _cut(self) -> _Cut:
        self.repairs["cut"] = None
        return CUT

    def _list(self, depth: int) -> list[Any]:
        items: list[Any] = []
        self.position += 1
        while self._more("]", first=not items):
            item = self.value(depth + 1)
            if item is CUT:
                self.cut_items += 1
                break
            items.append(item)
        return items

    def _object(self, depth: int) -> Pairs:
        pairs = Pairs()
        self.position += 1
        while self._more("}", first=not pairs):
            key = self.value(depth + 1)
            if not isinstance(key, str):
                self._refuse_key(key)
                break
            self.skip_blanks()
            if self._peek() not in {":", ""}:
                raise UnreadableError("prose")
            self.position += 1
            value = self.value(depth + 1)
            if value is CUT:
                self.cut_items += 1
                break
            pairs.append((key, value))
        return pairs

    def _refuse_key(self, key: Any) -> None:
        if key is not CUT:
            raise UnreadableError("prose")
        self.cut_items += 1

    def _more(self, close: str, *, first: bool) -> bool:
        """Whether another item follows; steps over the comma or the bracket."""
        self.skip_blanks()
        commas = 0
        while self._peek() == ",":
            self.position += 1
            commas += 1
            self.skip_blanks()
        character = self._peek()
        if not character:
            self._cut()
            return False
        if character == close:
            self.position += 1
            if commas:
                self.repairs["trailing_comma"] = None
            return False
        if commas > 1 or (first and commas):
            self.repairs["extra_comma"] = None
        if not first and not commas:
            self._missing_comma(character)
        return True

    def _missing_comma(self, character: str) -> None:
        if character not in CLOSING and character not in "[{":
            raise UnreadableError("quotes" if character.isalnum() else "prose")
        self.repairs["missing_comma"] = None

    def _string(self, opening: str) -> str | _Cut:
        if opening != '"':
            self.repairs["quotes"] = None
        self.position += 1
        pieces: list[str] = []
        while character := self._peek():
            self.position += 1
            if character == "\\":
                pieces.append(self._escape())
            elif self._closes(character, opening):
                return "".join(pieces)
            else:
                if character in "\n\r":
                    self.repairs["line_feed"] = None
                pieces.append(character)
        return self._cut()

    def _closes(self, character: str, opening: str) -> bool:
        """Whether a quote ends the string; one inside a word is an apostrophe."""
        if character not in CLOSING[opening]:
            return False
        following, before = self._peek(), self.text[self.position - 2]
        if not following.isalnum():
            return True
        if character in APOSTROPHES and before.isalnum():
            return False
        raise UnreadableError("quotes")

    def _escape(self) -> str:
        character = self._peek()
        self.position += 1
        if character == "u":
            digits = self.text[self.position : self.position + 4]
            if len(digits) == 4 and all(d in "0123456789abcdefABCDEF" for d in digits):
                self.position += 4
                return chr(int(digits, 16))
        if character in _ESCAPES:
            return _ESCAPES[character]
        if character in "\"'\\/":
            return character
        self.repairs["escape"] = None
        return "\\" + character

    def _word(self) -> Any:
        start = self.position
        while (character := self._peek()) and character not in ",]}:\n":
            if character in "[{" or (character in CLOSING and character != "'"):
                raise UnreadableError("quotes")
            self.position += 1
        word = self.text[start : self.position].strip(_BLANK)
        if not self._peek():
            return self._cut()
        if word in _WORDS:
            return _WORDS[word]
        if _is_number(word):
            return Number(word)
        if not word or not self.bare_words:
            raise UnreadableError("prose")
        self.repairs["bare_words"] = None
        return word


def _is_number(word: str) -> bool:
    digits = word.removeprefix("-")
    return digits.replace(".", "", 1).isdecimal() and digits.isascii()
