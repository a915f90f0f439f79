"""Figures 5a and 6: zero-shot models, and variants of UniNER-7B, domain by domain.

The printed averages of these figures are about 1.0 too high (universal-ner issue 11:
the plotted labels were value + 1, Figure 9 was corrected and these were not). Where the
cells are known from the corrected Figure 9, the means are computed from them; else the
printed average less 1.0 is shown. Both, and which is which, are in the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from unibench.reporting.averages import mean_over
from unibench.reporting.catalogue import DOMAINS
from unibench.reporting.charts.bars import Bar, Series, grouped_bars
from unibench.reporting.charts.style import PALETTE
from unibench.reporting.paper.exhibit import (
    Exhibit,
    Material,
    by_model,
    in_training,
    name_of,
    printed_cells,
    printed_in,
    whole_mean,
)
from unibench.reporting.published import subset_of_name
from unibench.reporting.results import Row
from unibench.reporting.tables import Column, Table, TableCell, label, number

_ALL = "all 49 subsets"
_PRINTED_NAMES = {_ALL: "AVG(all, as printed)"} | {d: f"DOMAIN {d}" for d in DOMAINS}
_TOO_HIGH = Decimal("1.0")
_AXIS = "F1, mean over the subsets of a domain (%)"
_SHORT = {"gpt-3.5-turbo-0301 (ChatGPT)": "ChatGPT"}


def figure5a(material: Material) -> Exhibit:
    """Return the zero-shot models of Figure 5 and the runs, by domain."""
    printed = by_model(printed_in("Fig. 5a"))
    return _exhibit(
        "figure5a",
        "Figure 5a: zero-shot models by domain",
        (material, printed, material.measured()),
    )


def figure6(material: Material) -> Exhibit:
    """Return UniNER-7B and its variants, and runs of models that stand for them."""
    original = by_model(printed_in("Fig. 5a"))["UniNER-7B-type"]
    printed = {"UniNER-7B-type": original} | by_model(printed_in("Fig. 5b/Fig. 6"))
    runs = []
    for row in material.measured():
        if row.card is not None and set(row.card.published) & set(printed):
            runs.append(row)
    return _exhibit(
        "figure6",
        "Figure 6 (5b of the camera-ready): UniNER-7B and its variants by domain",
        (material, printed, runs),
    )


def _exhibit(
    name: str,
    title: str,
    parts: tuple[Material, Mapping[str, Mapping[str, str]], Sequence[Row]],
) -> Exhibit:
    material, printed, runs = parts
    groups = _groups(material)
    computed = _from_figure9(material, groups)
    shown = {m: computed.get(m) or _less_one(values) for m, values in printed.items()}
    series = [_printed_series(model, values) for model, values in shown.items()]
    series += [_run_series(row, groups) for row in runs]
    rows: list[tuple[TableCell, ...]] = []
    sections = {0: "as printed, about 1.0 too high"}
    for model, values in printed.items():
        cells = printed_cells(values, (_PRINTED_NAMES[g] for g in groups))
        rows.append((label(model), label("printed"), *cells))
    sections[len(rows)] = "corrected"
    for model, means in shown.items():
        basis = "means of Fig. 9" if model in computed else "printed less 1.0"
        cells = [number(means.get(group), kind="computed") for group in groups]
        rows.append((label(model), label(basis), *cells))
    if runs:
        sections[len(rows)] = "measured"
    for row in runs:
        cells = [whole_mean(row.cells, subsets) for subsets in groups.values()]
        rows.append((label(name_of(row)), label("measured"), *cells))
    table = Table(
        name=name,
        title=title,
        columns=(
            Column("model", "model", numeric=False),
            Column("basis", "basis", numeric=False),
            *(Column(group, group) for group in groups),
        ),
        rows=tuple(rows),
        sections=sections,
        notes=(*_notes(series), *in_training(runs)),
    )
    drawn = _drawn(series)
    return Exhibit(
        name=name,
        table=table,
        draw=lambda: grouped_bars(list(groups), drawn, label=_AXIS),
    )


def _notes(series: Sequence[Series]) -> tuple[str, ...]:
    notes = [
        "Means are unweighted over subsets; the chart shows the corrected ones.",
        "A mean of runs is shown where all subsets of the domain were run.",
    ]
    drawn = _drawn(series)
    if left := [one.name for one in series if one not in drawn]:
        notes.append(
            "Not in the chart, which has room for 8 models with a whole domain:"
            f" {', '.join(left)}."
        )
    return tuple(notes)


def _drawn(series: Sequence[Series]) -> list[Series]:
    """Return the series with something to draw, as many as there are colours."""
    able = [s for s in series if any(b.value is not None for b in s.bars.values())]
    return able[: len(PALETTE)]


def _groups(material: Material) -> dict[str, tuple[str, ...]]:
    found = material.catalogue.by_domain(material.catalogue.benchmark)
    domains = {domain: found.get(domain, ()) for domain in DOMAINS}
    return domains | {_ALL: material.catalogue.benchmark}


def _from_figure9(
    material: Material, groups: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Return the means of models with all 49 cells; none while cards are missing."""
    known = material.catalogue
    if not all(known.info(subset).domain for subset in known.benchmark):
        return {}
    found = {}
    for model, values in by_model(printed_in("corrected version")).items():
        cells = {subset_of_name()[name]: float(v) for name, v in values.items()}
        found[model] = {
            group: sum(cells[s] for s in subsets) / len(subsets)
            for group, subsets in groups.items()
        }
    return found


def _less_one(values: Mapping[str, str]) -> dict[str, float]:
    return {
        group: float(Decimal(values[name]) - _TOO_HIGH)
        for group, name in _PRINTED_NAMES.items()
        if name in values
    }


def _printed_series(model: str, means: Mapping[str, float]) -> Series:
    bars = {group: Bar(value=value) for group, value in means.items()}
    return Series(name=_SHORT.get(model, model), measured=False, bars=bars)


def _run_series(row: Row, groups: Mapping[str, Sequence[str]]) -> Series:
    bars = {}
    for group, subsets in groups.items():
        mean = mean_over(row.cells, subsets)
        if mean is not None and mean.complete:
            bars[group] = Bar(value=mean.value, low=mean.low, high=mean.high)
        else:
            ran = mean.covered if mean else 0
            note = f"{ran} of {len(subsets)} subsets run" if subsets else "no card"
            bars[group] = Bar(value=None, note=note)
    return Series(name=name_of(row), measured=True, bars=bars)
