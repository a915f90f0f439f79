"""What a figure or table of the paper is made of, and where its figures come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from unibench.reporting.averages import best, mean_over
from unibench.reporting.catalogue import Catalogue
from unibench.reporting.published import PublishedResult, published_results
from unibench.reporting.results import Cell, Results, Row
from unibench.reporting.tables import Column, Table, TableCell, label, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Exhibit(msgspec.Struct, frozen=True, kw_only=True):
    """One figure or table of the paper; without `draw` there was nothing to show.

    `missing` then says what is needed.
    """

    name: str
    table: Table | None = None
    draw: Callable[[], Figure] | None = None
    missing: str = ""


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """What exhibits are made from: the catalogue, all rows, and named runs.

    `templates` names the models with the dataset-specific and the original template.
    """

    catalogue: Catalogue
    results: Results
    templates: tuple[str, str] | None = None

    def measured(self, profile: str = "uniner") -> list[Row]:
        """Return the rows of runs under a profile, those of standard settings first."""
        rows = [r for r in self.results.rows if r.measured and r.profile == profile]
        return sorted(rows, key=lambda row: bool(row.variant))


def printed_in(mark: str, metric: str = "") -> list[PublishedResult]:
    """Return the printed figures whose source contains `mark`."""
    return [
        row
        for row in published_results()
        if mark in row.source and (not metric or row.metric == metric)
    ]


def by_model(results: Iterable[PublishedResult]) -> dict[str, dict[str, str]]:
    """Return model -> dataset -> printed value, in the order of the file."""
    found: dict[str, dict[str, str]] = {}
    for row in results:
        found.setdefault(row.model, {})[row.dataset] = row.value
    return found


def printed_cells(values: Mapping[str, str], names: Iterable[str]) -> list[TableCell]:
    """Return the printed figures of `names`, digits as printed, missing ones shown."""
    return [
        TableCell(values[name], float(values[name]), "printed")
        if name in values
        else number(None, kind="printed")
        for name in names
    ]


def measured_cells(
    cells: Mapping[str, Cell], subsets: Sequence[str]
) -> list[TableCell]:
    """Return measured figures of `subsets`, and their mean if none is missing."""
    mean = mean_over(cells, subsets)
    whole = mean.value if mean and mean.complete else None
    return [
        *(number(cells[s].value if s in cells else None) for s in subsets),
        number(whole),
    ]


def mark_best(rows: Sequence[Sequence[TableCell]], first: int) -> list[list[TableCell]]:
    """Return the rows with the best figure of each column in bold, from `first` on."""
    marked = [list(row) for row in rows]
    for column in range(first, len(rows[0]) if rows else 0):
        entries = [
            Cell(value=float(row[column].value), text="")
            if isinstance(row[column].value, int | float)
            else None
            for row in rows
        ]
        for at in best(entries):
            marked[at][column] = msgspec.structs.replace(marked[at][column], bold=True)
    return marked


def name_of(row: Row) -> str:
    """Return how a row is called in a table: the model and what sets the run apart."""
    return f"{row.model} ({row.variant})" if row.variant else row.model


def model_columns(names: Iterable[str]) -> list[Column]:
    """Return number columns of these names."""
    return [Column(name, name) for name in names]


def word_cells(*words: str) -> list[TableCell]:
    """Return cells of words."""
    return [label(word) for word in words]
