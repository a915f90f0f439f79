"""What every reader of answers shares: the notes it takes and the names it knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from unibench.schema.query import Parsed
from unibench.schema.text import Mention, Span

MAX_CHARACTERS = 1 << 20
"""Longer answers are `parse_error: too_long`: no passage needs a mebibyte."""


class UnreadableError(Exception):
    """Nothing can be read; never leaves a parser: it becomes `Parsed.parse_error`."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Answer:
    """A raw answer with what was asked: what every parser is given."""

    def __init__(
        self,
        text: str,
        types: Sequence[str],
        *,
        passage: str = "",
        finish_reason: str = "stop",
        stops: Sequence[str] = (),
        words: Sequence[Span] = (),
    ) -> None:
        """Take the text, the asked types, and how the generation ended.

        `stops` are the end tokens and role cues of the prompt's template; `passage`
        is the text that was asked about and `words` its words, for readers that
        align the answer with it.
        """
        self.text = text
        self.types = TypeNames(types)
        self.passage = passage
        self.was_cut = finish_reason == "length"
        self.stops = tuple(stops)
        self.words = tuple(words)


class TypeNames:
    """The asked types, found exactly, or else but for case and outer blanks."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take the asked types; two that differ in case only are found exactly only."""
        self.names = tuple(names)
        self._exact = set(self.names)
        folded = Counter(fold(name) for name in self.names)
        self._folded = {fold(n): n for n in self.names if folded[fold(n)] == 1}

    def find(self, name: str) -> str | None:
        """Return the asked type that `name` means, None if there is none."""
        if name in self._exact:
            return name
        return self._folded.get(fold(name))


def fold(name: str) -> str:
    """Return `name` without case and outer blanks, runs of blanks as one."""
    return " ".join(name.split()).casefold()


class Reading:
    """The notes of a parser while it reads one answer."""

    def __init__(self, types: TypeNames) -> None:
        """Start with nothing read."""
        self.types = types
        self.mentions: list[Mention] = []
        self.repairs: dict[str, None] = {}
        self.dropped: Counter[str] = Counter()
        self.flags: dict[str, None] = {}

    def repair(self, *kinds: str) -> None:
        """Note that something was mended on the way."""
        self.repairs.update(dict.fromkeys(kinds))

    def flag(self, kind: str) -> None:
        """Note something odd that changed nothing."""
        self.flags[kind] = None

    def drop(self, reason: str, count: int = 1) -> None:
        """Count pieces that were left out."""
        if count:
            self.dropped[reason] += count

    def add(self, type_name: str, text: str) -> None:
        """Take one mention, or count why it cannot be taken."""
        found = self.types.find(type_name)
        if found is None:
            self.drop("unasked_type")
            return
        if found != type_name:
            self.repair("type_case")
        self.take(found, text)

    def take(self, asked_type: str, text: str) -> None:
        """Take one mention of a type that was asked, outer blanks removed."""
        stripped = text.strip()
        if not stripped:
            self.drop("empty_mention")
            return
        if any("\ud800" <= character <= "\udfff" for character in stripped):
            self.drop("broken_character")  # half of a surrogate pair is no text
            return
        if stripped != text:
            self.repair("blanks")
        self.mentions.append(Mention(asked_type, stripped))

    def parsed(self) -> Parsed:
        """Return the notes as the result of the parser."""
        return Parsed(
            mentions=tuple(self.mentions),
            repairs=tuple(self.repairs),
            dropped=dict(self.dropped),
            flags=tuple(self.flags),
        )


def run(read: Callable[[Answer, Reading], None], answer: Answer) -> Parsed:
    """Let `read` read `answer`; what cannot be read becomes a named parse error."""
    reading = Reading(answer.types)
    try:
        if len(answer.text) > MAX_CHARACTERS:
            raise UnreadableError("too_long")
        read(answer, reading)
    except UnreadableError as error:
        return Parsed(parse_error=error.kind, flags=tuple(reading.flags))
    return reading.parsed()


def repeats(items: Sequence[object], longest: int = 8) -> bool:
    """Whether the last items are one group of at most `longest`, three times over."""
    for size in range(1, longest + 1):
        tail = items[-size:]
        if len(items) < 3 * size:
            return False
        if all(items[-k * size : len(items) - (k - 1) * size] == tail for k in (2, 3)):
            return True
    return False
