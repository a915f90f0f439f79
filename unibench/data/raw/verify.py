"""Hashes of raw files, and whether they are what a card expects."""

from __future__ import annotations

import hashlib
from typing import NamedTuple, Protocol

from unibench.data.formats.base import RawFile
from unibench.schema.dataset_card import RawFileSpec


class FileId(NamedTuple):
    """What tells one file's unpacked content from another's."""

    sha256: str
    bytes: int


class Identified(Protocol):
    """A file whose hashes are known."""

    @property
    def identity(self) -> FileId:
        """The hash and the length of its content."""

    @property
    def git_blob(self) -> str:
        """What `git hash-object` prints of its content."""


def identify(file: RawFile) -> FileId:
    """Return the hash and the length of a raw file's unpacked content."""
    size, sha256 = 0, hashlib.sha256()
    for block in file.blocks():
        size += len(block)
        sha256.update(block)
    return FileId(sha256.hexdigest(), size)


def git_blob(file: RawFile, size: int) -> str:
    """Return what `git hash-object` prints of a raw file of `size` bytes."""
    blob = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    for block in file.blocks():
        blob.update(block)
    return blob.hexdigest()


def matches(spec: RawFileSpec, file: Identified) -> bool:
    """Tell whether a file has the hashes of `spec`; without any, none matches."""
    return bool(spec.sha256 or spec.git_blob) and not difference(spec, file)


def difference(spec: RawFileSpec, file: Identified) -> str:
    """Say how a file differs from what the card knows of it; nothing if it does not."""
    size = file.identity.bytes
    if spec.bytes is not None and spec.bytes != size:
        word = "cut off or changed" if size < spec.bytes else "changed"
        return f"it has {size} bytes, not {spec.bytes}, so it is {word}"
    if spec.sha256 and spec.sha256 != file.identity.sha256:
        return f"its sha256 is {file.identity.sha256}, not {spec.sha256}"
    if spec.git_blob and spec.git_blob != file.git_blob:
        return f"its git blob id is {file.git_blob}, not {spec.git_blob}"
    return ""
