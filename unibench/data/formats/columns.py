"""Column files: one token a row, one of its columns holds the tag."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.tags import Scheme, Tag, TagReader, passage_of
from unibench.schema.text import Passage

DOCSTART = "-DOCSTART-"
BLANK_TOKENS = "rows without a token: left out"
_UNIT = "\x1f"  # between the columns of a CSV line that was read


class Columns(Format):
    """CoNLL-like files: columns, and a blank line between sentences."""

    class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        r"""What differs from file to file.

        `separator` is between columns; an empty one means any white space. `token`
        and `tag` are columns from 0, or from the end if negative; several `tag`
        columns are layers, whose union is taken. `docstart` says what a -DOCSTART-
        row is: left out (`skip`), a word of the text (`keep`), or a passage of its
        own (`instance`); it begins a document in each case. `blank_lines: ignore`
        makes one passage of a document, for a splitter to cut. Lines that begin with
        `comment` are left out. `language_prefix` takes `en:` off each token.
        `replace` changes pieces of tokens. `quoted` reads each line as CSV, where a
        row with an empty token ends a sentence. `blank_tokens: drop` leaves out rows
        outside of mentions whose token is empty or blank (a sentence of such rows
        alone is an empty passage); others are errors.
        `tags.TagReader` explains `scheme`, `suffix` and `bare_tags`.
        """

        separator: str = "\t"
        token: int = 0
        tag: int | tuple[int, ...] = -1
        scheme: Scheme = "IOB2"
        suffix: bool = False
        bare_tags: tuple[str, ...] = ()
        docstart: Literal["skip", "keep", "instance"] = "skip"
        blank_lines: Literal["end", "ignore"] = "end"
        comment: str = ""
        language_prefix: bool = False
        replace: dict[str, str] = {}
        quoted: bool = False
        blank_tokens: Literal["error", "drop"] = "error"
        encoding: str = "utf-8"

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield one passage per sentence; ids count from 0 through all files."""
        yield from _Sentences(self.options, files, self.repairs)


