"""The picture of the long tail: how frequent the types are, by rank."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unibench.errors import RunError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _ACCENT, _GRID = "#333333", "#1f6fb4", "#dddddd"
_MIN_TYPES = 100
"""With fewer types the top 1 % is a single one, so ranges would say nothing."""

Range = tuple[str, int, float]
"""A range of ranks: its name, its number of types, its share of all entities."""


def plot_long_tail(
    frequencies: Sequence[int], ranges: Sequence[Range], title: str, path: Path
) -> None:
    """Write a PNG of falling `frequencies` by rank, both axes logarithmic.

    Raises:
        RunError: there is nothing to show.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if not frequencies:
        raise RunError("there is no entity in the data, so there is no long tail")
    figure = Figure(figsize=(6.4, 4.0), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    ranks = range(1, len(frequencies) + 1)
    axes.loglog(ranks, frequencies, color=_ACCENT, linewidth=1.8)
    axes.fill_between(ranks, frequencies, 0.8, color=_ACCENT, alpha=0.12, linewidth=0)
    axes.set_ylim(bottom=0.8, top=max(frequencies) * 1.6)
    axes.set_xlim(left=1, right=max(2, len(frequencies)))
    for axis, largest in ((axes.xaxis, len(frequencies)), (axes.yaxis, frequencies[0])):
        steps = (1.0,) if largest >= _MIN_TYPES else (1.0, 2.0, 5.0)
        axis.set_major_locator(LogLocator(10, subs=steps))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
    marked = len(frequencies) >= _MIN_TYPES
    if marked:
        _mark_ranges(axes, ranges)
    axes.set_xlabel(f"rank of the entity type ({len(frequencies):,} types)")
    axes.set_ylabel("entities of the type")
    axes.set_title(title, loc="left", fontsize=11, color=_INK, pad=20 if marked else 6)
    axes.grid(visible=True, which="major", color=_GRID, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    partial = path.with_name(path.name + ".part")
    figure.savefig(partial, format="png")
    partial.replace(path)


def _mark_ranges(axes: Axes, ranges: Sequence[Range]) -> None:
    """Write each range's share of all entities above the picture."""
    first = 1
    for name, types, share in ranges:
        last = first + types - 1
        if first > 1:
            axes.axvline(first, color=_INK, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.text(
            (first * max(last, first)) ** 0.5,
            1.02,
            f"{name}: {share:.0%}",
            transform=axes.get_xaxis_transform(),
            ha="center",
            color=_INK,
            fontsize=9,
        )
        first = last + 1
