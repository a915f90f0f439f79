"""What runs on a Ray worker: an adapter of its own, asked in chunks."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

import msgspec

from unibench.adapters.base import ModelAdapter
from unibench.errors import UnibenchError
from unibench.runner.engine import ModelSource
from unibench.runner.environment import hardware
from unibench.schema.query import Query, Response

FLUSH_S = 0.1
FLUSH_ANSWERS = 16
"""Answers travel in small packets: few enough to be cheap, small enough to lose."""

Packet = list[tuple[int, Response]]


class Refused(msgspec.Struct, frozen=True):
    """An error of ours on a worker: it would be the same on every other."""

    message: str


class Worker:
    """One actor: builds the adapter when it is first asked, and keeps it."""

    def __init__(self, source: ModelSource) -> None:
        """Take what the adapter is built of; weights are loaded by the first chunk."""
        self._source = source
        self._adapter: ModelAdapter | None = None

    def ready(self) -> int:
        """Return the process id, once the worker has its place on a node."""
        return os.getpid()

    def hardware(self) -> str:
        """Return what this worker runs on."""
        return hardware()

    def answer(self, queries: Sequence[Query], key: str) -> Iterator[bytes | Refused]:
        """Yield encoded packets of (position in `queries`, raw answer) as they come.

        `key` is the driver's request key of the first query: a worker that would ask
        something else (other weights, another version) must not answer.
        """
        try:
            adapter = self._built()
            if adapter.request_key(queries[0]) != key:
                yield Refused(self._different())
                return
            for packet in packets(adapter.respond(queries)):
                yield encoded(packet)
        except UnibenchError as error:
            yield Refused(str(error))

    def answer_all(self, queries: Sequence[Query], key: str) -> list[bytes | Refused]:
        """Return the packets at once, for clients that cannot take a stream."""
        return list(self.answer(queries, key))

    def _built(self) -> ModelAdapter:
        if self._adapter is None:
            self._adapter = self._source.build()
        return self._adapter

    def _different(self) -> str:
        return (
            f"a worker on {os.uname().nodename} would ask {self._source.name} another"
            " request than this process: the versions of unibench, the model's weights"
            " or its prompt files differ; install the same on every node"
        )


def encoded(packet: Packet) -> bytes:
    """Encode a packet as the store does: what has its default value is left out.

    Pickled, a default would come back as an equal value that is written out, and the
    predictions of equal runs would not be equal files.
    """
    return msgspec.msgpack.encode(packet)


def decoded(sent: bytes | Refused) -> Packet | Refused:
    """Return what a worker sent."""
    if isinstance(sent, Refused):
        return sent
    return msgspec.msgpack.decode(sent, type=Packet)


def packets(answers: Iterator[tuple[int, Response]]) -> Iterator[Packet]:
    """Gather answers that come close together."""
    packet: Packet = []
    sent = time.monotonic()
    for answer in answers:
        packet.append(answer)
        if len(packet) >= FLUSH_ANSWERS or time.monotonic() - sent >= FLUSH_S:
            yield packet
            packet, sent = [], time.monotonic()
    if packet:
        yield packet
