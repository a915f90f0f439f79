"""What a card says of one subset, with everything filled in: how it is to be made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from unibench.data import catalogue
from unibench.errors import CardError
from unibench.schema.dataset_card import (
    DatasetCard,
    Difference,
    Named,
    Source,
    SplitStatistics,
    Statistics,
    Subset,
    Table6,
)
from unibench.schema.dataset_splits import (
    SPLITS,
    FileNames,
    Partition,
    SplitFiles,
    split_files,
)
from unibench.schema.dataset_steps import (
    AnyFilter,
    AnyPaperStep,
    FormatOptions,
    NoFilters,
    OtherSplits,
    SplitterOptions,
)
from unibench.schema.label_map import LabelMap
from unibench.schema.query import content_hash

_LEFT_OVER = re.compile(r"\{[a-z_]+\}")


@dataclass(frozen=True)
class Layout:
    """One way in which the files of a subset may lie, and how they are read."""

    source: Source
    format: dict[str, Any]
    splits: Mapping[str, SplitFiles]
    partition: tuple[Partition, ...]
    splitter: dict[str, Any]
    filters: tuple[AnyFilter, ...]
    paper: tuple[AnyPaperStep, ...] = ()

    def under(self, steps: tuple[AnyPaperStep, ...]) -> Layout:
        """Return the layout as the paper read it; steps on passages stay to be done."""
        layout = replace(self, paper=steps)
        for step in steps:
            match step:
                case FormatOptions(options=options):
                    layout = replace(layout, format={**layout.format, **options})
                case SplitterOptions(options=options):
                    layout = replace(layout, splitter={**layout.splitter, **options})
                case OtherSplits(files=files, partition=partition):
                    splits = {name: split_files(files[name]) for name in files}
                    layout = replace(layout, splits=splits, partition=partition)
                case NoFilters():
                    layout = replace(layout, filters=())
        return layout

    def split_names(self) -> tuple[str, ...]:
        """Return the splits that the files give, in the usual order."""
        parts = {name for part in self.partition for name in part.into}
        return tuple(n for n in SPLITS if n in self.splits or n in parts)


@dataclass(frozen=True)
class SubsetPlan:
    """A subset: its card, its label map, and the layouts that may be read."""

    dataset: str
    subset: str
    title: str
    domain: str
    released: str
    card: DatasetCard
    card_file: Path
    label_map: LabelMap
    layouts: tuple[Layout, ...]
    paper: tuple[AnyPaperStep, ...]
    relabel: tuple[tuple[str, str], ...]
    table6: Table6
    differences: tuple[Difference, ...]

    @property
    def is_packaged(self) -> bool:
        """Whether the files lie beside the card."""
        return any(layout.source.path for layout in self.layouts)

    @property
    def statistics(self) -> Statistics:
        """What the prepared splits must hold: protocol -> split."""
        return self.card.statistics.get(self.subset, {})

    def expected(self, protocol: str) -> dict[str, SplitStatistics]:
        """Return what the splits must hold; both protocols are one without `paper`."""
        known = self.statistics
        if protocol not in known and not self.paper:
            protocol = "corrected"
        return known.get(protocol, {})

    def layout(self, title: str) -> Layout:
        """Return the layout of the source with that title."""
        return next(lay for lay in self.layouts if lay.source.title == title)

    @property
    def card_sha256(self) -> str:
        """The hash of what the card declares; its expected statistics aside."""
        card = msgspec.structs.replace(self.card, statistics={})
        return content_hash(msgspec.to_builtins(card))

    @property
    def names_sha256(self) -> str:
        """The hash of the names that raw labels get; definitions do not count."""
        labels = {
            raw: [self.label_map.label(raw).name, self.label_map.label(raw).released]
            for raw in self.label_map.labels
        }
        dropped = sorted(self.label_map.dropped)
        return content_hash(
            labels, dropped, self.label_map.subsets.get(self.subset, ())
        )

    def recipe_sha256(self, layout: Layout) -> str:
        """The hash of how passages are made of raw files: what the card says of it."""
        return content_hash(
            layout.format,
            msgspec.to_builtins(dict(layout.splits)),
            msgspec.to_builtins(layout.partition),
            layout.splitter,
            msgspec.to_builtins(layout.filters),
            self.relabel,
            msgspec.to_builtins(layout.paper),
        )

    def for_protocol(self, layout: Layout, protocol: str) -> Layout:
        """Return `layout` as `protocol` reads it."""
        own = layout.source.paper
        steps = self.paper if own is None else own
        return layout.under(steps) if protocol == "paper" else layout


def plan_of(subset: str) -> SubsetPlan:
    """Return the plan of `subset`.

    Raises:
        UnknownNameError: there is no such subset.
        CardError: the card or the label map is not what it should be.
    """
    dataset, path, card = catalogue.home_of(subset)
    own = card.subsets.get(subset, Subset())
    values = {**own.values, "subset": subset}
    fill = _Filler(values, str(path))
    sources = card.sources or (Source(title="the official files"),)
    return SubsetPlan(
        dataset=dataset,
        subset=subset,
        title=own.title or card.title,
        domain=own.domain or card.domain,
        released=own.released or card.released or subset,
        card=card,
        card_file=path,
        label_map=catalogue.label_map(dataset),
        layouts=tuple(
            _layout(source, card, own, fill)
            for source in sources
            if not source.subsets or subset in source.subsets
        ),
        paper=_first(own.paper, card.paper),
        relabel=_first(own.relabel, card.relabel),
        table6=_first(own.table6, card.table6),
        differences=_first(own.differences, card.differences),
    )


def _layout(source: Source, card: DatasetCard, own: Subset, fill: _Filler) -> Layout:
    """Take each thing from the source, else the subset, else the card."""
    splits: dict[str, FileNames] = {}
    partition: tuple[Partition, ...] = ()
    for level in (source, own, card):
        if level.splits or level.partition:
            splits, partition = level.splits or {}, level.partition or ()
            break
    else:
        raise CardError(f"{fill.where}: neither `splits` nor `partition` is given")
    filled = {name: fill(split_files(files)) for name, files in splits.items()}
    parts = tuple(
        msgspec.structs.replace(part, files=fill(split_files(part.files)))
        for part in partition
    )
    return Layout(
        source=fill(source),
        format=fill(named(_first(source.format, own.format, card.format))),
        splits=filled,
        partition=parts,
        splitter=fill(named(_first(source.splitter, own.splitter, card.splitter))),
        filters=_first(source.filters, own.filters, card.filters),
    )


def named(spec: Named) -> dict[str, Any]:
    """Return the long form of a name with options; empty for no name."""
    if isinstance(spec, str):
        return {"name": spec} if spec else {}
    return spec


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)


class _Filler:
    """Puts a subset's values in the place of `{key}`."""

    def __init__(self, values: Mapping[str, str], where: str) -> None:
        self.values, self.where = values, where

    def __call__(self, value: Any) -> Any:
        """Return `value` with every string in it filled."""
        if isinstance(value, msgspec.Struct):
            fields = {
                name: self(getattr(value, name)) for name in value.__struct_fields__
            }
            return type(value)(**fields)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list | tuple):
            return type(value)(self(item) for item in value)
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        return value

    def _text(self, text: str) -> str:
        for key, value in self.values.items():
            text = text.replace(f"{{{key}}}", value)
        left = [name for name in _LEFT_OVER.findall(text) if name != "{file}"]
        if left:
            raise CardError(
                f"{self.where}: nothing stands for {left[0]} in {text!r}; give it under"
                " `values:` of the subset"
            )
        return text
