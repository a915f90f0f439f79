"""Download one file: resumed where it was cut off, checked before it gets its name."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from unibench.data.raw.tree import Entry
from unibench.data.raw.verify import difference
from unibench.errors import DataError
from unibench.schema.dataset_card import RawFileSpec

_BLOCK = 1 << 18  # bytes
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_HTML = (b"<!doctype html", b"<html")
_ORPHAN_S = 3600.0


class DownloadError(DataError):
    """A file could not be downloaded; the message says from where and why."""


class _BrokenError(Exception):
    """The connection failed in a way that may pass."""


class Patience(msgspec.Struct, frozen=True):
    """How long to try: attempts in all, and seconds before the second, doubling."""

    attempts: int = 4
    wait_s: float = 1.0
    timeout_s: float = 20.0


def download(
    url: str,
    target: Path,
    spec: RawFileSpec,
    patience: Patience,
    progress: Callable[[int], None],
) -> None:
    """Bring `url` to `target`, unless it is there; `progress` is told of each block.

    What a cut connection left is kept as a hidden file and continued, also by a later
    run. A status that may pass (429, 5xx) and a broken connection are tried again;
    content that is not what the card knows is tried once more, from its start.

    Raises:
        DownloadError: the server refuses, does not answer, or sends something else.
        OSError: the disk is full or the folder cannot be written.
    """
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with _part_of(target) as part:
        wrong = ""
        for attempt in range(patience.attempts):
            if attempt:
                time.sleep(patience.wait_s * 2 ** (attempt - 1))
            try:
                _receive(url, part, patience.timeout_s, progress)
            except _BrokenError as error:
                problem = str(error)
                continue
            problem = _problem(part, target.name, spec)
            if not problem:
                part.replace(target)
                return
            part.unlink()
            if problem == wrong:
                break
            wrong = problem
        raise DownloadError(f"{url}: {problem}")


@contextmanager
def _part_of(target: Path) -> Iterator[Path]:
    """Give a file that only this thread writes; begun ones are taken over."""
    owner = f"{os.getpid()}-{threading.get_ident()}"
    part = target.with_name(f".{target.name}.{owner}.part")
    left = target.with_name(f".{target.name}.part")
    for old in (left, *sorted(target.parent.glob(f".{target.name}.*.part"))):
        try:
            if old == left or time.time() - old.stat().st_mtime > _ORPHAN_S:
                old.rename(part)
                break
        except FileNotFoundError:
            continue  # another process took it
    try:
        yield part
    finally:
        if part.exists():
            part.rename(left)


def _receive(
    url: str, part: Path, timeout_s: float, progress: Callable[[int], None]
) -> None:
    """Append what is missing of `url` to `part`."""
    have = part.stat().st_size if part.exists() else 0
    with _opened(url, have, timeout_s) as response:
        if response.status == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is missing; if it is wrong, the check will find out
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        length = response.headers.get("Content-Length")
        total = int(length) + (have if resumed else 0) if length else None
        with part.open("ab" if resumed else "wb") as stream:
            while block := _read(response):
                stream.write(block)
                progress(len(block))
            size = stream.tell()
    if total is not None and size < total:
        raise _BrokenError(f"the connection was cut after {size} of {total} bytes")


@contextmanager
def _opened(
    url: str, have: int, timeout_s: float
) -> Iterator[http.client.HTTPResponse | urllib.error.HTTPError]:
    headers = {"User-Agent": "unibench"} | ({"Range": f"bytes={have}-"} if have else {})
    if not url.startswith(("http://", "https://")):
        raise DownloadError(f"{url}: only http and https can be fetched")
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - seen above
    try:
        response = urllib.request.urlopen(request, timeout=timeout_s)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            with error:
                yield error
            return
        error.close()
        if error.code in _PASSING:
            raise _BrokenError(f"the server answered {error.code}") from error
        raise DownloadError(
            f"{url}: the server answered {error.code} {error.reason}"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, socket.gaierror):  # no network, or no such host
            host = urllib.parse.urlsplit(url).hostname
            raise DownloadError(
                f"{url}: the host {host} is not known here ({reason.strerror}); is"
                " there a network?"
            ) from error
        raise _BrokenError(f"no answer: {reason}") from error
    with response:
        yield response


def _read(response: http.client.HTTPResponse | urllib.error.HTTPError) -> bytes:
    try:
        return response.read(_BLOCK)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenError(f"the connection broke: {error}") from error


def _problem(part: Path, name: str, spec: RawFileSpec) -> str:
    """Say what is wrong with what came; nothing if it is what the card knows."""
    entry = Entry(name, str(part), lambda: part.open("rb"))
    with part.open("rb") as stream:
        head = stream.read(64).lstrip().lower()
    if head.startswith(_HTML) and not name.lower().endswith((".html", ".htm")):
        return "a web page came in place of the file; open the address in a browser"
    if how := difference(spec, entry):
        return f"what came is not what the card knows: {how}"
    return ""
