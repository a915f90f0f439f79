"""CoNLL-2012 (OntoNotes): columns with names in a column of brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from unibench.data.formats.base import Format, RawFile
from unibench.data.formats.ids import UniqueIds
from unibench.data.formats.offsets import Pieces
from unibench.data.formats.token_places import PTB_BRACKETS, TokenText
from unibench.schema.text import Passage

_BEGIN = re.compile(r"#begin document \((.+)\);? part (\d+)\s*")
_NAME = re.compile(r"(?:\(([^()*]+))?(?:\*(\))?|(?<=[^*])(\)))")
_SLASH = re.compile(r"/([.?!\-%])")


class Conll2012(Format):
    """Read `*_gold_conll` files; a passage is a sentence.

    For example (columns shortened: the real files have twelve and more)::

        #begin document (bn/x/00/x_0001); part 000
        bn/x/00/x_0001 0 0 Anna  NNP (TOP* - - - - (PERSON* - (3
        bn/x/00/x_0001 0 1 Kowal NNP *)    - - - - *)       - 3)

        #end document

    Column 10 holds the names: `(GPE)` is one token, `(ORG*` opens, `*)` closes.
    Documents whose id begins with one of `exclude` are left out (`pt/` carries no
    names). With `ptb_brackets` tokens like `-LRB-` become brackets; with
    `slash_escapes` `/.`, `/?`, `/!`, `/-` and `/%` as whole tokens lose the slash.
    """

    class Options(
        Format.Options, frozen=True, forbid_unknown_fields=True, kw_only=True
    ):
        """The columns, what is left out, and what is written back."""

        token: int = 3
        names: int = 10
        exclude: tuple[str, ...] = ()
        ptb_brackets: bool = True
        slash_escapes: bool = True

    options: Options

    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield the sentences in file order."""
        ids = UniqueIds()
        for file in files:
            yield from self._file(file, ids)

    def _file(self, file: RawFile, ids: UniqueIds) -> Iterator[Passage]:
        document, part, count, number = "", "", 0, 0
        rows: list[tuple[int, list[str]]] = []
        for number, line in file.lines():
            if line.startswith("#begin"):
                match = _BEGIN.fullmatch(line)
                if match is None or document:
                    raise file.error(number, f"{line!r} begins no document here")
                document, part, count = match[1], match[2], 0
            elif line.startswith("#end") or not line.strip():
                if rows and not document.startswith(self.options.exclude or ("\0",)):
                    name = ids.take(f"{document}-{part}-{count}")
                    yield self._sentence(file, name, document, rows)
                    count += 1
                rows = []
                document = "" if line.startswith("#end") else document
            elif not document:
                raise file.error(number, "a line stands outside of any document")
            else:
                rows.append((number, self._cells(file, number, line)))
        if document:
            raise file.error(
                number, f"document {document} has no end: is the file cut?"
            )

    def _cells(self, file: RawFile, number: int, line: str) -> list[str]:
        cells = line.split()
        needed = max(self.options.token, self.options.names) + 2
        if len(cells) < needed:
            raise file.error(
                number, f"{len(cells)} columns, at least {needed} are needed"
            )
        if cells[self.options.token] == "[WORD]":
            raise file.error(
                number,
                "the words are [WORD]: this is a _skel file; make the _conll files"
                " from it with the corpus first",
            )
        return cells

    def _sentence(
        self, file: RawFile, name: str, document: str, rows: list[tuple[int, list[str]]]
    ) -> Passage:
        words = [self._word(cells[self.options.token]) for _, cells in rows]
        text = TokenText(words, partial(file.error, rows[0][0]))
        names = [(number, cells[self.options.names]) for number, cells in rows]
        found: list[tuple[str, Pieces, None]] = [
            (label, text.span(first, last), None)
            for first, last, label in _brackets(file, names)
        ]
        return text.passage(name, found, self.repairs, document)

    def _word(self, word: str) -> str:
        if self.options.ptb_brackets:
            word = PTB_BRACKETS.get(word, word)
        if self.options.slash_escapes and (match := _SLASH.fullmatch(word)):
            word = match[1]
        return word


def _brackets(
    file: RawFile, cells: Sequence[tuple[int, str]]
) -> Iterator[tuple[int, int, str]]:
    """Yield (first token, last token, label); names are flat in this column."""
    label, first = "", 0
    for place, (number, cell) in enumerate(cells):
        match = _NAME.fullmatch(cell)
        if match is None:
            raise file.error(number, f"{cell!r} is no name like (ORG*, (ORG), * or *)")
        opens, closes = match[1], match[2] or match[3]
        if opens and label:
            raise file.error(number, f"{cell!r} opens inside {label}")
        if opens:
            label, first = opens, place
        if closes and not label:
            raise file.error(number, f"{cell!r} closes what is not open")
        if closes:
            yield first, place, label
            label = ""
    if label:
        raise file.error(cells[-1][0], f"{label} is never closed")
