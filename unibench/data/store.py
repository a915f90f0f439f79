"""Prepared sets on disk: parquet with raw labels, and what they were made from."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from unibench.data.parquet import PreparedSplit
from unibench.errors import DataError
from unibench.resources import cache_root

DATA_VERSION = 1
"""Raised whenever the same card and files can give other passages or gold."""

_FEW = 24  # files
_BUILDING = ".building-"
_STALE_S = 24 * 3600.0


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a prepared set is and was made from; lies beside its parquet files.

    Both protocols share one set where the card has no `paper` step.
    """

    dataset: str
    subset: str
    fingerprint: str
    data_version: int = DATA_VERSION
    source: str
    exact: bool = True
    folder: str = ""
    recipe_sha256: str
    names_sha256: str
    raw_sha256: Mapping[str, str]
    changed: tuple[str, ...] = ()
    missing: Mapping[str, tuple[str, ...]] = {}
    repairs: Mapping[str, int] = {}
    left_out: Mapping[str, int] = {}
    splits: Mapping[str, PreparedSplit] = {}


def raw_summary(raw_sha256: Mapping[str, str]) -> dict[str, str]:
    """Return name -> sha256 of raw files; many files are one entry.

    Its hash is that of the lines `<sha256>  <name>`, as `sha256sum` prints them.
    """
    if len(raw_sha256) <= _FEW:
        return dict(raw_sha256)
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in raw_sha256.items())
    together = hashlib.sha256(lines.encode()).hexdigest()
    return {f"{len(raw_sha256)} files": together}


class _Pointer(msgspec.Struct, frozen=True):
    """Which prepared set is the current one of a subset and protocol."""

    fingerprint: str


def home(subset: str) -> Path:
    """Return the folder of a subset's prepared sets."""
    return cache_root() / "prepared" / subset


def current(subset: str, protocol: str) -> Manifest | None:
    """Return what is prepared of a subset, None if nothing is.

    Raises:
        DataError: the cache entry is damaged.
    """
    pointer = home(subset) / f"{protocol}.json"
    try:
        fingerprint = msgspec.json.decode(pointer.read_bytes(), type=_Pointer)
        return at(subset, fingerprint.fingerprint)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise _damaged(pointer, error) from error
    except (NotADirectoryError, PermissionError) as error:
        raise _unusable(error) from error


def at(subset: str, fingerprint: str) -> Manifest | None:
    """Return the manifest of one prepared set, None if there is none."""
    path = home(subset) / fingerprint / "manifest.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise _damaged(path, error) from error
    except (NotADirectoryError, PermissionError) as error:
        raise _unusable(error) from error


def make_current(manifest: Manifest, protocol: str) -> None:
    """Make a prepared set the one that is loaded under `protocol` from now on."""
    path = home(manifest.subset) / f"{protocol}.json"
    content = msgspec.json.encode(_Pointer(manifest.fingerprint))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_BUILDING)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def building(subset: str) -> Iterator[Path]:
    """Give a folder to build in; it is gone afterwards, unless it was published."""
    root = home(subset)
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=root, prefix=_BUILDING))
    except (NotADirectoryError, FileExistsError, PermissionError) as error:
        raise _unusable(error) from error
    for left in root.glob(f"{_BUILDING}*"):
        if time.time() - left.stat().st_mtime > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(folder: Path, manifest: Manifest, protocol: str) -> None:
    """Give a complete build its final name; another process may have been first."""
    path = folder / "manifest.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    target = home(manifest.subset) / manifest.fingerprint
    if target.exists() and at(manifest.subset, manifest.fingerprint) is None:
        shutil.rmtree(target)  # what an unclean end left there
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
            raise
    make_current(manifest, protocol)


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path}: the cache entry is damaged ({error}); delete {path.parent} and"
        " prepare the set again"
    )


def _unusable(error: OSError) -> DataError:
    return DataError(
        f"the cache {cache_root()} cannot be used ({error.strerror}:"
        f" {error.filename}); set UNIBENCH_CACHE to a folder that can be written"
    )
