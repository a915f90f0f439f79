"""Lines of large files, plain or packed, in bounded memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from unibench.errors import FormatError
from unibench.schema.packed import zstd_blocks

CHUNK = 1 << 20
MAX_LINE = 64 << 20
"""Longer lines are passed over: no document needs 64 MiB."""


class TooLong:
    """Stands for a line of more than `MAX_LINE` bytes."""


TOO_LONG = TooLong()


def byte_blocks(path: Path) -> Iterator[bytes]:
    """Yield the content of `path`, unpacked when it ends in .zst or .gz.

    Raises:
        FormatError: the file cannot be read, or its packing is broken or cut off.
    """
    try:
        if path.suffix == ".zst":
            yield from _zstd(path)
        elif path.suffix == ".gz":
            with gzip.open(path, "rb") as stream:
                while block := stream.read(CHUNK):
                    yield block
        else:
            with path.open("rb") as file:
                while block := file.read(CHUNK):
                    yield block
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise broken(path, "gzip", str(error)) from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from error


def lines(path: Path) -> Iterator[bytes | TooLong]:
    """Yield the lines of `path` without their ends; one too long as `TOO_LONG`."""
    pending: list[bytes] = []
    size = 0
    for block in byte_blocks(path):
        first, *rest = block.split(b"\n")
        pending.append(first)
        size += len(first)
        if rest:
            yield _joined(pending, size)
            yield from rest[:-1]
            pending, size = [rest[-1]], len(rest[-1])
        elif size > MAX_LINE:
            pending = []  # only its length is remembered from here on
    if size:
        yield _joined(pending, size)


def broken(path: Path, packing: str, what: str) -> FormatError:
    """Return the error for a file that cannot be unpacked to its end."""
    return FormatError(
        f"{path}: the {packing} data are broken ({what}); download the file again, or"
        " leave it out of the recipe's `files`"
    )


def _joined(pending: list[bytes], size: int) -> bytes | TooLong:
    return TOO_LONG if size > MAX_LINE else b"".join(pending)


def _zstd(path: Path) -> Iterator[bytes]:
    import zstandard

    try:
        yield from zstd_blocks(path)
    except (EOFError, zstandard.ZstdError) as error:
        raise broken(path, "zstd", str(error)) from error
