"""Who is told how a run goes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from unibench.data import store
from unibench.data.plan import plan_of
from unibench.data.steps.labels import type_names
from unibench.errors import UnibenchError
from unibench.runner.plan import MAX_PAIRS, Plan
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Prediction, Response
from unibench.schema.record import RunRecord


class RunScope(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run: which model, which subsets, and how much each will probably ask.

    `expected` returns the queries of a subset, None where that is not known before
    its data are read.
    """

    model: str
    card: ModelCard
    subsets: tuple[str, ...]
    expected: Callable[[str], int | None]


class Watcher:
    """Told how a run goes, in the thread that runs it; this one says nothing."""

    def begin(self, scope: RunScope) -> None:
        """Learn what the whole run is."""

    def subset(self, plan: Plan) -> None:
        """Learn that a subset is asked from now on."""

    def asking(self, requests: int) -> None:
        """Learn that the model is asked so many requests from now on."""

    def advance(self, count: int) -> None:
        """Learn that so many further queries have an answer that is kept."""

    def answered(self, response: Response) -> None:
        """Learn what the model said to a new request; it is paid, not yet kept."""

    def read(self, prediction: Prediction) -> None:
        """Learn how a new answer was read."""

    def finished(self, record: RunRecord) -> None:
        """Learn that a subset is scored and written."""

    def skipped(self, subset: str, reason: str) -> None:
        """Learn that a subset is left out."""


def expected_queries(
    subset: str,
    splits: tuple[str, str],
    *,
    labels: str,
    limit: int | None,
    types_per_query: int | None,
) -> int | None:
    """Return how many queries a prepared subset will make, without reading passages.

    `splits` are split and protocol. None where the subset is not prepared yet, or its
    cards have an error, which its own run will name.
    """
    split, protocol = splits
    try:
        plan = plan_of(subset)
        manifest = store.current(subset, protocol)
        names = type_names(plan.label_map, subset, labels, released=protocol == "paper")
    except UnibenchError:
        return None
    if manifest is None or split not in manifest.splits:
        return None
    types = max(1, len(set(names.types.values())))
    passages = manifest.splits[split].statistics.passages
    passages = min(passages, limit or passages, max(1, MAX_PAIRS // types))
    return passages * -(-types // (types_per_query or types))
