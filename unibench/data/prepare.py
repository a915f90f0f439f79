"""Prepare a subset: raw files in, a prepared set in the cache out."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

import msgspec

from unibench.data import store
from unibench.data.build import BuildNotes, built
from unibench.data.parquet import PreparedSplit, SplitWriter
from unibench.data.plan import SubsetPlan, plan_of
from unibench.data.raw.gather import Gathered, gather, require_unchanged
from unibench.data.raw.locate import RawFolder
from unibench.data.store import Manifest
from unibench.errors import DataError
from unibench.schema.dataset_steps import DevIsTest
from unibench.schema.query import content_hash


def prepare_from(
    subset: str,
    protocol: str,
    folder: RawFolder,
    *,
    accept_changed: bool = False,
    source: str = "",
) -> Manifest:
    """Prepare `subset` from the raw files below `folder` and make it current.

    What was prepared before from the same card, map, files and protocol is taken as
    it is. Nothing is left behind when it fails; several processes may do it at once.

    Raises:
        UnavailableError: the files are not there.
        DataError: a file is not what the card knows, or breaks its format.
    """
    plan = plan_of(subset)
    gathered = gather(plan, protocol, folder, source=source)
    if not accept_changed:
        require_unchanged(plan, gathered)
    wanted = manifest_of(plan, gathered, folder.path)
    made = store.at(subset, wanted.fingerprint)
    if made is not None:
        store.make_current(made, protocol)
        return made
    with store.building(subset) as scratch:
        notes = BuildNotes()
        splits = _written(plan, gathered, scratch, notes)
        manifest = msgspec.structs.replace(
            wanted,
            splits=splits,
            repairs=dict(notes.repairs),
            left_out=dict(notes.left_out),
        )
        store.publish(scratch, manifest, protocol)
    return manifest


def manifest_of(plan: SubsetPlan, gathered: Gathered, folder: Path) -> Manifest:
    """Return what is known of a prepared set before it is built."""
    raw = {found.name: found.entry.identity.sha256 for found in gathered.files()}
    recipe = plan.recipe_sha256(gathered.layout)
    fingerprint = content_hash(
        store.DATA_VERSION, plan.subset, recipe, plan.names_sha256, raw
    )
    return Manifest(
        dataset=plan.dataset,
        subset=plan.subset,
        fingerprint=fingerprint[:16],
        source=gathered.layout.source.title,
        exact=gathered.layout.source.exact,
        folder=str(folder.resolve()),
        recipe_sha256=recipe,
        names_sha256=plan.names_sha256,
        raw_sha256=raw,
        changed=tuple(gathered.changed),
        missing=gathered.missing,
    )


def _written(
    plan: SubsetPlan, gathered: Gathered, folder: Path, notes: BuildNotes
) -> dict[str, PreparedSplit]:
    """Write each split into `folder`; return what they hold."""
    dropped = plan.label_map.dropped.keys()
    with ExitStack() as files:
        writers = {
            split: files.enter_context(
                SplitWriter(folder / f"{split}.parquet", dropped)
            )
            for split in gathered.splits
        }
        for split, passage in built(plan, gathered, folder, notes):
            writers[split].add(passage)
        splits = {split: writer.finish() for split, writer in writers.items()}
    for split, made in splits.items():
        if not made.statistics.passages:
            raise DataError(
                f"{plan.subset}: the files of {split} hold no passage; they are empty"
                " or not those that the card means"
            )
    if "test" in splits and _dev_is_test(gathered):
        shutil.copyfile(folder / "test.parquet", folder / "dev.parquet")
        splits["dev"] = splits["test"]
    return splits


def _dev_is_test(gathered: Gathered) -> bool:
    return any(isinstance(step, DevIsTest) for step in gathered.layout.paper)
