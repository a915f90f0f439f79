"""Read what a teacher answers: `[("entity", "type"), ...]`, in linear time.

Strictly, only a list of pairs of quoted strings is one, as Python writes it. With
repairs, what stands around the list, other brackets and quotes, missing commas and
the like are mended, and each kind of repair is named.
"""

from __future__ import annotations

import re
from collections import Counter

import msgspec

from unibench.adapters.parsing.clean import fenced, is_none
from unibench.adapters.parsing.reading import MAX_CHARACTERS, repeats
from unibench.backends.base import PROMPT_TOO_LONG
from unibench.schema.distillation import CutPolicy
from unibench.schema.query import Response

Pair = tuple[str, str]


class TupleList(msgspec.Struct, kw_only=True):
    """What was read: pairs of entity and type, or `error`, the reason for rejection.

    `repairs` are the kinds of repair that were needed; `dropped` counts items of the
    list that are no pair.
    """

    pairs: list[Pair] = []
    error: str = ""
    repairs: dict[str, None] = {}
    dropped: Counter[str] = msgspec.field(default_factory=Counter)


_QUOTED = r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\''
_PAIR = re.compile(rf"\(\s*({_QUOTED})\s*,\s*({_QUOTED})\s*,?\s*\)")
_LIST_PAIR = re.compile(rf"\[\s*({_QUOTED})\s*,\s*({_QUOTED})\s*,?\s*\]")
_OTHER_TUPLE = re.compile(
    rf"[(\[]\s*(?:(?:{_QUOTED}|[\w.+-]+)\s*(?:,\s*|(?=[)\]])))*[)\]]"
)
_OPEN = "[\"'\u201c\u2018\u00ab\u201e]"
_CLOSE = "[\"'\u201d\u2019\u00bb\u201c]"
_LOOSE = re.compile(  # quotes inside quotes, and typographic ones
    rf"[(\[]\s*{_OPEN}([^\n]{{1,300}}?){_CLOSE}\s*,\s*{_OPEN}([^\n]{{1,300}}?){_CLOSE}"
    r"\s*[)\]](?=\s*(?:,|\]|\(|\[|$))"
)
_PLAIN = "[^\"'\u201c\u201d\u2018\u00ab\u00bb\u201e(),\\[\\]\\n]{1,200}?"
_BARE = re.compile(rf"\(\s*({_PLAIN})\s*,\s*({_PLAIN})\s*\)")
_OBJECT = re.compile(
    rf"\{{\s*({_QUOTED})\s*:\s*({_QUOTED})\s*,\s*({_QUOTED})\s*:\s*({_QUOTED})\s*,?\s*\}}"
)
_TYPE_KEYS = ("type", "label", "category", "class", "definition")
_START = re.compile(rf"\[\s*(?=[(\[{{\]])|(?=\(\s*{_OPEN})")
_BLANK = re.compile(r"\s*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|as an ai|i (?:can(?:no|')t|am unable|am not able|won't)"
    r"|unable to (?:assist|help|comply))\b",
    re.IGNORECASE,
)
_REFUSED = {"refusal", "content_filter"}


def read_tuples(
    response: Response, *, repair: bool, limit: int, cut: CutPolicy = "reject"
) -> TupleList:
    """Return the pairs of an answer, or why it cannot be used; never raise.

    More than `limit` pairs are no answer about a passage: `too_many`. A list without
    an end is `cut`, unless the policy says to keep what came before.
    """
    if response.finish_reason == PROMPT_TOO_LONG:
        return TupleList(error=PROMPT_TOO_LONG)
    if response.finish_reason in _REFUSED:
        return TupleList(error="refusal")
    text = response.text.strip()
    if not text:
        return TupleList(error="empty")
    if len(text) > MAX_CHARACTERS:
        return TupleList(error="too_long")
    found = _Reader(text, repair=repair, limit=limit).read()
    if found.error and response.finish_reason == "length":
        found.error = "cut"
    if found.error == "cut" and _may_stay(found.pairs, cut):
        found.error = ""
        found.repairs["cut"] = None
    if found.error:
        found.pairs = []
    return found


def _may_stay(pairs: list[Pair], cut: CutPolicy) -> bool:
    if cut == "reject" or not pairs:
        return False
    return cut == "keep" or repeats(pairs)


