"""Files packed with zstd, read in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_READ = 1 << 15
_MAX_WINDOW = 1 << 31  # files packed with `zstd --long` need a large window


def zstd_blocks(path: Path) -> Iterator[bytes]:
    """Unpack all frames of a file; the library's own reader passes over a cut end.

    Raises:
        zstandard.ZstdError: the data are broken.
        EOFError: the file ends inside a frame.
    """
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    frame = None
    with path.open("rb") as file:
        while block := file.read(_READ):
            while block:
                frame = frame or decompressor.decompressobj()
                if unpacked := frame.decompress(block):
                    yield unpacked
                block = frame.unused_data if frame.eof else b""
                frame = None if frame.eof else frame
    if frame is not None:
        raise EOFError("it ends inside a frame")
