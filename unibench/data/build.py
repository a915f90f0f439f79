"""From the raw files of a subset to a stream of passages with raw labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from unibench.data.formats.registry import make_format
from unibench.data.plan import SubsetPlan
from unibench.data.raw.gather import Gathered, Pool
from unibench.data.steps.divide import divided
from unibench.data.steps.documents import document_ids, of_documents
from unibench.data.steps.filters import filtered
from unibench.data.steps.labels import relabelled, rules_of
from unibench.data.steps.paper import PaperReader
from unibench.data.steps.splitters import make_splitter, sentences
from unibench.errors import DataError
from unibench.schema.dataset_splits import split_files
from unibench.schema.text import Passage


@dataclass
class BuildNotes:
    """What a build counted: mended by a format, left out by a filter."""

    repairs: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


def built(
    plan: SubsetPlan, gathered: Gathered, folder: Path, notes: BuildNotes
) -> Iterator[tuple[str, Passage]]:
    """Yield (split, passage) of everything that was found; `folder` is for scratch.

    Raises:
        FormatError: a file breaks its format.
        DataError: a raw label is neither mapped nor dropped.
    """
    reader = PaperReader(gathered.layout.paper)
    rules = rules_of(plan.relabel)
    known = frozenset(plan.label_map.raw_labels(plan.subset))
    for split, passage in reader.read(_all_pools(plan, gathered, folder, notes)):
        renamed = relabelled(passage, rules)
        for mention in renamed.mentions:
            if mention.entity_type not in known:
                raise DataError(
                    _unmapped(plan, gathered, split, passage.id, mention.entity_type)
                )
        yield split, renamed


def _all_pools(
    plan: SubsetPlan, gathered: Gathered, folder: Path, notes: BuildNotes
) -> Iterator[tuple[str, Passage]]:
    for pool in gathered.pools:
        passages = _passages(plan, gathered, pool, notes)
        if list(pool.part.into.values()) == ["rest"]:
            (split,) = pool.part.into
            yield from ((split, passage) for passage in passages)
        else:
            yield from divided(passages, pool.part, folder)


def _passages(
    plan: SubsetPlan, gathered: Gathered, pool: Pool, notes: BuildNotes
) -> Iterator[Passage]:
    """Read one pool: format, documents, splitter, filters."""
    layout = gathered.layout
    where = str(plan.card_file)
    files = split_files(pool.part.files)
    parser = make_format(files.format or layout.format, where)
    passages = parser.read([found.file for found in pool.found])
    documents = files.documents
    if documents is not None and pool.listing is not None:
        ids = document_ids(documents, pool.listing.file)
        passages = of_documents(passages, ids, f"{plan.subset}: {documents.file}")
    splitter = make_splitter(layout.splitter, where)
    if splitter is not None:
        passages = sentences(passages, splitter)
    yield from filtered(passages, layout.filters, notes.left_out)
    notes.repairs.update(parser.repairs)


def _unmapped(
    plan: SubsetPlan, gathered: Gathered, split: str, passage_id: str, label: str
) -> str:
    files = [
        found.name
        for pool in gathered.pools
        if split in pool.part.into
        for found in pool.found
    ]
    shown = ", ".join(files[:3]) + (", ..." if files[3:] else "")
    return (
        f"{plan.subset}: {shown}: passage {passage_id} of {split} has the label"
        f" {label!r}, which label_maps/{plan.dataset}.yaml neither maps nor drops; add"
        " it there, or check that this is the right file"
    )
