"""A chart of any choice of runs: bars by domain or by subset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from unibench.errors import RunError
from unibench.reporting.averages import mean_over
from unibench.reporting.catalogue import Catalogue
from unibench.reporting.charts.bars import Bar, Series, grouped_bars
from unibench.reporting.charts.style import PALETTE
from unibench.reporting.choose import Choice, chosen_records, chosen_subsets
from unibench.reporting.results import Cell, measured_rows
from unibench.schema.record import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def runs_chart(
    records: Sequence[RunRecord],
    choice: Choice,
    catalogue: Catalogue,
    *,
    by_domain: bool,
) -> Figure:
    """Return bars of the chosen runs under the first profile.

    Raises:
        RunError: there are more models than colours that can be told apart.
    """
    chosen = chosen_records(records, choice, catalogue)
    profile = choice.profiles[0]
    cells: dict[str, dict[str, Cell]] = {}
    for row in measured_rows(chosen):
        if row.profile == profile:
            name = f"{row.model} ({row.variant})" if row.variant else row.model
            cells.setdefault(name, {}).update(row.cells)
    if len(cells) > len(PALETTE):
        raise RunError(
            f"{len(cells)} models do not fit one chart, {len(PALETTE)} do; choose some"
            " with --model"
        )
    subsets = chosen_subsets(choice, catalogue, {record.subset for record in chosen})
    groups: Mapping[str, Sequence[str]] = {subset: (subset,) for subset in subsets}
    if by_domain:
        groups = catalogue.by_domain(subsets)
    series = [
        Series(name=name, measured=True, bars=_bars(own, groups))
        for name, own in cells.items()
    ]
    return grouped_bars(list(groups), series, label=f"F1 (%), profile {profile}")


def _bars(
    cells: Mapping[str, Cell], groups: Mapping[str, Sequence[str]]
) -> dict[str, Bar]:
    bars = {}
    for group, subsets in groups.items():
        mean = mean_over(cells, subsets)
        if mean is not None and mean.complete:
            bars[group] = Bar(value=mean.value, low=mean.low, high=mean.high)
        else:
            ran = mean.covered if mean else 0
            note = (
                f"{ran} of {len(subsets)} subsets run"
                if len(subsets) > 1
                else "not run"
            )
            bars[group] = Bar(value=None, note=note)
    return bars
