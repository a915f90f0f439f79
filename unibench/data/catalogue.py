"""The datasets, subsets and suites that there are, by name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from unibench.errors import CardError, UnknownNameError
from unibench.resources import files
from unibench.schema.dataset_card import DatasetCard, Subset
from unibench.schema.label_map import LabelMap
from unibench.schema.strict_yaml import convert, read_card, read_yaml

SUITES = "suites"


def datasets() -> dict[str, Path]:
    """Return dataset -> its card's file."""
    found = files("dataset_cards")
    return {name: path for name, path in found.items() if not _lists_suites(name)}


def card(dataset: str) -> DatasetCard:
    """Return the card of `dataset`.

    Raises:
        UnknownNameError: there is no such card.
        CardError: the card is not what it should be.
    """
    known = datasets()
    if dataset not in known:
        raise UnknownNameError("dataset", dataset, known)
    return _read(known[dataset])


def home_of(subset: str) -> tuple[str, Path, DatasetCard]:
    """Return the dataset of a subset, its card's file and its card.

    Raises:
        UnknownNameError: there is no such subset.
    """
    known = datasets()
    owners = _owners(known)
    if subset not in owners:
        raise UnknownNameError("subset", subset, owners)
    dataset = owners[subset]
    return dataset, known[dataset], _read(known[dataset])


def label_map(dataset: str) -> LabelMap:
    """Return the label map of `dataset`.

    Raises:
        CardError: there is none, or it is not what it should be.
    """
    known = files("label_maps")
    if dataset not in known:
        raise CardError(
            f"dataset_cards/{dataset}.yaml has no label_maps/{dataset}.yaml beside it"
        )
    return _label_map(known[dataset], known[dataset].stat().st_mtime_ns)


def subsets() -> dict[str, str]:
    """Return subset -> dataset, in the order of cards and of subsets in a card.

    Raises:
        CardError: two cards claim the same subset.
    """
    return _owners(datasets())


def _owners(known: dict[str, Path]) -> dict[str, str]:
    found: dict[str, str] = {}
    for dataset, path in known.items():
        for subset in _read(path).subsets or {dataset: Subset()}:
            if subset in found:
                raise CardError(
                    f"the cards {found[subset]!r} and {dataset!r} both have a subset"
                    f" {subset!r}"
                )
            found[subset] = dataset
    return found


def suites() -> dict[str, tuple[str, ...]]:
    """Return suite -> the names that its list holds, as written."""
    found: dict[str, tuple[str, ...]] = {}
    for name, path in files("dataset_cards").items():
        if _lists_suites(name):
            lists = convert(
                read_yaml(path) or {}, dict[str, tuple[str, ...]], str(path)
            )
            if taken := sorted(lists.keys() & found):
                raise CardError(f"{path}: the suite {taken[0]!r} is defined elsewhere")
            found |= lists
    return found


def resolve(names: Iterable[str]) -> list[str]:
    """Return the subsets that `names` of subsets, datasets and suites stand for.

    Raises:
        UnknownNameError: a name is none of the three.
        CardError: a suite lists what has no card.
    """
    lists, known = suites(), subsets()
    chosen: dict[str, None] = {}
    for name in names:
        if name in lists:
            chosen |= dict.fromkeys(_members(name, lists, known))
        elif members := _one(name, known):
            chosen |= dict.fromkeys(members)
        else:
            every = {*lists, *known, *known.values()}
            raise UnknownNameError("subset, dataset or suite", name, every)
    return list(chosen)


def _members(
    suite: str, lists: dict[str, tuple[str, ...]], known: dict[str, str]
) -> list[str]:
    found, missing = [], []
    for name in lists[suite]:
        members = _one(name, known)
        if not members and name in lists and name != suite:
            members = _members(name, lists, known)
        found += members
        missing += [] if members else [name]
    if missing:
        raise CardError(
            f"the suite {suite!r} lists {', '.join(missing)}, for which there is no"
            " card in dataset_cards/"
        )
    return found


def _one(name: str, known: dict[str, str]) -> list[str]:
    """Return the subset `name`, or the subsets of the dataset `name`."""
    if name in known:
        return [name]
    return [subset for subset, dataset in known.items() if dataset == name]


def _lists_suites(name: str) -> bool:
    return name == SUITES or name.endswith(f".{SUITES}")


def _read(path: Path) -> DatasetCard:
    return _card(path, path.stat().st_mtime_ns)


@cache
def _card(path: Path, _changed_ns: int) -> DatasetCard:
    return read_card(path, DatasetCard)


@cache
def _label_map(path: Path, _changed_ns: int) -> LabelMap:
    return read_card(path, LabelMap)
