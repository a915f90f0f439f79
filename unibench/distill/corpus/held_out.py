"""The test sets that are prepared on this machine, for the overlap filter."""

from __future__ import annotations

from collections.abc import Iterator

from unibench.data.api import is_fresh, load_prepared
from unibench.data.catalogue import resolve, subsets
from unibench.data.plan import plan_of
from unibench.data.store import current
from unibench.distill.corpus.overlap import HeldOut
from unibench.schema.dataset_card import PROTOCOLS, Protocol
from unibench.schema.distillation import OverlapRecipe


def held_out(recipe: OverlapRecipe) -> HeldOut:
    """Return the test passages of the subsets that the recipe names, or of all.

    Only what is prepared already, with today's cards, is read; nothing is fetched,
    and the rest is named as missing.
    """
    wanted = resolve(recipe.subsets) if recipe.subsets else list(subsets())
    found = {subset: _protocol(subset) for subset in wanted}
    return HeldOut(
        texts={
            subset: _texts(subset, protocol)
            for subset, protocol in found.items()
            if protocol is not None
        },
        missing=tuple(subset for subset, protocol in found.items() if not protocol),
    )


def _protocol(subset: str) -> Protocol | None:
    """The protocol under which the subset's test split is prepared."""
    for protocol in PROTOCOLS:
        manifest = current(subset, protocol)
        if manifest is None or "test" not in manifest.splits:
            continue
        if is_fresh(plan_of(subset), protocol, manifest):
            return protocol
    return None


def _texts(subset: str, protocol: Protocol) -> Iterator[str]:
    for passage in load_prepared(subset, "test", protocol).passages:
        yield passage.text
