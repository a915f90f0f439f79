"""What the catalogue shows of each subset: the rows of `unibench data list`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from unibench.data import catalogue, store
from unibench.data.api import ensure_prepared, is_fresh
from unibench.data.fetch import fetched_before
from unibench.data.plan import SubsetPlan, plan_of
from unibench.data.prepare import prepare_from
from unibench.data.raw.gather import gather
from unibench.data.raw.jobs import place_of
from unibench.data.raw.locate import Finder, RawFolder
from unibench.data.raw.verify import matches
from unibench.data.steps.labels import type_names
from unibench.errors import DataError
from unibench.schema.dataset_card import PROTOCOLS
from unibench.schema.dataset_splits import SPLITS

State = Literal["prepared", "outdated", "packaged", "fetched", "to fetch", "to order"]


class SubsetRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `data list`; `state` says what is on this machine, or is to be done."""

    dataset: str
    subset: str
    domain: str
    access: str
    license: str
    types: int
    state: State


def subset_rows(names: Sequence[str] = ()) -> Iterator[SubsetRow]:
    """Yield the rows of `names`, or of every subset."""
    for subset in catalogue.resolve(names) if names else catalogue.subsets():
        plan = plan_of(subset)
        types = type_names(plan.label_map, subset, "natural", released=False)
        yield SubsetRow(
            dataset=plan.dataset,
            subset=subset,
            domain=plan.domain,
            access=plan.card.access,
            license=plan.card.license,
            types=len(types.raw_labels),
            state=state_of(plan),
        )


def state_of(plan: SubsetPlan) -> State:
    """Return what is on this machine of a subset, or is to be done."""
    manifest = store.current(plan.subset, "corrected")
    if manifest is not None:
        fresh = is_fresh(plan, "corrected", manifest)
        return "prepared" if fresh else "outdated"
    if plan.is_packaged:
        return "packaged"
    if plan.card.access != "open":
        return "to order"
    return "fetched" if fetched_before(plan) is not None else "to fetch"


def subset_details(subset: str) -> dict[str, Any]:
    """Return everything that a card and its label map say of a subset."""
    plan = plan_of(subset)
    card, label_map = plan.card, plan.label_map
    prepared = {
        protocol: manifest
        for protocol in PROTOCOLS
        if (manifest := store.current(subset, protocol)) is not None
    }
    return {
        "subset": subset,
        "dataset": plan.dataset,
        "title": plan.title,
        "domain": plan.domain,
        "access": card.access,
        "order": card.order,
        "license": card.license,
        "license_note": card.license_note,
        "homepage": card.homepage,
        "citation": card.citation,
        "state": state_of(plan),
        "sources": [
            f"{layout.source.title}: {place_of(layout.source)}"
            for layout in plan.layouts
        ],
        "files": sorted(
            {
                name
                for layout in plan.layouts[:1]
                for files in layout.splits.values()
                for name in files.files
            }
        ),
        "types": {
            label_map.label(raw).name: label_map.label(raw).definition
            for raw in label_map.raw_labels(subset)
            if raw in label_map.labels
        },
        "dropped": {
            raw: label_map.dropped[raw]
            for raw in label_map.raw_labels(subset)
            if raw in label_map.dropped
        },
        "paper": [f"{type(s).__name__}: {s.why}" for s in plan.paper],
        "differences": {d.name: d.why for d in plan.differences},
        "known_errors": list(card.known_errors),
        "notes": list(card.notes),
        "table6": msgspec.to_builtins(plan.table6),
        "prepared": {name: m.fingerprint for name, m in prepared.items()},
    }


class PreparedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `data prepare`: what was made, what was missing, what was counted."""

    subset: str
    protocol: str
    passages: dict[str, int]
    missing: dict[str, tuple[str, ...]]
    repairs: dict[str, int]
    left_out: dict[str, int]
    changed: tuple[str, ...]
    source: str
    fingerprint: str
    folder: str

    @property
    def notes(self) -> str:
        """What a reader of the table must know, in words."""
        counted = [f"{n} {what}" for what, n in self.repairs.items()]
        counted += [f"{n} left out ({why})" for why, n in self.left_out.items()]
        counted += [f"changed: {name}" for name in self.changed]
        return "; ".join(counted)


def prepare_row(
    subset: str, protocol: str, raw: RawFolder | None, *, accept_changed: bool
) -> PreparedRow:
    """Prepare a subset from `raw`, or from where it can be had, and say what was made.

    Raises:
        DataError: it cannot be prepared; the message says why.
    """
    plan = plan_of(subset)
    if raw is None or plan.is_packaged:
        manifest = ensure_prepared(plan, protocol)
    else:
        manifest = prepare_from(subset, protocol, raw, accept_changed=accept_changed)
    passages = {
        split: manifest.splits[split].statistics.passages
        for split in SPLITS
        if split in manifest.splits
    }
    return PreparedRow(
        subset=subset,
        protocol=protocol,
        passages=passages,
        missing=dict(manifest.missing),
        repairs=dict(manifest.repairs),
        left_out=dict(manifest.left_out),
        changed=manifest.changed,
        source=manifest.source,
        fingerprint=manifest.fingerprint,
        folder=str(store.home(subset) / manifest.fingerprint),
    )


def found_below(raw: RawFolder) -> list[str]:
    """Return the subsets whose files lie below `folder`, without any doubt.

    That is so where a folder has the subset's or the dataset's name, or where a file
    has a hash that the card knows.
    """
    return [subset for subset in catalogue.subsets() if _is_below(subset, raw)]


def _is_below(subset: str, raw: RawFolder) -> bool:
    plan = plan_of(subset)
    if plan.is_packaged:
        return False
    try:
        gathered = gather(plan, "corrected", raw)
    except DataError:
        return False
    if Finder(raw, (plan.subset, plan.dataset), frozenset()).named:
        return True
    specs = plan.card.files
    return any(
        found.name in specs and matches(specs[found.name], found.entry)
        for found in gathered.files()
    )
