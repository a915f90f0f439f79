"""What a format is: options and a reader from raw files to passages."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from unibench.errors import FormatError
from unibench.schema.text import Passage

BOM = "\ufeff"


@dataclass(frozen=True)
class RawFile:
    """One raw file by its official name; compressed files are opened unpacked."""

    name: str
    open: Callable[[], BinaryIO]

    def read(self) -> bytes:
        """Return the whole content."""
        with self.open() as stream:
            return stream.read()

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
        with self.open() as stream:
            for number, line in enumerate(stream, start=1):
                text = self._decode(line, encoding, number)
                if number == 1:
                    text = text.removeprefix(BOM)
                yield number, text.removesuffix("\n").removesuffix("\r")

    def error(self, line: int, problem: str) -> FormatError:
        """Return the error that names this file and `line`."""
        return FormatError(f"{self.name}: line {line}: {problem}")

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
    options allow, it counts in `notes`; the counts are complete when `read` is done.
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
