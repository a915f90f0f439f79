"""Load datasets: passages with natural-language entity types, by subset and split."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from unibench.data import store
from unibench.data.fetch import fetch_subset, fetched_before
from unibench.data.parquet import read_split
from unibench.data.plan import SubsetPlan, plan_of
from unibench.data.prepare import prepare_from
from unibench.data.raw.jobs import FetchOptions
from unibench.data.raw.locate import RawFolder
from unibench.data.steps.labels import type_names
from unibench.data.store import Manifest
from unibench.errors import UnavailableError, UnknownNameError
from unibench.schema.dataset_card import PROTOCOLS
from unibench.schema.dataset_splits import SPLITS
from unibench.schema.prepared import PreparedSet
from unibench.schema.query import content_hash
from unibench.schema.record import DataIdentity
from unibench.schema.text import Passage


def load_dataset(
    subset: str, split: str = "test", protocol: str = "corrected"
) -> list[Passage]:
    """Return the passages of a split, their mentions with natural entity types.

    Raises:
        UnknownNameError: there is no such subset, split or protocol.
        UnavailableError: the data are not here; the message says how to get them.
    """
    return list(load_prepared(subset, split, protocol).passages)


def load_prepared(
    subset: str, split: str, protocol: str = "corrected", labels: str = "natural"
) -> PreparedSet:
    """Return a split and who it is, its entity types worded as `labels` says.

    `labels` is natural, raw, definition or paraphrase:K. Under `protocol: paper` the
    natural names are the phrases of the paper's released files.

    Raises:
        UnknownNameError: there is no such subset, split or protocol.
        UnavailableError: the data are not here; the message says how to get them.
        CardError: the label map has no such wording.
    """
    _require(split, SPLITS, "split")
    _require(protocol, PROTOCOLS, "protocol")
    plan = plan_of(subset)
    names = type_names(plan.label_map, subset, labels, released=protocol == "paper")
    manifest = ensure_prepared(plan, protocol)
    if split not in manifest.splits:
        raise UnavailableError(_no_split(plan, manifest, split))
    raw = read_split(store.home(subset) / manifest.fingerprint / f"{split}.parquet")
    passages = tuple(names.applied(passage) for passage in raw)
    identity = DataIdentity(
        dataset=plan.dataset,
        subset=subset,
        split=split,
        protocol=protocol,
        domain=plan.domain,
        access=plan.card.access,
        license=plan.card.license,
        fingerprint=content_hash(manifest.splits[split].gold, dict(names.types))[:16],
        card_sha256=plan.card_sha256,
        label_map_sha256=content_hash(msgspec.to_builtins(plan.label_map)),
        raw_sha256=store.raw_summary(manifest.raw_sha256),
    )
    return PreparedSet(
        identity=identity,
        passages=passages,
        entity_types=tuple(dict.fromkeys(names.types.values())),
        definitions=names.definitions,
        raw_labels=names.raw_labels,
    )


def ensure_prepared(plan: SubsetPlan, protocol: str) -> Manifest:
    """Return what is prepared of a subset; fetch an open one that is not here.

    Raises:
        UnavailableError: the data are not here; the message says how to get them.
    """
    manifest = prepared_here(plan, protocol)
    if manifest is not None:
        return manifest
    options = FetchOptions(
        offline=bool(os.environ.get("UNIBENCH_OFFLINE")),
        mirror=os.environ.get("UNIBENCH_MIRROR", ""),
        say=_say,
    )
    fetched = fetch_subset(plan, options)
    return prepare_from(plan.subset, protocol, fetched.folder, source=fetched.source)


def prepared_here(plan: SubsetPlan, protocol: str) -> Manifest | None:
    """Return what is prepared of a subset, or can be made of what is on this machine.

    Files that are part of a package are prepared on first use. What was prepared by
    an older card is made again of the same files.
    """
    manifest = store.current(plan.subset, protocol)
    if manifest is not None and is_fresh(plan, protocol, manifest):
        return manifest
    for layout in plan.layouts:
        if layout.source.path:
            folder = RawFolder(plan.card_file.parent / layout.source.path)
            title = layout.source.title
            return prepare_from(plan.subset, protocol, folder, source=title)
    earlier = manifest or next(filter(None, map(_current(plan), PROTOCOLS)), None)
    if earlier is not None and Path(earlier.folder).exists():
        return prepare_from(
            plan.subset,
            protocol,
            RawFolder(Path(earlier.folder)),
            accept_changed=bool(earlier.changed),
        )
    fetched = fetched_before(plan)
    if fetched is None:
        return None
    return prepare_from(plan.subset, protocol, fetched.folder, source=fetched.source)


def _current(plan: SubsetPlan) -> Callable[[str], Manifest | None]:
    return lambda protocol: store.current(plan.subset, protocol)


def _say(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - the licence is shown before a download


def is_fresh(plan: SubsetPlan, protocol: str, manifest: Manifest) -> bool:
    """Tell whether a prepared set is what card and map would give today."""
    recipes = {
        plan.recipe_sha256(plan.for_protocol(layout, protocol))
        for layout in plan.layouts
    }
    return (
        manifest.data_version == store.DATA_VERSION
        and manifest.names_sha256 == plan.names_sha256
        and manifest.recipe_sha256 in recipes
    )


def _no_split(plan: SubsetPlan, manifest: Manifest, split: str) -> str:
    have = ", ".join(manifest.splits)
    if missing := manifest.missing.get(split):
        return (
            f"{plan.subset}: the split {split!r} is not prepared: {', '.join(missing)}"
            f" was missing in {manifest.folder}; put it there and run 'unibench data"
            f" prepare {plan.subset} --from {manifest.folder}' again (prepared: {have})"
        )
    return f"{plan.subset} has no split {split!r}, only {have}"


def _require(name: str, known: tuple[str, ...], kind: str) -> None:
    if name not in known:
        raise UnknownNameError(kind, name, known)