class _Reader:
    """Reads one answer from left to right."""

    def __init__(self, text: str, *, repair: bool, limit: int) -> None:
        self.text, self.repair, self.limit = text, repair, limit
        self.at = 0
        self.found = TupleList()

    def read(self) -> TupleList:
        if not self._begin():
            return self.found
        while not self.found.error and not self._ended():
            self._item()
        return self.found

    def _mend(self, kind: str) -> bool:
        """Note a repair; where none are wanted, the kind is why it is rejected."""
        if not self.repair:
            self.found.error = kind
            return False
        self.found.repairs[kind] = None
        return True

    def _begin(self) -> bool:
        """Go to the first item; whether there is a list at all."""
        if self.repair and (inner := fenced(self.text)) is not None:
            self.text = inner
            self._mend("fence")
        start = _START.search(self.text)
        if start is None:
            return self._no_list()
        if start.start() > 0 and not self._mend("chatter"):
            return False
        if not start.group() and not self._mend("no_list"):
            return False
        self.at = start.end()
        return True

    def _no_list(self) -> bool:
        if is_none(self.text) and self._mend("none_word"):
            return False
        if self.found.error:
            return False
        if _REFUSAL.search(self.text[:300]):
            self.found.error = "refusal"
        elif self.text.startswith("["):
            self.found.error = "not_pairs"
        else:
            self.found.error = "prose"
        return False

    def _ended(self) -> bool:
        """Step over commas; whether the list ends here, and whether it should."""
        self._blanks()
        commas = 0
        while self.text.startswith(",", self.at):
            self.at += 1
            commas += 1
            self._blanks()
        if commas > 1 or (commas and not self._read_any):
            self._mend("extra_comma")
        if self.at >= len(self.text):
            # Tuples without a list around them have no end that could be missing.
            if "no_list" not in self.found.repairs:
                self.found.error = "cut"
            return True
        if self.text[self.at] == "]" and "no_list" not in self.found.repairs:
            if self.text[self.at + 1 :].strip():
                self._mend("chatter")
            return True
        if self._read_any and not commas:
            return self._gap()
        return bool(self.found.error)

    @property
    def _read_any(self) -> bool:
        return bool(self.found.pairs or self.found.dropped)

    def _gap(self) -> bool:
        """Something follows an item without a comma: an item, or the end."""
        if self.text[self.at] in "([{":
            return not self._mend("missing_comma")
        if "no_list" in self.found.repairs:
            self._mend("chatter")
            return True
        self.found.error = "prose"
        return True

    def _item(self) -> None:
        if match := _PAIR.match(self.text, self.at):
            self._take(match.end(), _unquoted(match[1]), _unquoted(match[2]))
            return
        if not self.repair:
            self.found.error = self._why_not()
            return
        for pattern, kind in ((_LIST_PAIR, "lists"), (_OBJECT, "objects")):
            if match := pattern.match(self.text, self.at):
                self._mend(kind)
                self._take(match.end(), *_pair_of(match))
                return
        if match := _BARE.match(self.text, self.at):
            self._mend("bare_words")
            self._take(match.end(), match[1], match[2])
        elif match := _OTHER_TUPLE.match(self.text, self.at):
            self.found.dropped["not_a_pair"] += 1
            self.at = match.end()
        elif match := _LOOSE.match(self.text, self.at):
            self._mend("quotes")
            self._take(match.end(), match[1], match[2])
        else:
            self.found.error = self._why_not()

    def _why_not(self) -> str:
        """Name what stands where a pair should be."""
        rest = self.text[self.at :]
        if _OTHER_TUPLE.match(rest) or rest.startswith("{"):
            return "not_pairs"
        if not rest.startswith(("(", "[")):
            return "prose"
        closed = re.search(r"[)\]]", rest) is not None
        return "quotes" if closed else "cut"

    def _take(self, end: int, entity: str, entity_type: str) -> None:
        self.found.pairs.append((entity, entity_type))
        self.at = end
        if len(self.found.pairs) > self.limit:
            self.found.error = "too_many"

    def _blanks(self) -> None:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at


def _pair_of(match: re.Match[str]) -> Pair:
    """Return entity and type of a two-item list, or of an object by its keys."""
    parts = [_unquoted(group) for group in match.groups()]
    if len(parts) == 2:
        return parts[0], parts[1]
    first_key, first, _, second = parts
    if any(name in first_key.casefold() for name in _TYPE_KEYS):
        return second, first
    return first, second


def _unquoted(literal: str) -> str:
    body = literal[1:-1]
    if "\\" not in body:
        return body
    text = _ESCAPE.sub(_unescaped, body)
    # JSON spells characters beyond the first plane as two halves; a lone half is none.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code)
