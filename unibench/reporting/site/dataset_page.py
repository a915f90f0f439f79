"""The page of a subset: its card, statistics, label map, and every figure on it."""

from __future__ import annotations

from collections.abc import Iterable

from unibench.reporting.averages import best
from unibench.reporting.catalogue import SubsetInfo, statistics_of
from unibench.reporting.results import GROUPS, PROFILES, Row
from unibench.reporting.site.board import anchor_of, sections
from unibench.reporting.site.html import Markup, join, link, tag
from unibench.reporting.site.parts import (
    Site,
    bar,
    facts,
    interval,
    origin_badge,
    page,
    table,
    warned,
)
from unibench.schema.dataset_card import DatasetCard
from unibench.schema.label_map import LabelMap


def dataset_page(site: Site, subset: str) -> str:
    """Return the page of one subset."""
    info = site.catalogue.info(subset)
    card = site.catalogue.cards.get(info.dataset)
    labels = site.catalogue.label_map(info.dataset)
    body = [
        _about(site, info, card),
        tag("h2", "Statistics"),
        _statistics(info, card),
        *_results(site, subset),
        *(_labels(labels, info) if labels else ()),
        *(_notes(card) if card else ()),
    ]
    return page(subset, body, root="../", site=site)


def datasets_page(site: Site) -> str:
    """Return the list of all subsets."""
    lines = []
    for subset, info in site.catalogue.subsets.items():
        rows = [row for row in site.results.rows if subset in row.cells]
        row = info.table6
        lines.append(
            (
                site.subset_link(subset, ""), info.domain or "no card",
                info.access or "-", info.license or "-", _count(row.test),
                _count(row.types), str(sum(r.measured for r in rows)),
                str(sum(not r.measured for r in rows)),
            )
        )  # fmt: skip
    heads = (
        "subset", "domain", "access", "licence", "test passages", "types",
        "measured rows", "printed rows",
    )  # fmt: skip
    shown = table(heads, lines, kind="sortable")
    lead = tag("p", "Test passages and types as the paper's Table 6 prints them.",
               class_="lead")  # fmt: skip
    return page("Datasets", [lead, shown], root="", site=site)


def _about(site: Site, info: SubsetInfo, card: DatasetCard | None) -> Markup:
    suites = [
        n for n, members in site.catalogue.suites.items() if info.subset in members
    ]
    if card is None:
        missing = "No dataset card was found for this subset."
        return join([tag("p", missing), facts([("Suites", ", ".join(suites))])])
    return facts(
        [
            ("Title", info.title),
            ("Dataset", info.dataset if info.dataset != info.subset else None),
            ("Domain", info.domain),
            ("Access", info.access),
            ("How to get it", card.order),
            ("Licence", info.license),
            ("Licence note", card.license_note),
            ("Home", link(info.homepage, info.homepage)),
            ("Suites", ", ".join(suites)),
            ("Citation", card.citation),
        ]
    )


def _statistics(info: SubsetInfo, card: DatasetCard | None) -> Markup:
    row = info.table6
    printed = (row.train, row.dev, row.test, row.types, row.tokens, row.entities)
    lines = [("the paper's Table 6", *(_count(value) for value in printed))]
    for protocol, splits in (statistics_of(card, info.subset) if card else {}).items():
        passages = [
            str(splits[split].passages) if split in splits else "-"
            for split in ("train", "dev", "test")
        ]
        lines.append((f"counted, protocol {protocol}", *passages, "-", "-", "-"))
    heads = ("", "train", "dev", "test", "types", "tokens", "entities")
    shown = table(heads, lines)
    notes = [tag("li", f"{d.name}: {d.why}") for d in info.differences]
    return join([shown, tag("ul", *notes) if notes else None])


def _results(site: Site, subset: str) -> Iterable[Markup]:
    yield tag("h2", "All figures")
    rows = [row for row in site.results.rows if subset in row.cells]
    if not rows:
        yield tag("p", "There is no figure on this subset yet.")
    for profile, group, members in sections(rows):
        words = f"{PROFILES.get(profile, profile)}: {GROUPS[group]}"  # type: ignore[index]
        yield tag("h3", words)
        yield _section(site, members, subset)


def _section(site: Site, rows: list[Row], subset: str) -> Markup:
    ordered = sorted(rows, key=lambda row: -row.cells[subset].value)
    top = best([None if r.unranked else r.cells[subset] for r in ordered])
    lines = []
    for at, row in enumerate(ordered):
        cell = row.cells[subset]
        name = site.model_link(row, "../", f"#{anchor_of(row, subset)}")
        badge = origin_badge(measured=row.measured)
        variant = tag("small", row.variant) if row.variant else None
        text = warned(cell.text, cell.warnings)
        lines.append(
            (
                join([name, " ", badge, variant]),
                bar(cell, tag("b", text) if at in top else text),
                interval(cell),
            )
        )
    return table(("model", "F1", "95 % interval"), lines)


def _labels(labels: LabelMap, info: SubsetInfo) -> Iterable[Markup]:
    raw = labels.raw_labels(info.subset)
    kept = [
        (
            tag("code", name), labels.label(name).name, labels.label(name).definition,
            ", ".join(labels.label(name).paraphrases),
        )
        for name in raw
        if name in labels.labels
    ]  # fmt: skip
    yield tag("h2", "Label map")
    heads = ("raw label", "asked as", "definition", "paraphrases")
    yield tag("div", table(heads, kept), class_="left wrap")
    dropped = [(tag("code", n), labels.dropped[n]) for n in raw if n in labels.dropped]
    if dropped:
        yield tag("h3", "Dropped labels")
        yield tag("div", table(("raw label", "reason"), dropped), class_="left wrap")


def _notes(card: DatasetCard) -> Iterable[Markup]:
    for words, notes in (("Known errors", card.known_errors), ("Notes", card.notes)):
        if notes:
            yield tag("h2", words)
            yield tag("ul", *(tag("li", note) for note in notes))


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:g}" if value < 1e6 else f"{value:.0f}"
