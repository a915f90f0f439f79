"""What will be published: paths and bytes, planned before anything is sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from unibench.errors import PublishError

RepoType = Literal["model", "dataset", "space"]
State = Literal["new", "changed", "same", "delete"]

MAX_FILE_BYTES = 20 * 2**30
"""The Hub's own advice for the largest file; it refuses 50 GB."""
MAX_FILES = 25_000
"""The Hub refuses commits of more files, and asks for fewer than 10,000 a folder."""

_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_SECRETS = re.compile(
    rb"\bhf_[A-Za-z0-9]{30,}|\bsk-[A-Za-z0-9_-]{20,}|\bgh[pousr]_[A-Za-z0-9]{36,}"
    rb"|\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_TEXT = {".json", ".jsonl", ".md", ".yaml", ".yml", ".txt", ".csv", ".html", ".cfg"}


class Repo(msgspec.Struct, frozen=True):
    """A repository of the Hub: `OWNER/NAME` and its kind."""

    id: str
    type: RepoType

    def __post_init__(self) -> None:
        """Refuse what cannot be the name of a repository."""
        if not _REPO.fullmatch(self.id) or ".." in self.id or "--" in self.id:
            raise PublishError(
                f"{self.id!r} is no repository; write OWNER/NAME, such as"
                " my-lab/unibench-results"
            )

    @property
    def url_path(self) -> str:
        """Where its pages are below the Hub's address."""
        return self.id if self.type == "model" else f"{self.type}s/{self.id}"

    def __str__(self) -> str:
        return f"the {self.type} {self.id}"


class PlannedFile(msgspec.Struct, frozen=True):
    """A file of a repository; large contents stay on disk and are given as a path."""

    path: str
    content: bytes | Path

    @property
    def size(self) -> int:
        """The number of bytes."""
        if isinstance(self.content, bytes):
            return len(self.content)
        return self.content.stat().st_size

    def read(self) -> bytes:
        """Return the bytes."""
        content = self.content
        return content if isinstance(content, bytes) else content.read_bytes()

    def sha256(self) -> str:
        """Return the hash of the content, as git-LFS names it."""
        return self._hash(hashlib.sha256())

    def git_oid(self) -> str:
        """Return the hash under which git stores the content."""
        start = hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)
        return self._hash(start)

    def _hash(self, digest: Any) -> str:
        if isinstance(self.content, bytes):
            digest.update(self.content)
        else:
            with self.content.open("rb") as stream:
                while block := stream.read(2**20):
                    digest.update(block)
        return str(digest.hexdigest())


class RemoteFile(msgspec.Struct, frozen=True):
    """A file that a repository holds; `sha256` is known of LFS files only."""

    path: str
    size: int
    git_oid: str = ""
    sha256: str = ""

    def holds(self, planned: PlannedFile) -> bool:
        """Tell whether its content is what is planned."""
        if self.size != planned.size:
            return False
        if self.sha256:
            return self.sha256 == planned.sha256()
        return self.git_oid == planned.git_oid()


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """One commit: what is to be written and deleted, and what a reader must know.

    `notes` say what was left out and why; they are shown, never sent.
    """

    title: str
    description: str = ""
    files: tuple[PlannedFile, ...] = ()
    deletions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return not self.files and not self.deletions


def changes(
    publication: Publication, present: Mapping[str, RemoteFile]
) -> tuple[tuple[State, str, int, str], ...]:
    """Return (state, path, bytes, sha256) of every planned file and deletion."""
    rows: list[tuple[State, str, int, str]] = []
    for file in publication.files:
        known = present.get(file.path)
        state: State = "new"
        if known is not None:
            state = "same" if known.holds(file) else "changed"
        rows.append((state, file.path, file.size, file.sha256()))
    for path in publication.deletions:
        if path in present:
            rows.append(("delete", path, present[path].size, ""))
    return tuple(rows)


def only_changes(
    publication: Publication, present: Mapping[str, RemoteFile]
) -> Publication:
    """Return the publication without what the repository holds already."""
    files = tuple(
        file
        for file in publication.files
        if file.path not in present or not present[file.path].holds(file)
    )
    deletions = tuple(path for path in publication.deletions if path in present)
    return msgspec.structs.replace(publication, files=files, deletions=deletions)


def safe_path(path: str, where: str) -> str:
    """Return `path` if it stays inside a folder; names from the Hub are not trusted.

    Raises:
        PublishError: it is absolute, has `..`, a backslash or a control character.
    """
    parts = path.split("/")
    bad = (
        path != path.strip()
        or re.search(r"[\x00-\x1f\x7f\\:]", path)
        or any(part in {"", ".", ".."} for part in parts)
        or parts[0] == ".git"
    )
    if bad:
        raise PublishError(
            f"{where}: the path {path!r} would leave its folder or cannot be a file;"
            " nothing was written"
        )
    return path


def guard(files: Sequence[PlannedFile], token: str = "") -> None:
    """Refuse a plan that must not be sent: paths, sizes, numbers, secrets.

    Raises:
        PublishError: a file is unsafe; the message names it and never the secret.
    """
    if len(files) > MAX_FILES:
        raise PublishError(
            f"{len(files):,} files are more than one commit can hold ({MAX_FILES:,});"
            " publish fewer runs at a time"
        )
    for path, count in _counted(file.path for file in files).items():
        safe_path(path, "the plan")
        if count > 1:
            raise PublishError(f"the plan holds {path!r} twice; this is a bug")
    for file in files:
        _guard_size(file)
        _guard_secrets(file, token)


def _counted(paths: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for path in paths:
        counts[path] = counts.get(path, 0) + 1
    return counts


def _guard_size(file: PlannedFile) -> None:
    if file.size > MAX_FILE_BYTES:
        raise PublishError(
            f"{file.path} has {file.size:,} bytes, more than the {MAX_FILE_BYTES:,}"
            " that one file should have on the Hub; save the weights in shards"
            " (max_shard_size) and publish again"
        )


def _guard_secrets(file: PlannedFile, token: str) -> None:
    if Path(file.path).suffix not in _TEXT:
        return
    content = file.read()
    if (token and token.encode() in content) or _SECRETS.search(content):
        raise PublishError(
            f"{file.path} holds what looks like a key or token; remove it (from the"
            " command that the run was made with, or from the card) and publish again."
            " If it was real, revoke it"
        )


def total(publication: Publication) -> str:
    """Say how much a publication sends."""
    size = sum(file.size for file in publication.files)
    parts = [f"{len(publication.files)} files, {size:,} bytes"]
    if publication.deletions:
        parts.append(f"{len(publication.deletions)} deletions")
    return ", ".join(parts)
