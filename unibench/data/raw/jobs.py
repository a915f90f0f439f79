"""What is fetched in one piece: a file, an archive, a file of the Hub, a wheel."""

from __future__ import annotations

import errno
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from unibench.data.raw.download import DownloadError, Patience, download
from unibench.data.raw.locate import is_glob, selected
from unibench.data.raw.tree import Entry, archive
from unibench.data.raw.verify import difference
from unibench.schema.dataset_card import Package, RawFileSpec, Source

_MAGIC = {
    b"PK\x03\x04": ".zip",
    b"\x1f\x8b": ".tar.gz",
    b"\xfd7zXZ": ".tar.xz",
    b"BZh": ".tar.bz2",
}
_PROBE_S = 10.0
_OUR_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}


class FetchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to fetch.

    `mirror` stands in for the hosts of all addresses: `https://host/path` is asked
    for as `MIRROR/host/path`. `offline` asks nobody. `say` gets a line for the user,
    `progress` the number of bytes that came.
    """

    jobs: int = 4
    mirror: str = ""
    offline: bool = False
    patience: Patience = Patience()
    say: Callable[[str], None] | None = None
    progress: Callable[[int], None] = lambda count: None


class Job(Protocol):
    """Something to fetch."""

    def run(self, options: FetchOptions) -> None:
        """Fetch it, unless it is there; raise DownloadError."""


@dataclass(frozen=True)
class FileJob:
    """One file at an address."""

    url: str
    target: Path
    spec: RawFileSpec

    def run(self, options: FetchOptions) -> None:
        """Download the file."""
        url = mirrored(self.url, options.mirror)
        download(url, self.target, self.spec, options.patience, options.progress)


@dataclass(frozen=True)
class ArchiveJob:
    """An archive at an address, or the one file of a layout (`single`)."""

    url: str
    folder: Path
    single: str
    spec: RawFileSpec

    def run(self, options: FetchOptions) -> None:
        """Download it under the name that the address has, or that fits its content."""
        base = Path(urlsplit(self.url).path).name or "download"
        known = archive(Path(base)) or (self.single and base == Path(self.single).name)
        if not known and any(self.folder.glob("download.*")):
            return
        target = self.folder / (base if known else "download")
        url = mirrored(self.url, options.mirror)
        download(url, target, self.spec, options.patience, options.progress)
        if not known:
            target.replace(self._named(target))

    def _named(self, path: Path) -> Path:
        with path.open("rb") as stream:
            head = stream.read(8)
        for magic, suffix in _MAGIC.items():
            if head.startswith(magic):
                return path.with_name(f"download{suffix}")
        if not self.single:
            path.unlink()
            raise DownloadError(f"{self.url}: what came is no archive")
        target = self.folder / self.single
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


@dataclass(frozen=True)
class HubJob:
    """One file of a dataset repository of the Hub."""

    source: Source
    name: str
    folder: Path
    spec: RawFileSpec

    def run(self, options: FetchOptions) -> None:
        """Download the file at the pinned revision."""
        target = self.folder / self.name
        if target.exists():
            return
        from huggingface_hub import hf_hub_download

        with _hub_errors(self.source):
            hf_hub_download(
                self.source.hub,
                self.name,
                repo_type="dataset",
                revision=self.source.revision,
                local_dir=self.folder,
                endpoint=_endpoint(options.mirror),
            )
        if how := difference(
            self.spec, Entry(self.name, str(target), lambda: target.open("rb"))
        ):
            target.unlink()
            raise DownloadError(f"{self.source.hub}: {self.name}: {how}")
        options.progress(target.stat().st_size)


@dataclass(frozen=True)
class PackageJob:
    """A wheel of the Python package index, without what it depends on."""

    package: Package
    folder: Path

    def run(self, options: FetchOptions) -> None:
        """Download the wheel with pip, which knows the index and its mirrors."""
        wanted = f"{self.package.name}=={self.package.version}"
        if any(self._right(path) for path in self.folder.glob("*.whl")):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".") as scratch:
            pip = [sys.executable, "-m", "pip", "download", "--no-deps", "-q"]
            run = subprocess.run(  # noqa: S603 - no shell, names from a card
                [*pip, "-d", scratch, wanted],
                capture_output=True,
                text=True,
                check=False,
            )
            if run.returncode:
                last = run.stderr.strip().rpartition("\n")[2]
                raise DownloadError(f"pip could not download {wanted}: {last}")
            for path in Path(scratch).glob("*.whl"):
                if not self._right(path):
                    raise DownloadError(f"{path.name} has not the hash of the card")
                options.progress(path.stat().st_size)
                path.replace(self.folder / path.name)

    def _right(self, path: Path) -> bool:
        entry = Entry(path.name, str(path), lambda: path.open("rb"))
        return entry.identity.sha256 == self.package.sha256


def hub_jobs(
    source: Source,
    names: Sequence[str],
    folder: Path,
    specs: dict[str, RawFileSpec],
    options: FetchOptions,
) -> Iterator[Job]:
    """Yield a job for each file of a dataset repository that `names` stand for.

    Raises:
        DownloadError: the Hub does not answer, or has no such files.
    """
    wanted = list(names)
    listing = any(is_glob(name) for name in names)
    if listing or not all((folder / name).exists() for name in names):
        _ask_once(source, options)
    if listing:
        from huggingface_hub import HfApi

        with _hub_errors(source):
            listed = HfApi(endpoint=_endpoint(options.mirror)).list_repo_files(
                source.hub, repo_type="dataset", revision=source.revision
            )
        wanted = selected(names, listed)
    for name in wanted:
        yield HubJob(source, name, folder, specs.get(name, RawFileSpec()))


def _ask_once(source: Source, options: FetchOptions) -> None:
    """Raise DownloadError unless the Hub answers; its client would try six times."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return  # the client says so by itself
    url = _endpoint(options.mirror) or constants.ENDPOINT
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - the Hub's
    try:
        urllib.request.urlopen(request, timeout=_PROBE_S).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()  # whatever it says, it answers
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise DownloadError(
            f"{place_of(source)}: {url} does not answer ({reason}); is there a network?"
        ) from error


def mirrored(url: str, mirror: str) -> str:
    """Return the address at a mirror: `https://host/path` is `MIRROR/host/path`."""
    if not mirror:
        return url
    return f"{mirror.rstrip('/')}/{url.partition('://')[2]}"


def place_of(source: Source) -> str:
    """Return where a source is, for messages."""
    if source.hub:
        return f"{source.hub} at {source.revision}"
    if source.package is not None:
        return f"the package {source.package.name} {source.package.version}"
    return source.url or source.path or "no address"


def _endpoint(mirror: str) -> str | None:
    return mirrored("https://huggingface.co", mirror) if mirror else None


@contextmanager
def _hub_errors(source: Source) -> Iterator[None]:
    """Turn what the Hub's client raises into one error; a full disk stays one."""
    from httpx import HTTPError
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except (HfHubHTTPError, HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno in _OUR_DISK:
            raise
        said = [error.__cause__, error] if error.__cause__ is not None else [error]
        first = str(said[0]).strip().partition("\n")[0]
        raise DownloadError(f"{place_of(source)}: {first}") from error
