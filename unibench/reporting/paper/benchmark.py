"""Figure 4, Table 1 and Table 6: what the benchmark and its training data are."""

from __future__ import annotations

from unibench.reporting.charts.bars import count_bars
from unibench.reporting.charts.heat import word_table
from unibench.reporting.paper.exhibit import Exhibit, Material
from unibench.reporting.published import type_frequencies
from unibench.reporting.tables import MISSING, Column, Table, TableCell, label

_WIDE = 6.8


def figure4(material: Material) -> Exhibit:
    """Return how many subsets, datasets and test passages each domain has."""
    catalogue = material.catalogue
    carded = [s for s in catalogue.benchmark if catalogue.info(s).carded]
    domains = catalogue.by_domain(carded)
    rows, drawn = [], []
    for domain, subsets in domains.items():
        infos = [catalogue.info(subset) for subset in subsets]
        datasets = len({info.dataset for info in infos})
        passages = sum(info.table6.test or 0 for info in infos)
        types = sum(info.table6.types or 0 for info in infos)
        counts = (len(subsets), datasets, passages, types)
        rows.append((label(domain), *(_count(value) for value in counts)))
        drawn.append(counts)
    missing = len(catalogue.benchmark) - len(carded)
    notes = ["Passages and types as the paper's Table 6 prints them."]
    if missing:
        notes.append(f"{missing} of 49 subsets have no dataset card and are left out.")
    names = ("domain", "subsets", "datasets", "test passages", "entity types")
    table = Table(
        name="figure4",
        title="Figure 4: distribution of the benchmark",
        columns=tuple(Column(n, n.replace(" ", "_"), n != "domain") for n in names),
        rows=tuple(rows),
        notes=tuple(notes),
    )
    panels = [
        ("subsets", [counts[0] for counts in drawn]),
        ("test passages", [counts[2] for counts in drawn]),
    ]
    if not rows:
        return Exhibit(name="figure4", missing="no dataset card was found")
    return Exhibit(
        name="figure4",
        table=table,
        draw=lambda: count_bars(list(domains), panels),
    )


def table1(_: Material) -> Exhibit:
    """Return examples of entity types by how often the teacher named them."""
    rows = tuple(
        (
            label(entry.range),
            TableCell(f"{entry.share_percent}%", int(entry.share_percent), "printed"),
            label(", ".join(entry.types)),
        )
        for entry in type_frequencies()
    )
    columns = (
        Column("frequency", "frequency", numeric=False),
        Column("share", "share_percent"),
        Column("entity types", "entity_types", numeric=False),
    )
    source = type_frequencies()[0].source
    table = Table(
        name="table1",
        title="Table 1: entity types by frequency range",
        columns=columns,
        rows=rows,
        notes=(f"As printed in {source}.",),
    )
    return Exhibit(
        name="table1", table=table, draw=lambda: word_table(table, width=_WIDE)
    )


def table6(material: Material) -> Exhibit:
    """Return the statistics of the 49 subsets, as printed."""
    catalogue = material.catalogue
    carded = [s for s in catalogue.benchmark if catalogue.info(s).carded]
    if not carded:
        return Exhibit(name="table6", missing="no dataset card was found")
    rows: list[tuple[TableCell, ...]] = []
    sections = {}
    for domain, subsets in catalogue.by_domain(carded).items():
        sections[len(rows)] = domain
        for subset in subsets:
            row = catalogue.info(subset).table6
            numbers = (
                row.train,
                row.dev,
                row.test,
                row.types,
                row.tokens,
                row.entities,
            )
            rows.append((label(subset), *(_count(value) for value in numbers)))
    names = ("train", "dev", "test", "types", "tokens", "entities")
    missing = len(catalogue.benchmark) - len(carded)
    notes = ["As printed; tokens and entities are averages of an instance."]
    if missing:
        notes.append(f"{missing} of 49 subsets have no dataset card and are left out.")
    table = Table(
        name="table6",
        title="Table 6: statistics of the subsets",
        columns=(
            Column("subset", "subset", numeric=False),
            *(Column(name, name) for name in names),
        ),
        rows=tuple(rows),
        sections=sections,
        notes=tuple(notes),
    )
    return Exhibit(name="table6", table=table, draw=lambda: word_table(table))


def _count(value: float | None) -> TableCell:
    if value is None:
        return TableCell(MISSING, None, "printed")
    return TableCell(f"{value:g}" if value < 1e6 else f"{value:.0f}", value, "printed")
