"""Spread: several values of one thing on a line, from the worst to the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from unibench.reporting.charts.style import (
    BLUE,
    COLUMN,
    GRID,
    INK,
    RED,
    SMALL,
    drawing,
    new_figure,
    pale,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """The values of one line: how each wording scored, in percent; one is the usual."""

    name: str
    values: Mapping[str, float]
    usual: str = "natural"


def spread_lines(spreads: Sequence[Spread], *, label: str) -> Figure:
    """Draw a line from worst to best; the usual wording filled, the worst in red."""
    from matplotlib.lines import Line2D

    with drawing():
        figure, axes = new_figure(COLUMN, 0.17 * len(spreads) + 0.8)
        for place, one in enumerate(spreads):
            values = one.values
            low, high = min(values.values()), max(values.values())
            axes.plot([low, high], [place, place], color=pale(BLUE, 0.5), linewidth=2.5)
            for name, value in values.items():
                if name != one.usual:
                    axes.plot(
                        value, place, "o", markersize=3.5, markerfacecolor="white",
                        markeredgecolor=BLUE, markeredgewidth=0.8,
                    )  # fmt: skip
            axes.plot(low, place, "|", markersize=7, color=RED, markeredgewidth=1.5)
            if one.usual in values:
                axes.plot(values[one.usual], place, "o", markersize=4, color=BLUE)
            axes.annotate(
                f"{high - low:.1f}", (high, place), xytext=(5, 0), fontsize=SMALL,
                textcoords="offset points", va="center", color=INK,
            )  # fmt: skip
        axes.set_yticks(
            range(len(spreads)), [one.name for one in spreads], fontsize=SMALL
        )
        axes.set_ylim(len(spreads) - 0.4, -0.6)
        axes.margins(x=0.08)
        axes.grid(axis="x", color=GRID, linewidth=0.5)
        axes.set_axisbelow(True)
        axes.set_xlabel(label)
        handles = [
            Line2D([], [], marker="o", linestyle="", color=BLUE, markersize=4,
                   label="usual"),
            Line2D([], [], marker="o", linestyle="", markerfacecolor="white",
                   markeredgecolor=BLUE, markersize=4, label="other wording"),
            Line2D([], [], marker="|", linestyle="", color=RED, markersize=7,
                   markeredgewidth=1.5, label="worst"),
        ]  # fmt: skip
        figure.legend(handles=handles, loc="outside upper left", ncols=3,
                      columnspacing=1.0, handletextpad=0.2)  # fmt: skip
    return figure