class _Sentences:
    """The state of one pass: what was counted, and the document that is open."""

    def __init__(
        self,
        options: Columns.Options,
        files: Sequence[RawFile],
        repairs: Counter[str],
    ) -> None:
        self.options, self.repairs = options, repairs
        self.files = files
        tag = options.tag
        self.columns = (tag,) if isinstance(tag, int) else tuple(tag)
        self.tags = TagReader(
            options.scheme, suffix=options.suffix, bare=options.bare_tags
        )
        self.separator = _UNIT if options.quoted else options.separator or None
        self.simple = not (
            options.comment
            or options.language_prefix
            or options.replace
            or options.blank_tokens == "drop"
        )
        self.count = self.documents = 0
        self.document = ""
        self.width = 0

    def __iter__(self) -> Iterator[Passage]:
        """Yield every sentence; the last of a file needs no blank line after it."""
        whole = self.options.blank_lines == "ignore"
        for file in self.files:
            self.width = 0
            for numbers, lines in self.documents_of(file) if whole else self.of(file):
                yield from self.sentence(file, numbers, lines)

    def of(self, file: RawFile) -> Iterator[tuple[Sequence[int], list[str]]]:
        """Yield (line numbers, lines) between blank lines."""
        lines: list[str] = []
        number = 0
        for first, chunk in self.chunks(file):
            for number, line in enumerate(chunk, start=first):
                if line and not line.isspace():
                    lines.append(line)
                elif lines:
                    yield range(number - len(lines), number), lines
                    lines = []
        if lines:
            yield range(number + 1 - len(lines), number + 1), lines

    def documents_of(self, file: RawFile) -> Iterator[tuple[Sequence[int], list[str]]]:
        """Yield (line numbers, lines) from one -DOCSTART- row to the next."""
        numbers: list[int] = []
        lines: list[str] = []
        for first, chunk in self.chunks(file):
            for number, line in enumerate(chunk, start=first):
                if DOCSTART in line and lines:
                    yield numbers, lines
                    numbers, lines = [], []
                if line and not line.isspace():
                    numbers.append(number)
                    lines.append(line)
        if lines:
            yield numbers, lines

    def chunks(self, file: RawFile) -> Iterator[tuple[int, list[str]]]:
        """Yield (number of the first line, many lines)."""
        for first, chunk in file.chunks(self.options.encoding):
            if self.options.quoted:
                yield first, _unquoted(file, first, chunk, self.options.token)
            else:
                yield first, chunk

    def sentence(
        self, file: RawFile, numbers: Sequence[int], lines: list[str]
    ) -> Iterable[Passage]:
        """Return the passages of the rows between two blank lines."""
        rows = [line.split(self.separator) for line in lines]
        if self.simple and {*map(len, rows)} == {self.width}:
            token, tags = self.options.token, self.tags.known
            tokens = [row[token] for row in rows]
            if "" not in tokens and DOCSTART not in tokens:
                try:
                    layers = [[tags[row[i]] for row in rows] for i in self.columns]
                    return (self.passage(tokens, layers),)
                except KeyError:
                    pass  # a tag that was not seen before, or is none: walk finds out
        if self.options.blank_tokens == "drop":
            kept = [i for i, row in enumerate(rows) if not self.blank(row)]
            self.repairs[BLANK_TOKENS] += len(rows) - len(kept)
            if not kept:
                return (self.passage([], []),)
            numbers, rows = [numbers[i] for i in kept], [rows[i] for i in kept]
        return self.walk(file, numbers, rows)

    def walk(
        self, file: RawFile, numbers: Sequence[int], rows: list[list[str]]
    ) -> Iterator[Passage]:
        """Read `rows` one by one, with every option and every check."""
        tokens: list[str] = []
        layers: list[list[Tag]] = [[] for _ in self.columns]
        docstart = self.options.docstart
        for number, row in zip(numbers, rows, strict=True):
            if self.options.comment and row[0].startswith(self.options.comment):
                continue
            begins = DOCSTART in row
            if tokens and (begins or (docstart == "instance" and tokens == [DOCSTART])):
                yield self.passage(tokens, layers)
                tokens, layers = [], [[] for _ in self.columns]
            if begins:
                self.begin(row)
                if docstart == "skip":
                    continue
            self.check(file, number, row)
            tokens.append(self.token(file, number, row))
            for layer, column in zip(layers, self.columns, strict=True):
                layer.append(self.tag(file, number, row[column]))
        if tokens:
            yield self.passage(tokens, layers)

    def begin(self, row: list[str]) -> None:
        """Begin a document: named by what the row has in brackets, else counted."""
        named = [cell[1:-1] for cell in row if cell[:1] == "(" and cell[-1:] == ")"]
        self.document = named[0] if named else str(self.documents)
        self.documents += 1

    def check(self, file: RawFile, number: int, row: list[str]) -> None:
        """Refuse a row that has not the columns of the file's first row."""
        if not self.width:
            wanted = {self.options.token, *self.columns}
            places = {column % len(row) for column in wanted}
            if len(places) < len(wanted) or max(wanted) >= len(row):
                raise file.error(
                    number,
                    f"{len(row)} column(s) where a token and a tag are expected, at"
                    f" {sorted(wanted)}: {_shown(row)}",
                )
            self.width = len(row)
        elif len(row) != self.width:
            raise file.error(
                number,
                f"{len(row)} column(s), {self.width} in the rows before: {_shown(row)}",
            )

    def blank(self, row: list[str]) -> bool:
        """Tell whether a row is outside of mentions and has no token."""
        return (
            max(self.options.token, *self.columns) < len(row)
            and not row[self.options.token].strip()
            and all(row[column] == "O" for column in self.columns)
        )

    def token(self, file: RawFile, number: int, row: list[str]) -> str:
        """Return the token of a row, as the options change it."""
        token = row[self.options.token]
        if self.options.language_prefix and token != DOCSTART:
            language, colon, token = token.partition(":")
            if not colon:
                raise file.error(number, f"{language!r} has no prefix like 'en:'")
        for old, new in self.options.replace.items():
            token = token.replace(old, new)
        if not token:
            raise file.error(number, f"the token is empty: {_shown(row)}")
        return token

    def tag(self, file: RawFile, number: int, tag: str) -> Tag:
        """Return the parts of a tag."""
        try:
            return self.tags.read(tag)
        except ValueError as error:
            raise file.error(number, str(error)) from error

    def passage(self, tokens: list[str], layers: Sequence[Sequence[Tag]]) -> Passage:
        """Return the passage of one sentence."""
        self.count += 1
        return passage_of(str(self.count - 1), tokens, layers, self.document)


def _unquoted(file: RawFile, first: int, lines: Sequence[str], token: int) -> list[str]:
    """Return CSV lines with another separator; a row without a token becomes blank."""
    plain = []
    for number, line in enumerate(lines, start=first):
        try:
            row = next(csv.reader([line], strict=True), [])
        except csv.Error as error:
            raise file.error(number, f"no CSV row ({error}): {line[:60]!r}") from error
        plain.append(_UNIT.join(row) if row and row[token] else "")
    return plain


def _shown(row: Sequence[str]) -> str:
    text = " | ".join(row)
    return repr(text if len(text) <= 60 else text[:60] + "...")
