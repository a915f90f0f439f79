"""The Batch API of a server, through the openai SDK: files, batches, clear errors."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from unibench.backends.batch.ledger import Batch
from unibench.backends.openai import OpenAIBackend
from unibench.backends.server_errors import Refusal, refusal_of
from unibench.errors import BackendError, RunError

T = TypeVar("T")
METADATA_KEY = "unibench_batch"
FINAL = frozenset({"completed", "failed", "expired", "cancelled"})
"""The states in which a batch changes no more (the SDK's type `Batch.status`)."""
QUEUE_FULL = "token_limit_exceeded"
"""The validation error of a batch for which the account's queue has no room."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0
_CLOCKS_DIFFER_S = 86_400
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_MAY_HAVE_WORKED = {408, 409, 425}
_NOT_OFFERED = {404, 405, 501}
_BLOCK = 1 << 20


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as the server tells it; `errors` are (code, message) of validation."""

    batch_id: str
    status: str
    created: float = 0.0
    input_file_id: str = ""
    output_file_id: str = ""
    error_file_id: str = ""
    total: int = 0
    done: int = 0
    errors: tuple[tuple[str, str], ...] = ()
    metadata_id: str = ""

    @property
    def final(self) -> bool:
        """Whether it changes no more."""
        return self.status in FINAL

    @property
    def queue_full(self) -> bool:
        """Whether it was refused only because too much is waiting already."""
        return any(code == QUEUE_FULL for code, _ in self.errors)


class BatchServer:
    """One server that offers /v1/files and /v1/batches."""

    def __init__(self, backend: OpenAIBackend) -> None:
        """Take the backend for its address, key and model.

        Raises:
            RunError: it names several servers, which share no batches.
        """
        if len(backend.urls) != 1:
            raise RunError(
                f"a batch lies on one server, and {len(backend.urls)} are given; name"
                " one --base-url"
            )
        (self.url,) = backend.urls
        self.host = urlsplit(self.url).netloc
        self.model = backend.model
        self.retries = backend.options.retries
        self.max_wait_s = backend.options.max_wait_s
        self._access = backend.access(self.url)
        self._client = backend.client(self.url)

    def check(self) -> None:
        """Make sure that batches can be listed here, before anything is sent.

        Raises:
            BackendError: the server cannot be reached, or has no Batch API.
        """
        try:
            self._retried(lambda: self._client.batches.list(limit=1))
        except Refusal as refusal:
            if refusal.status not in _NOT_OFFERED:
                raise
            raise BackendError(
                f"{self.host} offers no Batch API ({self.url}/batches answered with"
                f" status {refusal.status}); run it without --batch"
            ) from refusal

    def upload(self, path: Path) -> str:
        """Send a file of requests; return the server's id of it."""

        def send() -> Any:
            with path.open("rb") as stream:
                return self._client.files.create(file=stream, purpose="batch")

        sent = self._retried(send)
        return _text(sent, "id", self.host)

    def create(self, batch: Batch) -> Remote:
        """Create a batch of an uploaded file; this is tried once only.

        Raises:
            Refusal: it was not created, or `may_exist` of the refusal.
        """
        return self._remote(
            self._explained(
                lambda: self._client.batches.create(
                    input_file_id=batch.file_id,
                    endpoint=batch.endpoint,
                    completion_window="24h",
                    metadata={METADATA_KEY: batch.id},
                )
            )
        )

    def find(self, batch: Batch) -> list[Remote]:
        """Return what the server has of a batch of ours, the oldest first.

        It is known by our id in its metadata, or by its input file.
        """
        found = self._retried(lambda: list(self._search(batch)))
        found.reverse()  # the newest come first, and created_at is in whole seconds
        return sorted(found, key=lambda remote: remote.created)

    def _search(self, batch: Batch) -> Iterator[Remote]:
        for found in self._client.batches.list(limit=100):
            remote = self._remote(found)
            if remote.created and remote.created < batch.created - _CLOCKS_DIFFER_S:
                return  # the newest come first
            if remote.metadata_id == batch.id or (
                batch.file_id and remote.input_file_id == batch.file_id
            ):
                yield remote

    def retrieve(self, batch_id: str) -> Remote:
        """Return how a batch stands."""
        found = self._retried(lambda: self._client.batches.retrieve(batch_id))
        return self._remote(found)

    def cancel(self, batch_id: str) -> Remote:
        """Stop a batch; what it has answered can still be collected, and is paid."""
        return self._remote(
            self._retried(lambda: self._client.batches.cancel(batch_id))
        )

    def download(self, file_id: str, path: Path) -> None:
        """Write a file of the server to `path`, whole or not at all."""
        partial = path.with_name(path.name + ".part")

        def fetch() -> None:
            files = self._client.files.with_streaming_response
            with files.content(file_id) as response, partial.open("wb") as stream:
                for block in response.iter_bytes(_BLOCK):
                    stream.write(block)

        try:
            self._retried(fetch)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def _retried(self, ask: Callable[[], T]) -> T:
        """Ask for something that may be asked twice."""
        for attempt in range(self.retries + 1):
            try:
                return self._explained(ask)
            except Refusal as refusal:
                wait_s = refusal.wait_s
                if wait_s is None:
                    wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**attempt)
                last = attempt == self.retries or not refusal.retry
                if last or wait_s > self.max_wait_s:
                    raise
                time.sleep(wait_s)
        raise BackendError(f"{self.host} was not asked: 'backend.retries' is below 0")

    def _explained(self, ask: Callable[[], T]) -> T:
        import openai

        try:
            return ask()
        except openai.OpenAIError as error:
            raise self._refusal(error) from error
        except _transport_errors() as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Exception) -> Refusal:
        """What the error means; a server may repeat the key in its answer."""
        refusal = refusal_of(error, self.url, self.model)
        refusal.args = (self._access.without_key(str(refusal)),)
        return refusal

    def _remote(self, found: Any) -> Remote:
        counts = getattr(found, "request_counts", None)
        listed = getattr(getattr(found, "errors", None), "data", None) or ()
        metadata = getattr(found, "metadata", None) or {}
        return Remote(
            batch_id=_text(found, "id", self.host),
            status=_text(found, "status", self.host),
            created=float(getattr(found, "created_at", None) or 0),
            input_file_id=getattr(found, "input_file_id", None) or "",
            output_file_id=getattr(found, "output_file_id", None) or "",
            error_file_id=getattr(found, "error_file_id", None) or "",
            total=getattr(counts, "total", None) or 0,
            done=(getattr(counts, "completed", None) or 0)
            + (getattr(counts, "failed", None) or 0),
            errors=tuple((error.code or "", _said(error)) for error in listed),
            metadata_id=str(metadata.get(METADATA_KEY, "")),
        )


def may_exist(refusal: Refusal) -> bool:
    """Whether a refused creation may have created the batch all the same."""
    status = refusal.status
    certain = _CLIENT_ERROR <= status < _SERVER_ERROR
    return not certain or status in _MAY_HAVE_WORKED


def _said(error: Any) -> str:
    line = f"line {error.line}: " if getattr(error, "line", None) else ""
    return f"{line}{error.message or error.code or 'no explanation'}"


def _text(found: Any, name: str, host: str) -> str:
    value = getattr(found, name, None)
    if not isinstance(value, str) or not value:
        raise BackendError(
            f"{host} does not answer as a Batch API (no {name!r} in"
            f" {str(found)[:80]!r}); check the base URL, or run it without --batch"
        )
    return value


def _transport_errors() -> tuple[type[Exception], ...]:
    """The errors of whichever HTTP library the installed SDK uses."""
    found: list[type[Exception]] = []
    for name in ("httpx", "httpx2"):
        if module := sys.modules.get(name):
            found += [module.HTTPError, module.StreamError]
    return tuple(found)
