"""What a figure or table of the paper is made of, and where its figures come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from unibench.reporting.averages import Mean, best, mean_over
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

    def measured(self, profile: str = "uniner", *, usual: bool = True) -> list[Row]:
        """Return the runs under a profile, one row for each model and its settings.

        Rows of different training data are joined: the paper's exhibits do not rank
        them. With `usual` only runs with the usual wording of types are taken.
        """
        joined: dict[tuple[str, str], Row] = {}
        for row in self.results.rows:
            if not row.measured or row.profile != profile:
                continue
            if usual and "labels " in row.variant:
                continue
            key = (row.model, row.variant)
            cells = {**joined[key].cells, **row.cells} if key in joined else row.cells
            joined[key] = msgspec.structs.replace(row, cells=cells)
        return sorted(joined.values(), key=lambda row: bool(row.variant))


def in_training(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return a note on measured cells whose training data the model saw, if any."""
    seen = {
        row.model: [s for s, cell in row.cells.items() if cell.zero_shot is False]
        for row in rows
    }
    parts = [f"{model} ({', '.join(names)})" for model, names in seen.items() if names]
    return (f"Trained on the same data: {'; '.join(parts)}.",) if parts else ()


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


def measured_cell(entry: Cell | Mean | None) -> TableCell:
    """Return a measured figure, with half the width of its interval where it has one.

    The wider half is told where the two sides differ.
    """
    if entry is None:
        return number(None)
    text = f"{entry.value:.1f}"
    if entry.low is not None and entry.high is not None:
        half = max(entry.high - entry.value, entry.value - entry.low)
        text += f"±{half:.1f}"
    return TableCell(text, entry.value, "measured", low=entry.low, high=entry.high)


def measured_cells(
    cells: Mapping[str, Cell], subsets: Sequence[str]
) -> list[TableCell]:
    """Return measured figures of `subsets`, and their mean if none is missing."""
    return [
        *(measured_cell(cells.get(subset)) for subset in subsets),
        whole_mean(cells, subsets),
    ]


def whole_mean(cells: Mapping[str, Cell], subsets: Sequence[str]) -> TableCell:
    """Return the mean over `subsets`; missing where one of them is."""
    mean = mean_over(cells, subsets)
    return measured_cell(mean if mean and mean.complete else None)


def mark_best(rows: Sequence[Sequence[TableCell]], first: int) -> list[list[TableCell]]:
    """Return the rows with the best figure of each column in bold, from `first` on."""
    marked = [list(row) for row in rows]
    for column in range(first, len(rows[0]) if rows else 0):
        entries = [
            Cell(
                value=float(row[column].value),
                text="",
                low=row[column].low,
                high=row[column].high,
            )
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
