"""Divide the passages of one pool among splits."""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from unibench.schema.dataset_splits import Partition, Share
from unibench.schema.text import Passage


def divided(
    passages: Iterable[Passage], part: Partition, folder: Path
) -> Iterator[tuple[str, Passage]]:
    """Yield (split, passage) in file order; passages in no part are left out.

    How many units there are must be known before the first can be placed, so the
    passages wait in a temporary file in `folder`; memory holds one name a unit.
    """
    encoder, units = msgspec.msgpack.Encoder(), []
    by_document = part.by == "documents"
    with tempfile.TemporaryFile(dir=folder) as spool:
        for number, passage in enumerate(passages):
            units.append(_unit(passage, part) if by_document else str(number))
            block = encoder.encode(passage)
            spool.write(len(block).to_bytes(4, "big") + block)
        places = _places(units, part)
        spool.seek(0)
        stored = _stored(cast(BinaryIO, spool))
        for unit, passage in zip(units, stored, strict=True):
            if unit in places:
                yield places[unit], passage


def counts_of(total: int, into: dict[str, Share]) -> dict[str, int]:
    """Return how many of `total` units each part gets: int(share * total), the rest."""
    counts = {
        name: int(share * total) for name, share in into.items() if share != "rest"
    }
    rest = total - sum(counts.values())
    return {name: counts.get(name, rest) for name in into}


def _unit(passage: Passage, part: Partition) -> str:
    name = passage.document or passage.id
    if part.together and (match := re.search(part.together, name)):
        return match[0]
    return name


def _places(units: Sequence[str], part: Partition) -> dict[str, str]:
    order = list(dict.fromkeys(units))
    if part.seed is not None:
        if part.by == "documents":
            order.sort()
        random.Random(part.seed).shuffle(order)  # noqa: S311 - no secret
    places: dict[str, str] = {}
    start = 0
    for split, count in counts_of(len(order), part.into).items():
        places |= dict.fromkeys(order[start : start + count], split)
        start += count
    return places


def _stored(spool: BinaryIO) -> Iterator[Passage]:
    decoder = msgspec.msgpack.Decoder(Passage)
    while head := spool.read(4):
        yield decoder.decode(spool.read(int.from_bytes(head, "big")))
