"""What the dataset cards say that tables and pages need: domains, access, Table 6.

Reporting never reads data: subsets come from the cards as they are declared, and from
records and published figures where a subset has no card here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import msgspec

from unibench.errors import CardError, UnknownNameError
from unibench.reporting.published import subset_of_name
from unibench.resources import files
from unibench.schema.dataset_card import (
    DatasetCard,
    Difference,
    Statistics,
    Subset,
    Table6,
)
from unibench.schema.label_map import LabelMap
from unibench.schema.strict_yaml import convert, read_card, read_yaml

SUITES = "suites"
DOMAINS = (
    "General", "Biomed", "Clinics", "STEM", "Programming", "Social media", "Law",
    "Finance", "Transportation",
)  # fmt: skip
"""The nine domains in the order of the paper's Table 6."""

BENCHMARK = "uniner_43"
"""The suite of all 49 subsets, which the paper's averages are over."""


class SubsetInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One scored subset as its card declares it; `carded` is False without a card."""

    subset: str
    dataset: str
    title: str
    domain: str
    access: str = ""
    license: str = ""
    homepage: str = ""
    table6: Table6 = Table6()
    differences: tuple[Difference, ...] = ()
    carded: bool = True


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Every subset by id, and every suite by name, in the order to show them."""

    subsets: Mapping[str, SubsetInfo]
    suites: Mapping[str, tuple[str, ...]]
    cards: Mapping[str, DatasetCard] = {}

    def info(self, subset: str) -> SubsetInfo:
        """Return what is known of a subset, which may have no card here."""
        return self.subsets.get(subset) or SubsetInfo(
            subset=subset, dataset=subset, title=subset, domain="", carded=False
        )

    def expand(self, name: str) -> tuple[str, ...]:
        """Return the subsets of a suite, dataset, domain or subset.

        Raises:
            UnknownNameError: it is none of these.
        """
        if name in self.suites:
            return self.suites[name]
        if name in self.subsets:
            return (name,)
        for members in (self._of_dataset, self._of_domain):
            if name in members:
                return members[name]
        known = {*self.suites, *self.subsets, *self._of_dataset, *self._of_domain}
        raise UnknownNameError("suite, dataset, subset or domain", name, known)

    @property
    def benchmark(self) -> tuple[str, ...]:
        """The 49 subsets of the paper, in the order of Table 6."""
        return tuple(subset_of_name().values())

    def by_domain(self, subsets: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return domain -> those of `subsets` in it; the nine domains come first."""
        found: dict[str, list[str]] = {domain: [] for domain in DOMAINS}
        for subset in subsets:
            found.setdefault(self.info(subset).domain or "no card", []).append(subset)
        return {domain: tuple(names) for domain, names in found.items() if names}

    def label_map(self, dataset: str) -> LabelMap | None:
        """Return the label map of a dataset, if it has one."""
        if dataset not in self._label_maps:
            path = files("label_maps").get(dataset)
            self._label_maps[dataset] = read_card(path, LabelMap) if path else None
        return self._label_maps[dataset]

    @cached_property
    def _label_maps(self) -> dict[str, LabelMap | None]:
        """Label maps that were asked for, by dataset."""
        return {}

    @cached_property
    def _of_dataset(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for info in self.subsets.values():
            found[info.dataset] = (*found.get(info.dataset, ()), info.subset)
        return found

    @cached_property
    def _of_domain(self) -> dict[str, tuple[str, ...]]:
        return self.by_domain(self.subsets)


def read_catalogue() -> Catalogue:
    """Read every dataset card and the suites.

    Raises:
        CardError: a card is not what it should be.
    """
    paths = files("dataset_cards")
    suites_path = paths.pop(SUITES, None)
    cards = {name: read_card(path, DatasetCard) for name, path in paths.items()}
    infos = {
        info.subset: info for name, card in cards.items() for info in _infos(name, card)
    }
    order = [*subset_of_name().values(), *sorted(infos)]
    subsets = {
        name: infos.get(name)
        or SubsetInfo(subset=name, dataset=name, title=name, domain="", carded=False)
        for name in dict.fromkeys(order)
    }
    suites: dict[str, tuple[str, ...]] = {BENCHMARK: tuple(subset_of_name().values())}
    if suites_path is not None:
        where = str(suites_path)
        declared = convert(read_yaml(suites_path), dict[str, tuple[str, ...]], where)
        suites |= {name: _members(name, declared, subsets, where) for name in declared}
    return Catalogue(subsets=subsets, suites=suites, cards=cards)


def statistics_of(card: DatasetCard, subset: str) -> Statistics:
    """Return the counted statistics of a subset: protocol -> split -> counts."""
    return card.statistics.get(subset, {})


def _members(
    name: str,
    declared: Mapping[str, tuple[str, ...]],
    subsets: Mapping[str, SubsetInfo],
    where: str,
    *,
    inside: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Return the subsets of a suite, which may name subsets, datasets and suites.

    Raises:
        CardError: a name is none of these, or a suite contains itself.
    """
    if name in inside:
        raise CardError(f"{where}: the suite {name!r} contains itself")
    found: list[str] = []
    for member in declared[name]:
        if member in declared:
            found += _members(member, declared, subsets, where, inside=(*inside, name))
        elif own := [s for s, info in subsets.items() if member in (s, info.dataset)]:
            found += own
        else:
            raise CardError(f"{where}: {name!r} names {member!r}, which is no subset")
    return tuple(dict.fromkeys(found))


def _infos(name: str, card: DatasetCard) -> Iterable[SubsetInfo]:
    subsets: Mapping[str, Subset | None] = card.subsets or {name: None}
    for subset, own in subsets.items():
        yield SubsetInfo(
            subset=subset,
            dataset=name,
            title=(own and own.title) or card.title,
            domain=(own and own.domain) or card.domain,
            access=card.access,
            license=card.license,
            homepage=card.homepage,
            table6=(own.table6 if own else None) or card.table6,
            differences=(own.differences if own else None) or card.differences,
        )
