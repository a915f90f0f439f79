"""How fast a model answered before: from the records of its earlier runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from unibench.errors import RunError
from unibench.runner.store import RECORD, read_record
from unibench.schema.model_card import ModelCard
from unibench.schema.record import Usage


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Requests a second, from so many requests; 0 where it was declared.

    `unread` counts records that could not be read.
    """

    per_second: float
    requests: int = 0
    unread: int = 0

    def minutes(self, requests: int) -> float:
        """Return how long so many requests take."""
        return requests / self.per_second / 60


def measured_rate(output: Path, card: ModelCard) -> Rate | None:
    """Return how fast a checkpoint answered in the runs below `output`, if it did.

    Only what was asked counts, not what a store had already.
    """
    usages, unread = [], 0
    for path in sorted(output.rglob(RECORD)) if output.is_dir() else []:
        try:
            record = read_record(path)
        except RunError:
            unread += 1
            continue
        model = record.model
        if (model.checkpoint, model.revision) == (
            card.checkpoint.id,
            card.checkpoint.revision,
        ):
            usages.append(record.usage)
    return _rate(usages, unread)


def _rate(usages: Iterable[Usage], unread: int) -> Rate | None:
    asked = [usage for usage in usages if usage.requests and usage.seconds > 0]
    if not asked:
        return None
    requests = sum(usage.requests for usage in asked)
    seconds = sum(usage.seconds for usage in asked)
    return Rate(per_second=requests / seconds, requests=requests, unread=unread)
