"""The documents of a corpus, in a fixed order, each with a name that never changes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from unibench.distill.corpus.files import TooLong, broken, lines
from unibench.errors import DataError, FormatError
from unibench.schema.distillation import CorpusSource

MAX_CHARACTERS = 1 << 20
"""Longer documents are cut into pieces of so many characters, which bounds memory."""
_BAD_SHOWN = 60
_MIN_ROWS = 100  # a share of bad rows says little of fewer


class Document(msgspec.Struct, frozen=True):
    """A text of the corpus; `key` is its file and row, `source` what it counts as."""

    key: str
    source: str
    text: str


class BadRow(msgspec.Struct, frozen=True):
    """A row without a usable document, and why."""

    reason: str
    example: str = ""


Row = Document | BadRow
_Values = Iterator[dict[str, Any] | BadRow]


class Part(msgspec.Struct, frozen=True):
    """One file of a source, or the whole of a Hub dataset.

    `name` is source and file, the same wherever the files lie; `size` is its bytes.
    """

    source: CorpusSource
    name: str
    path: Path | None = None
    size: int = 0


def parts_of(corpus: Iterable[CorpusSource], folder: Path) -> list[Part]:
    """Return the files of the corpus in order; patterns are resolved from `folder`.

    Raises:
        DataError: a pattern matches no file.
    """
    return [part for source in corpus for part in _source_parts(source, folder)]


def rows_of(part: Part, skip: int = 0) -> Iterator[list[Row]]:
    """Yield the rows of a part from row number `skip` on.

    A row is one document, several where it was too long, or one bad row.
    """
    if part.path is None:
        yield from _documents(part, _hub_rows(part.source, skip), skip)
    elif kind_of(part) == "text":
        yield from _text_rows(part, part.path, skip)
    elif kind_of(part) == "parquet":
        yield from _documents(part, _parquet_rows(part.path, skip), skip)
    else:
        yield from _documents(part, _json_rows(part.path, skip), skip)


def kind_of(part: Part) -> str:
    """Return the format of a file, declared or told by its name.

    Raises:
        DataError: the name tells nothing.
    """
    if part.source.format != "auto":
        return part.source.format
    suffixes = [s for s in Path(part.name).suffixes if s not in {".zst", ".gz"}]
    kinds = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
    kinds |= {".txt": "text", ".text": "text", ".md": "text"}
    if not suffixes or suffixes[-1] not in kinds:
        raise DataError(
            f"{part.path}: its name tells no format; add `format: jsonl`, `parquet` or"
            f" `text` to the corpus {part.source.name!r}"
        )
    return kinds[suffixes[-1]]


class BadRows:
    """Counts unreadable rows and stops when a file is mostly that."""

    def __init__(self, max_share: float) -> None:
        """Take the share of a part's rows that may be bad."""
        self.max_share = max_share
        self.reasons: Counter[str] = Counter()
        self.in_part: Counter[str] = Counter()
        self.rows = 0
        self._example = ""

    def start(self) -> None:
        """Begin another part."""
        self.in_part, self.rows, self._example = Counter(), 0, ""

    def see(self, rows: list[Row], part: Part) -> None:
        """Count one row of the part.

        Raises:
            FormatError: too many rows of this part are bad.
        """
        self.rows += 1
        row = rows[0]
        if not isinstance(row, BadRow):
            return
        self.reasons[row.reason] += 1
        if row.reason == "empty":
            return
        self.in_part[row.reason] += 1
        self._example = self._example or row.example
        if self.rows >= _MIN_ROWS:
            self.end(part)

    def end(self, part: Part) -> None:
        """Check a finished part, however short it was."""
        bad = self.in_part.total()
        if bad > self.max_share * max(self.rows, 1):
            self._refuse(part, bad)

    def _refuse(self, part: Part, bad: int) -> None:
        reasons = ", ".join(f"{n} {name}" for name, n in self.in_part.most_common())
        raise FormatError(
            f"{part.path or part.name}: {bad} of the first {self.rows} rows are"
            f" unusable ({reasons}), for example {self._example!r}; name another file"
            " or field in the recipe, or raise `max_bad_share`"
        )


def _source_parts(source: CorpusSource, folder: Path) -> list[Part]:
    if source.hub:
        return [Part(source, f"{source.name}/{source.split}")]
    paths: dict[Path, None] = {}
    for pattern in source.files:
        at = folder / Path(pattern).expanduser()
        anchor = Path(at.anchor or ".")
        found = [at] if at.is_file() else sorted(anchor.glob(_relative(at)))
        files = [path for path in found if path.is_file()]
        if not files:
            raise DataError(
                f"corpus {source.name!r}: no file is called {at}; correct `files` in"
                " the recipe (relative names are looked for beside it)"
            )
        paths |= dict.fromkeys(files)
    root = Path(os.path.commonpath([path.parent for path in paths]))
    return [
        Part(
            source,
            f"{source.name}/{path.relative_to(root).as_posix()}",
            path,
            path.stat().st_size,
        )
        for path in paths
    ]


