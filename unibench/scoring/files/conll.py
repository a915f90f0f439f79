"""Columns of tokens and tags, gold and predicted, in one file or two."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from unibench.errors import FormatError, ScoreError
from unibench.schema.score import Case
from unibench.schema.text import Mention, Passage, Span
from unibench.scoring.files.pairing import Paired
from unibench.scoring.matching.tags import chunks_default
from unibench.scoring.profile import Notes

_TAG = re.compile(r"O|[BIES]-\S+")
_DOCSTART = "-DOCSTART-"


class Sentence(NamedTuple):
    """Tokens with their last columns; `line` is where it begins."""

    line: int
    document: str
    tokens: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]


def read_conll(gold: Path, predictions: Path | None) -> Paired:
    """Return the cases of two files with equal tokens, or of one with both tags last.

    The tag stands in the last column. An I- that continues nothing opens a mention for
    the rules that compare mentions; rules on tags see the tags themselves.

    Raises:
        FormatError: a line has no tag or no known one.
        ScoreError: the files differ in tokens; the message names both lines.
    """
    if predictions is None:
        sentences = list(_sentences(gold, 2))
        ours = [[row[-2] for row in s.columns] for s in sentences]
        theirs = [[row[-1] for row in s.columns] for s in sentences]
    else:
        sentences, others = list(_sentences(gold, 1)), list(_sentences(predictions, 1))
        _same_tokens(sentences, others, gold, predictions)
        ours = [[row[-1] for row in s.columns] for s in sentences]
        theirs = [[row[-1] for row in s.columns] for s in others]
    tags = list(zip(map(tuple, ours), map(tuple, theirs), strict=True))
    types = tuple(
        dict.fromkeys(t[2:] for pair in tags for side in pair for t in side if t != "O")
    )
    cases = [
        _case(sentence, pair, types)
        for sentence, pair in zip(sentences, tags, strict=True)
    ]
    return Paired(cases, Notes())


def _sentences(path: Path, tag_columns: int) -> Iterator[Sentence]:
    """Yield the sentences of a file; the last one needs no blank line after it."""
    document, documents, begin = "", 0, 0
    rows: list[list[str]] = []
    for number, line in enumerate((*_lines(path), ""), start=1):
        columns = line.split()
        if columns and columns[0] == _DOCSTART:
            documents += 1
            document = f"document {documents}"
            continue
        if columns:
            _check(columns, tag_columns, f"{path}: line {number}")
            begin = begin or number
            rows.append(columns)
        elif rows:
            tokens = tuple(row[0] for row in rows)
            yield Sentence(begin, document, tokens, tuple(tuple(r[1:]) for r in rows))
            rows, begin = [], 0


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").replace("\r\n", "\n").split("\n")
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: is not UTF-8: {error}") from error


def _check(columns: Sequence[str], tag_columns: int, where: str) -> None:
    if len(columns) <= tag_columns:
        wanted = "a token and a tag" if tag_columns == 1 else "a token and two tags"
        raise FormatError(f"{where}: {wanted} are needed, but there is {columns}")
    for tag in columns[-tag_columns:]:
        if not _TAG.fullmatch(tag):
            raise FormatError(
                f"{where}: {tag!r} is no tag; tags are O, B-x, I-x, E-x and S-x, in"
                " capital letters"
            )


def _same_tokens(
    gold: Sequence[Sentence],
    predictions: Sequence[Sentence],
    gold_path: Path,
    path: Path,
) -> None:
    for ours, theirs in zip(gold, predictions, strict=False):
        if ours.tokens != theirs.tokens:
            raise ScoreError(
                f"{path}: the sentence at line {theirs.line} has other tokens than"
                f" {gold_path}: line {ours.line}; the files must hold the same text"
            )
    if len(gold) != len(predictions):
        raise ScoreError(
            f"{gold_path} has {len(gold)} sentences and {path} {len(predictions)};"
            " the files must hold the same text"
        )


def _case(
    sentence: Sentence,
    tags: tuple[tuple[str, ...], tuple[str, ...]],
    types: tuple[str, ...],
) -> Case:
    gold, predicted = (_mentions(sentence.tokens, side) for side in tags)
    passage = Passage(
        f"line {sentence.line}", " ".join(sentence.tokens), gold, sentence.document
    )
    return Case(passage, types, predicted, tags=tags)


def _mentions(tokens: Sequence[str], tags: Sequence[str]) -> tuple[Mention, ...]:
    ends, end = [], -1
    for token in tokens:
        end += len(token) + 1
        ends.append(end)
    found = []
    for name, first, last in chunks_default(tags):
        span = Span(ends[first] - len(tokens[first]), ends[last])
        found.append(Mention(name, " ".join(tokens[first : last + 1]), (span,)))
    return tuple(found)
