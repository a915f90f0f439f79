"""The files below a folder, also inside archives, under their unpacked names."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from unibench.data.formats.base import RawFile
from unibench.data.raw.verify import FileId, git_blob, identify
from unibench.errors import FormatError

_OPENERS: dict[str, Callable[[Path], Any]] = {
    ".xz": lzma.open,
    ".gz": gzip.open,
    ".bz2": bz2.open,
}
_TAR = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
_ZIP = (".zip", ".whl")
_KEEP_BYTES = 256 << 20
_DAMAGED = (EOFError, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)


@dataclass(eq=False)
class Entry:
    """A file by its path below the tree, unpacked; `shown` is where it really lies."""

    path: str
    shown: str
    open: Callable[[], BinaryIO]

    @cached_property
    def identity(self) -> FileId:
        """The hash and the length of the unpacked content.

        Raises:
            FormatError: a compressed file is cut off or damaged.
        """
        return identify(RawFile(self.shown, self.open))

    @cached_property
    def git_blob(self) -> str:
        """What `git hash-object` prints of the unpacked content."""
        return git_blob(RawFile(self.shown, self.open), self.identity.bytes)


class Tree:
    """What lies below a folder, or in one archive, or a single file.

    `name.xz`, `.gz` and `.bz2` count as `name`; a member of an archive lies in the
    archive's folder. Hidden files are passed over. Archives are looked into only
    when they are asked for.
    """

    def __init__(self, root: Path) -> None:
        """Take the folder or file."""
        self.root = root

    @cached_property
    def loose(self) -> list[Entry]:
        """The files that are not archives, in name order."""
        return [_loose(path, place) for path, place in self._walk if not archive(path)]

    @cached_property
    def packed(self) -> list[Entry]:
        """The members of the archives, in name order.

        Raises:
            FormatError: an archive cannot be read.
        """
        found: list[Entry] = []
        for path, place in self._walk:
            if archive(path):
                folder = place.rpartition("/")[0]
                found += _members(path, f"{folder}/" if folder else "")
        return sorted(found, key=lambda entry: entry.path)

    @cached_property
    def _walk(self) -> list[tuple[Path, str]]:
        if self.root.is_file():
            return [(self.root, self.root.name)]
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if not _hidden(name)]
            for name in names:
                path = Path(folder, name)
                if not _hidden(name):
                    found.append((path, path.relative_to(self.root).as_posix()))
        return sorted(found, key=lambda item: item[1])


def archive(path: Path) -> bool:
    """Tell whether `path` is an archive by its name."""
    return path.name.lower().endswith(_TAR + _ZIP)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _loose(path: Path, place: str) -> Entry:
    opener = _OPENERS.get(path.suffix)
    if opener is None:
        return Entry(place, str(path), lambda: path.open("rb"))
    unpacked = place.removesuffix(path.suffix)
    return Entry(unpacked, str(path), lambda: cast(BinaryIO, opener(path)))


def _members(path: Path, folder: str) -> Iterator[Entry]:
    read = _zip_members if path.name.lower().endswith(_ZIP) else _tar_members
    try:
        for name, opener in read(path):
            if not any(_hidden(part) for part in name.split("/")):
                yield Entry(folder + name, f"{path}:{name}", opener)
    except (*_DAMAGED, OSError) as error:
        raise _damaged(path, error) from error


def _zip_members(path: Path) -> Iterator[tuple[str, Callable[[], BinaryIO]]]:
    with zipfile.ZipFile(path) as packed:
        for member in packed.infolist():
            if not member.is_dir():
                yield member.filename, partial(_open_zip, path, member.filename)


def _open_zip(path: Path, name: str) -> BinaryIO:
    with zipfile.ZipFile(path) as packed:  # a stream keeps the file open by itself
        try:
            return cast(BinaryIO, packed.open(name))
        except RuntimeError as error:
            raise FormatError(f"{path}: {name}: {error}; unpack it first") from error


def _tar_members(path: Path) -> Iterator[tuple[str, Callable[[], BinaryIO]]]:
    store = _TarStore(path)
    with tarfile.open(path) as packed:
        for member in packed:
            if member.isfile():
                name = member.name.removeprefix("./")
                yield name, _TarOpener(store, member.name, member.size)


@dataclass(frozen=True)
class _TarOpener:
    """Opens one member of a tar archive."""

    store: _TarStore
    member: str
    size: int

    def __call__(self) -> BinaryIO:
        return self.store.open(self.member)


class _TarStore:
    """A tar archive. Each opening of a member that is not kept reads from its start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept: dict[str, bytes] = {}

    def open(self, member: str) -> BinaryIO:
        if member in self.kept:
            return io.BytesIO(self.kept[member])
        packed = tarfile.open(self.path)  # noqa: SIM115 - closed with the stream
        stream = packed.extractfile(member)
        if stream is None:
            raise FormatError(f"{self.path}: {member} is no file")
        return cast(BinaryIO, _Closing(stream, packed))

    def keep(self, members: set[str]) -> None:
        """Read `members` into memory in one pass."""
        with tarfile.open(self.path) as packed:
            for member in packed:
                stream = packed.extractfile(member) if member.name in members else None
                if stream is not None:
                    self.kept[member.name] = stream.read()


class _Closing(io.BufferedReader):
    """A member's stream that closes its archive too."""

    def __init__(self, stream: IO[bytes], packed: tarfile.TarFile) -> None:
        super().__init__(cast(io.RawIOBase, stream))
        self._packed = packed

    def close(self) -> None:
        super().close()
        self._packed.close()


def keep_members(entries: Iterable[Entry]) -> None:
    """Read many members of one compressed tar at once, if they are small together.

    A compressed tar cannot be entered in the middle, so opening n members one by one
    costs n passes.

    Raises:
        FormatError: the archive cannot be read.
    """
    wanted: dict[_TarStore, list[_TarOpener]] = {}
    for entry in entries:
        if isinstance(entry.open, _TarOpener):
            wanted.setdefault(entry.open.store, []).append(entry.open)
    for store, openers in wanted.items():
        if len(openers) > 1 and sum(o.size for o in openers) <= _KEEP_BYTES:
            try:
                store.keep({opener.member for opener in openers})
            except (*_DAMAGED, OSError) as error:
                raise _damaged(store.path, error) from error


def _damaged(path: Path, error: Exception) -> FormatError:
    why = str(error).partition("\n")[0].rstrip(":")
    return FormatError(
        f"{path}: the archive cannot be read ({why}); it is damaged or incomplete, get"
        " it again"
    )
