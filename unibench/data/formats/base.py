"""What a format is: options and a reader from raw files to passages."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from unibench.errors import FormatError
from unibench.schema.text import Passage

BOM = "\ufeff"
# What the standard library raises for a compressed file that is cut off or damaged.
_DAMAGED = (
    EOFError,
    lzma.LZMAError,
    zlib.error,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    tarfile.TarError,
)
_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class RawFile:
    """One raw file by its official name; compressed files are opened unpacked."""

    name: str
    open: Callable[[], BinaryIO]

    def read(self) -> bytes:
        """Return the whole content."""
        return b"".join(self.blocks())

    def text(self, encoding: str = "utf-8") -> str:
        """Return the whole content as text, line ends as they are.

        Raises:
            FormatError: a byte is not of that encoding; the message names the line.
        """
        return self._decode(self.read(), encoding, 1).removeprefix(BOM)

    def lines(self, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
        """Yield (line number from 1, line without its end), in bounded memory.

        A byte order mark and CR LF line ends are taken off. Only LF ends a line:
        U+2028 and the like stay in the text.
        """
        for first, lines in self.chunks(encoding):
            yield from enumerate(lines, start=first)

    def chunks(self, encoding: str = "utf-8") -> Iterator[tuple[int, list[str]]]:
        """Yield (number of the first line, many lines): `lines`, but faster."""
        first, rest = 1, b""
        for block in self.blocks():
            whole, newline, last = block.rpartition(b"\n")
            if not newline:
                rest += block
                continue
            lines = self._split(rest + whole, encoding, first)
            yield first, lines
            first, rest = first + len(lines), last
        if rest:
            yield first, self._split(rest, encoding, first)

    def blocks(self) -> Iterator[bytes]:
        """Yield the content in pieces of bounded size.

        Raises:
            FormatError: a compressed file or an archive is cut off or damaged.
        """
        try:
            with self.open() as stream:
                while block := stream.read(_CHUNK):
                    yield block
        except _DAMAGED as error:
            raise FormatError(
                f"{self.name}: the compressed file is damaged or incomplete ({error});"
                " get it again"
            ) from error

    def error(self, line: int, problem: str) -> FormatError:
        """Return the error that names this file and `line`."""
        return FormatError(f"{self.name}: line {line}: {problem}")

    def _split(self, content: bytes, encoding: str, first: int) -> list[str]:
        text = self._decode(content, encoding, first)
        if first == 1:
            text = text.removeprefix(BOM)
        lines = text.split("\n")
        if "\r" in text:
            return [line.removesuffix("\r") for line in lines]
        return lines

    def _decode(self, content: bytes, encoding: str, first_line: int) -> str:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            line = first_line + content.count(b"\n", 0, error.start)
            byte = content[error.start]
            raise self.error(
                line, f"byte 0x{byte:02x} is not {encoding}; convert the file to UTF-8"
            ) from error


def raw_file(name: str, content: bytes | str) -> RawFile:
    """Return a raw file that lies in memory."""
    data = content.encode() if isinstance(content, str) else content
    return RawFile(name, lambda: io.BytesIO(data))


class Format(ABC):
    """A file format: `Options` are what a card's `format:` may say besides `name`.

    One parser per format, never per dataset. `read` takes the files of one split in
    order and yields passages in file order whose mentions carry the raw labels. A
    passage may be a whole document; the card's splitter cuts it into sentences.
    Ids are unique within the split and stable: document ids where the files have
    them, else the position, counted from 0. What a parser mended or left out, as its
    options allow, it counts in `repairs`; complete when `read` is done.
    """

    class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """No options; subclasses declare theirs."""

    def __init__(self, options: Any) -> None:
        """Take the options, an instance of this class's `Options`.

        `repairs` counts by name what `read` mended because the options allow it.
        """
        self.options = options
        self.repairs: Counter[str] = Counter()

    @abstractmethod
    def read(self, files: Sequence[RawFile]) -> Iterator[Passage]:
        """Yield the passages of `files`; raise FormatError naming file and line."""