def _relative(path: Path) -> str:
    return str(path.relative_to(path.anchor)) if path.anchor else str(path)


def _documents(part: Part, values: _Values, skip: int) -> Iterator[list[Row]]:
    take = _field_reader(part.source.text_field)
    origin = _field_reader(part.source.source_field)
    for row, value in enumerate(values, start=skip):
        if isinstance(value, BadRow):
            yield [value]
            continue
        text = take(value)
        source = origin(value) if part.source.source_field else part.source.name
        if not isinstance(text, str):
            yield [BadRow("no_text", str(value)[:_BAD_SHOWN])]
        elif not text.strip():
            yield [BadRow("empty")]
        elif not isinstance(source, str) or not source:
            yield [BadRow("no_source", str(value)[:_BAD_SHOWN])]
        else:
            yield _pieces(f"{part.name}:{row}", source, text)


def _pieces(key: str, source: str, text: str) -> list[Row]:
    if not text.strip():
        return [BadRow("empty")]
    if "\0" in text:
        return [BadRow("binary", text[:_BAD_SHOWN])]
    if len(text) <= MAX_CHARACTERS:
        return [Document(key, source, text)]
    pieces = {
        at: text[at : at + MAX_CHARACTERS] for at in range(0, len(text), MAX_CHARACTERS)
    }
    return [
        Document(f"{key}+{at}", source, piece)
        for at, piece in pieces.items()
        if piece.strip()
    ]


def _field_reader(dotted: str) -> Callable[[Any], Any]:
    names = dotted.split(".")

    def read(value: Any) -> Any:
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    return read


def _json_rows(path: Path, skip: int) -> _Values:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for number, line in enumerate(lines(path)):
        if number < skip:
            continue
        if isinstance(line, TooLong):
            yield BadRow("too_long")
        elif not line.strip():
            yield BadRow("empty")
        else:
            try:
                yield decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                yield BadRow("not_json", line[:_BAD_SHOWN].decode("utf-8", "replace"))


def _parquet_rows(path: Path, skip: int) -> _Values:
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        number = 0
        for batch in file.iter_batches(batch_size=512):
            if number + batch.num_rows > skip:
                yield from batch.slice(max(0, skip - number)).to_pylist()
            number += batch.num_rows
    except (pyarrow.ArrowException, OSError) as error:
        raise broken(path, "parquet", str(error)) from error


def _hub_rows(source: CorpusSource, skip: int) -> _Values:
    import datasets

    where = f"{source.hub} at revision {source.revision}"
    try:
        rows = datasets.load_dataset(
            source.hub,
            source.config or None,
            split=source.split,
            revision=source.revision,
            streaming=True,
        )
        yield from rows.skip(skip) if skip else rows
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as e:
        problem = (str(e).strip() or type(e).__name__).splitlines()[0]
        raise DataError(
            f"corpus {source.name!r}: {where} cannot be streamed from the Hub"
            f" ({problem}); check `hub`, `config`, `split` and `revision`, and that"
            " the Hub can be reached (HF_ENDPOINT, HF_HUB_OFFLINE)"
        ) from e


def _text_rows(part: Part, path: Path, skip: int) -> Iterator[list[Row]]:
    for row, text in enumerate(_texts(path, part.source.documents)):
        if row < skip:
            continue
        if isinstance(text, BadRow):
            yield [text]
        else:
            yield _pieces(f"{part.name}:{row}", part.source.name, text)


def _texts(path: Path, documents: str) -> Iterator[str | BadRow]:
    """Yield the documents of a text file: its lines, paragraphs, or all of it."""
    pending: list[str] = []
    size = 0
    for line in lines(path):
        text = _decoded(line)
        if isinstance(text, BadRow) or documents == "line":
            yield text
        elif documents == "paragraph" and not text.strip():
            if pending:
                yield "\n".join(pending)
            pending, size = [], 0
        else:
            pending.append(text)
            size += len(text)
            if size > MAX_CHARACTERS:
                yield "\n".join(pending)
                pending, size = [], 0
    if pending:
        yield "\n".join(pending)


def _decoded(line: bytes | TooLong) -> str | BadRow:
    if isinstance(line, TooLong):
        return BadRow("too_long")
    try:
        return line.decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError:
        return BadRow("not_utf8", line[:_BAD_SHOWN].decode("utf-8", "replace"))
