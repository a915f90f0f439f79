"""The files of a batch: requests cut to what the API takes, answers read strictly."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from unibench.errors import RunError

MAX_REQUESTS = 50_000
MAX_BYTES = 200_000_000
"""What one input file may hold (the docstring of the SDK's `Batches.create`)."""
_OK = 200


class BatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request; `expected` are its prompt and completion tokens, estimated.

    `flags` are what the answer will say of how it was asked.
    """

    key: str
    endpoint: str
    body: dict[str, Any]
    flags: tuple[str, ...] = ()
    expected: tuple[int, int] = (0, 0)


class Spooled(msgspec.Struct, frozen=True, kw_only=True):
    """A file of requests to one endpoint that is ready to be sent."""

    id: str
    endpoint: str
    path: Path
    requests: tuple[tuple[str, str], ...]
    expected_prompt_tokens: int
    expected_completion_tokens: int


class Limits(msgspec.Struct, frozen=True):
    """How much a file holds at most."""

    requests: int = MAX_REQUESTS
    bytes: int = MAX_BYTES


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an output or error file: a body with status 200, or a refusal.

    `status` is 0 where the request never reached the model; `code` then says why.
    """

    key: str
    status: int
    body: bytes = b""
    code: str = ""
    reason: str = ""

    @property
    def answered(self) -> bool:
        """Whether there is a body that should hold an answer."""
        return self.status == _OK


class _OpenFile:
    """A file that is being written."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.id, self.endpoint = uuid.uuid4().hex, endpoint
        self.path = folder / f"unibench-{self.id}.jsonl"
        self.stream: BinaryIO = self.path.open("wb")
        self.requests: list[tuple[str, str]] = []
        self.bytes = self.prompt_tokens = self.completion_tokens = 0

    def write(self, request: BatchRequest, line: bytes) -> None:
        self.stream.write(line)
        self.bytes += len(line)
        self.requests.append((request.key, " ".join(request.flags)))
        self.prompt_tokens += request.expected[0]
        self.completion_tokens += request.expected[1]

    def close(self) -> Spooled:
        self.stream.close()
        return Spooled(
            id=self.id,
            endpoint=self.endpoint,
            path=self.path,
            requests=tuple(self.requests),
            expected_prompt_tokens=self.prompt_tokens,
            expected_completion_tokens=self.completion_tokens,
        )


def spool(
    requests: Iterable[BatchRequest], folder: Path, limits: Limits
) -> Generator[Spooled, None, None]:
    """Write requests to files in `folder`; yield each file as it is full.

    Raises:
        RunError: one request alone is larger than a file may be.
    """
    opened: dict[str, _OpenFile] = {}
    try:
        for request in requests:
            line = _line(request)
            if len(line) > limits.bytes:
                raise RunError(
                    f"a request of {len(line):,} bytes is larger than a batch file may"
                    f" be ({limits.bytes:,}); run it without --batch"
                )
            file = opened.get(request.endpoint)
            if file is not None and _is_full(file, len(line), limits):
                yield opened.pop(request.endpoint).close()
                file = None
            if file is None:
                file = opened[request.endpoint] = _OpenFile(folder, request.endpoint)
            file.write(request, line)
        while opened:
            yield opened.popitem()[1].close()
    finally:
        for file in opened.values():
            file.stream.close()
            file.path.unlink()


def _is_full(file: _OpenFile, more: int, limits: Limits) -> bool:
    return len(file.requests) >= limits.requests or file.bytes + more > limits.bytes


def _line(request: BatchRequest) -> bytes:
    return (
        msgspec.json.encode(
            {
                "custom_id": request.key,
                "method": "POST",
                "url": request.endpoint,
                "body": request.body,
            }
        )
        + b"\n"
    )


class _Error(msgspec.Struct):
    code: str | int | None = None
    message: str | None = None


class _Answer(msgspec.Struct):
    status_code: int
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Row(msgspec.Struct):
    custom_id: str
    response: _Answer | None = None
    error: _Error | None = None


class _Refused(msgspec.Struct):
    error: _Error | str | None = None


def read_lines(path: Path) -> Iterator[Line | None]:
    """Yield each line of an output or error file, None for one that is broken."""
    decode = msgspec.json.Decoder(_Row).decode
    with path.open("rb") as stream:
        for line in stream:
            if line.strip():
                try:
                    row = decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    yield None
                else:
                    yield _read(row)


def _read(row: _Row) -> Line | None:
    if row.response is not None and row.response.status_code == _OK:
        return Line(key=row.custom_id, status=_OK, body=bytes(row.response.body))
    if row.response is not None:
        body = bytes(row.response.body)
        error = _body_error(body) or row.error or _Error()
        refused = _refusal(row.custom_id, row.response.status_code, error)
        return msgspec.structs.replace(refused, body=body)
    if row.error is not None:
        return _refusal(row.custom_id, 0, row.error)
    return None


def _refusal(key: str, status: int, error: _Error) -> Line:
    said = " ".join((error.message or "no explanation").split())[:200]
    code = f" ({error.code})" if error.code else ""
    return Line(
        key=key, status=status, code=str(error.code or ""), reason=f"{said}{code}"
    )


def _body_error(body: bytes) -> _Error | None:
    try:
        found = msgspec.json.decode(body, type=_Refused).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return _Error(message=found) if isinstance(found, str) else found
