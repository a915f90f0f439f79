"""Answers as JSON lines: what stores give to one another, also packed with zstd."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from unibench.backends.store_file import sync_folder
from unibench.errors import FormatError
from unibench.schema.packed import zstd_blocks
from unibench.schema.query import Response

_BLOCK = 1 << 20
_LONGEST_LINE = 64 << 20
_FIELDS = frozenset(Response.__struct_fields__)


class AnswerLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line: the request's key (64 hex digits), seconds since 1970, the answer."""

    key: str
    created: float
    response: Response


class _RawLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line whose answer is not read yet, so that no unknown field is lost."""

    key: str
    created: float
    response: dict[str, Any]


def write_lines(path: Path, lines: Iterable[AnswerLine]) -> int:
    """Write `lines` to `path`, all of them or none; return their number.

    On return the file is on the disk. It is packed when its name ends in .zst.
    """
    partial = path.with_name(path.name + ".part")
    encode, count = msgspec.json.Encoder().encode, 0
    try:
        with partial.open("wb") as file:
            with _packing(file, packed=path.suffix == ".zst") as stream:
                for line in lines:
                    stream.write(encode(line) + b"\n")
                    count += 1
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.absolute().parent)
    finally:
        partial.unlink(missing_ok=True)
    return count


def read_lines(path: Path) -> Iterator[AnswerLine]:
    """Yield the lines of a file that `write_lines` wrote, in bounded memory.

    Raises:
        FormatError: the file cannot be read, or a line is broken; it is named.
    """
    decoder = msgspec.json.Decoder(_RawLine)
    for number, line in enumerate(_lines(path), start=1):
        if line.strip():
            try:
                yield _checked(decoder.decode(line))
            except (msgspec.MsgspecError, ValueError) as error:
                raise FormatError(
                    f"{path}: line {number} is no stored answer: {error}"
                ) from error


def _checked(raw: _RawLine) -> AnswerLine:
    if len(raw.key) != 64 or len(bytes.fromhex(raw.key)) != 32:
        raise ValueError(f"`key` must be 64 hexadecimal digits, it is {raw.key!r}")
    if unknown := raw.response.keys() - _FIELDS:
        raise ValueError(
            f"`response` has the unknown field {min(unknown)!r}; a newer unibench"
            " wrote it, upgrade this one"
        )
    response = msgspec.convert(raw.response, Response)
    return AnswerLine(raw.key.lower(), raw.created, response)


@contextmanager
def _packing(file: IO[bytes], *, packed: bool) -> Iterator[Any]:
    if not packed:
        yield file
        return
    import zstandard

    packer = zstandard.ZstdCompressor(write_checksum=True)
    with packer.stream_writer(file, closefd=False) as stream:
        yield stream


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines; an error names the file."""
    import zstandard

    pending = b""
    try:
        for block in _blocks(path):
            *whole, pending = (pending + block).split(b"\n")
            yield from whole
            if len(pending) > _LONGEST_LINE:
                raise FormatError(
                    f"{path}: a line has more than {_LONGEST_LINE >> 20} MiB; this is"
                    " no file of 'unibench store export'"
                )
    except (EOFError, zstandard.ZstdError) as error:
        raise FormatError(
            f"{path}: the zstd data are broken ({error}); export or copy it again"
        ) from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from error
    if pending:
        yield pending


def _blocks(path: Path) -> Iterator[bytes]:
    if path.suffix == ".zst":
        yield from zstd_blocks(path)
        return
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
