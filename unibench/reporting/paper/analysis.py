"""Figures 7 and 8: what a dataset-specific template gains, what other words cost.

The paper prints no numbers for either, so both come from runs alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from unibench.errors import UnknownNameError
from unibench.reporting.catalogue import Catalogue
from unibench.reporting.charts.bars import Bar, difference_bars
from unibench.reporting.charts.spread import Spread, spread_lines
from unibench.reporting.paper.exhibit import Exhibit, Material, measured_cell
from unibench.reporting.results import Cell, Row
from unibench.reporting.tables import Column, Table, TableCell, label, number

_USUAL = "natural"


def figure7(material: Material) -> Exhibit:
    """Return F1 of the dataset-specific less the original template, by subset.

    Raises:
        UnknownNameError: a named model has no run under standard settings.
    """
    if material.templates is None:
        return Exhibit(
            name="figure7",
            missing="the paper prints no numbers; name two models that were run with"
            " the dataset-specific and with the original template (--templates)",
        )
    specific, original = (_row(material, name) for name in material.templates)
    shared = [s for s in specific.cells if s in original.cells]
    gains = {s: specific.cells[s].value - original.cells[s].value for s in shared}
    shared.sort(key=lambda subset: -gains[subset])
    overlap = {s: overlapping_types(material.catalogue, s) for s in shared}
    table = _gains_table((specific, original), gains, overlap)
    bars = [_difference(specific.cells[s], original.cells[s]) for s in shared]
    return Exhibit(
        name="figure7",
        table=table,
        draw=lambda: difference_bars(
            shared,
            bars,
            marked=[bool(overlap[s]) for s in shared],
            words=("labels overlap", "no overlap"),
            label="difference in F1 (points)",
        ),
    )


def _gains_table(
    rows: tuple[Row, Row],
    gains: Mapping[str, float],
    overlap: Mapping[str, tuple[str, ...]],
) -> Table:
    specific, original = rows
    lines = [
        (
            label(s),
            measured_cell(specific.cells[s]),
            measured_cell(original.cells[s]),
            number(gains[s]),
            TableCell(", ".join(overlap[s]) or "none", len(overlap[s])),
        )
        for s in overlap
    ]
    columns = (
        Column("subset", "subset", numeric=False),
        Column(specific.model, "specific"), Column(original.model, "original"),
        Column("difference", "difference"),
        Column("types shared with other datasets", "shared_types", numeric=False),
    )  # fmt: skip
    note = (
        "Intervals add both runs' (they are taken as independent, so they are wider"
        " than those of a paired test)."
    )
    return Table(
        name="figure7",
        title="Figure 7: dataset-specific less original template, F1",
        columns=columns,
        rows=tuple(lines),
        notes=(note,),
    )


def figure8(material: Material) -> Exhibit:
    """Return how F1 spreads over wordings of the types: `evaluate --labels`."""
    spreads = _spreads(material)
    if not spreads:
        return Exhibit(
            name="figure8",
            missing="the paper prints one example and no numbers; run a model with"
            " 'unibench evaluate --labels raw' and 'paraphrase:1' beside the usual",
        )
    names = sorted({name for spread in spreads for name in spread.values})
    names.sort(key=lambda name: name != _USUAL)
    rows = []
    for one in spreads:
        low, high = min(one.values.values()), max(one.values.values())
        cells = [number(one.values.get(name)) for name in names]
        rows.append((label(one.name), *cells, number(low), number(high - low)))
    table = Table(
        name="figure8",
        title="Figure 8: sensitivity to the wording of entity types",
        columns=(
            Column("model and subset", "run", numeric=False),
            *(Column(name, name) for name in names),
            Column("worst", "worst"), Column("spread", "spread"),
        ),
        rows=tuple(rows),
        notes=("Each column is a wording of the same types, in F1 (%).",),
    )  # fmt: skip
    return Exhibit(
        name="figure8",
        table=table,
        draw=lambda: spread_lines(spreads, label="F1 (%), and its spread"),
    )


def overlapping_types(catalogue: Catalogue, subset: str) -> tuple[str, ...]:
    """Return the entity types of a subset that another dataset has too."""
    info = catalogue.info(subset)
    own = _types(catalogue, info.dataset, subset)
    others = {
        name
        for dataset in {catalogue.info(s).dataset for s in catalogue.benchmark}
        if dataset != info.dataset
        for name in _types(catalogue, dataset, dataset)
    }
    return tuple(name for name in own if name in others)


def _types(catalogue: Catalogue, dataset: str, subset: str) -> tuple[str, ...]:
    labels = catalogue.label_map(dataset)
    if labels is None:
        return ()
    raw = [name for name in labels.raw_labels(subset) if name in labels.labels]
    return tuple(dict.fromkeys(labels.label(name).name for name in raw))


def _row(material: Material, name: str) -> Row:
    rows = {row.model: row for row in material.measured() if not row.variant}
    if name not in rows:
        raise UnknownNameError("model with standard runs here", name, rows)
    return rows[name]


def _difference(first: Cell, second: Cell) -> Bar:
    value = first.value - second.value
    if first.low is None or first.high is None or second.low is None:
        return Bar(value=value)
    second_high = second.value if second.high is None else second.high
    below = ((first.value - first.low) ** 2 + (second_high - second.value) ** 2) ** 0.5
    above = ((first.high - first.value) ** 2 + (second.value - second.low) ** 2) ** 0.5
    return Bar(value=value, low=value - below, high=value + above)


def _spreads(material: Material) -> list[Spread]:
    """Collect the wordings of each model and subset that has two or more."""
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in material.measured(usual=False):
        for subset, cell in row.cells.items():
            if cell.record is None:
                continue
            wording = cell.record.labels
            rest = row.variant.replace(f"labels {wording}", "").strip("; ")
            found.setdefault((row.model, subset, rest), {})[wording] = cell.value
    return [
        Spread(name=_name(key), values=values, usual=_USUAL)
        for key, values in found.items()
        if len(values) > 1
    ]


def _name(key: tuple[str, str, str]) -> str:
    model, subset, rest = key
    return f"{model}, {subset}" + (f" ({rest})" if rest else "")
