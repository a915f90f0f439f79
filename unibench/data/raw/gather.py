"""Bring together the raw files of a subset, in the layout in which they are there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unibench.data import catalogue
from unibench.data.plan import Layout, SubsetPlan
from unibench.data.raw.locate import Finder, Found, RawFolder, is_glob
from unibench.data.raw.verify import difference
from unibench.errors import DataError, UnavailableError
from unibench.schema.dataset_card import RawFileSpec
from unibench.schema.dataset_splits import Partition, SplitFiles, split_files


@dataclass(frozen=True)
class Pool:
    """Files that are read together, and the splits that their passages go to."""

    part: Partition
    found: tuple[Found, ...]
    listing: Found | None = None


@dataclass(frozen=True)
class Gathered:
    """What was found of one layout; `missing` is split -> official names."""

    layout: Layout
    pools: tuple[Pool, ...]
    missing: dict[str, tuple[str, ...]]
    changed: dict[str, str]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that can be made of what is there."""
        return tuple(n for n in self.layout.split_names() if n not in self.missing)

    def files(self) -> Iterator[Found]:
        """Yield every file once."""
        seen = set()
        for pool in self.pools:
            for found in (*pool.found, *([pool.listing] if pool.listing else [])):
                if found.name not in seen:
                    seen.add(found.name)
                    yield found


def gather(
    plan: SubsetPlan, protocol: str, folder: RawFolder, *, source: str = ""
) -> Gathered:
    """Return the files of `plan` below `folder`, in the layout that fits best.

    A layout whose files are what the card knows comes before one whose files differ;
    then one with every split before one with the test split before one with any.
    `source` names the only layout to look for.

    Raises:
        UnavailableError: there is no file of any layout; the message names what is
            missing.
        DataError: it is not clear which file is meant.
    """
    others = frozenset({*catalogue.subsets(), *catalogue.datasets()})
    finder = Finder(folder, (plan.subset, plan.dataset), others)
    tried = [
        _gathered(plan, plan.for_protocol(layout, protocol), finder)
        for layout in plan.layouts
        if source in {"", layout.source.title}
    ]
    best = max(tried, key=_quality)
    if not best.splits:
        raise UnavailableError(_nothing_found(plan, folder, tried))
    return best


def require_unchanged(plan: SubsetPlan, gathered: Gathered) -> None:
    """Refuse files that are not what the card knows.

    Raises:
        DataError: a file differs; the message says how to go on with it.
    """
    if gathered.changed:
        name, how = next(iter(gathered.changed.items()))
        more = len(gathered.changed) - 1
        also = f" ({more} more files differ)" if more else ""
        raise DataError(
            f"{plan.subset}: {name} is not the file that the card knows: {how}{also}."
            " It was changed upstream or on the way here, or is another release; get"
            f" it again from {plan.card.homepage}, or say --accept-changed to go on"
            " with it, and expect other counts"
        )


def _gathered(plan: SubsetPlan, layout: Layout, finder: Finder) -> Gathered:
    pools: list[Pool] = []
    missing: dict[str, tuple[str, ...]] = {}
    for part in _parts(layout):
        files = split_files(part.files)
        found, absent = _find(files, finder, plan.card.files)
        listing = None
        if files.documents is not None:
            name = files.documents.file
            listing = finder.find(name, plan.card.files.get(name, RawFileSpec()))
            absent += [] if listing else [name]
        if absent:
            for split in part.into:
                missing[split] = (*missing.get(split, ()), *absent)
        else:
            pools.append(Pool(part, tuple(found), listing))
    pools = [pool for pool in pools if not missing.keys() & pool.part.into]
    gathered = Gathered(layout, tuple(pools), missing, {})
    for file in gathered.files():
        spec = plan.card.files.get(file.name)
        if spec is not None and (how := difference(spec, file.entry)):
            gathered.changed[file.entry.shown] = how
    return gathered


def _parts(layout: Layout) -> Iterator[Partition]:
    """Yield every pool of the layout; a split with files of its own is one too."""
    for split in layout.split_names():
        if split in layout.splits:
            yield Partition(files=layout.splits[split], into={split: "rest"})
    yield from layout.partition


def _find(
    files: SplitFiles, finder: Finder, specs: dict[str, RawFileSpec]
) -> tuple[list[Found], list[str]]:
    """Return what was found of a split's names, and the names that were not."""
    found: dict[str, Found] = {}
    absent = []
    unwanted = [name for name in files.files if name.startswith("!")]
    for name in files.files:
        if name in unwanted:
            continue
        if is_glob(name):
            members = finder.find_all(name, unwanted)
        else:
            one = finder.find(name, specs.get(name, RawFileSpec()))
            members = [one] if one else []
        absent += [] if members else [name]
        found |= {member.name: member for member in members}
    return list(found.values()), absent


def _quality(gathered: Gathered) -> tuple[bool, bool, bool, bool]:
    splits = gathered.splits
    return (
        bool(splits) and not gathered.changed,
        bool(splits) and not gathered.missing,
        "test" in splits,
        bool(splits),
    )


def _nothing_found(plan: SubsetPlan, folder: RawFolder, tried: list[Gathered]) -> str:
    first = tried[0]
    names = list(dict.fromkeys(n for ns in first.missing.values() for n in ns))
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")
    places = f"{folder.path}, {folder.path / plan.dataset}" + (
        f" and {folder.path / plan.subset}" if plan.subset != plan.dataset else ""
    )
    what = plan.card.order or f"the files are at {plan.card.homepage}"
    return (
        f"{plan.subset}: missing {shown}; looked below {places}, also for packed"
        f" files and in archives. How to get them: {what}"
    )
