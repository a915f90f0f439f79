"""Horizontal bars: groups of them with intervals, differences, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from unibench.reporting.charts.style import (
    BLUE,
    COLUMN,
    FAINT,
    GRID,
    INK,
    ORANGE,
    SMALL,
    drawing,
    face,
    new_figure,
    origin_handles,
    series_color,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar; without a `value` only `note` is written, which says what is missing."""

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """The bars of one model, by group."""

    name: str
    measured: bool
    bars: Mapping[str, Bar]


def grouped_bars(
    groups: Sequence[str], series: Sequence[Series], *, label: str, title: str = ""
) -> Figure:
    """Draw one group below the other, one bar for each series, values at their ends."""
    thick = 0.105
    with drawing():
        height = len(groups) * (len(series) + 0.9) * thick
        legend = -(-len(series) // 2) * 0.14 + 0.2
        figure, axes = new_figure(COLUMN, height + legend + 0.35)
        for place, group in enumerate(groups):
            top = place * (len(series) + 0.9)
            for number, one in enumerate(series):
                _bar(axes, top + number, one.bars.get(group), series_color(number), one)
        middles = [
            place * (len(series) + 0.9) + (len(series) - 1) / 2
            for place in range(len(groups))
        ]
        axes.set_yticks(middles, groups)
        axes.set_ylim(len(groups) * (len(series) + 0.9) - 0.6, -0.8)
        _percent_axis(axes, series, label)
        _legend(figure, series)
        if title:
            axes.set_title(title)
    return figure


def difference_bars(
    names: Sequence[str],
    bars: Sequence[Bar],
    *,
    marked: Sequence[bool],
    words: tuple[str, str],
    label: str,
) -> Figure:
    """Draw differences around zero; `marked` ones in orange, the others in blue.

    `words` name the marked and the other bars in the legend.
    """
    from matplotlib.patches import Patch

    with drawing():
        figure, axes = new_figure(COLUMN, 0.13 * len(names) + 0.75)
        for place, bar in enumerate(bars):
            color = ORANGE if marked[place] else BLUE
            value = bar.value or 0.0
            axes.barh(place, value, height=0.75, **face(color, measured=True))
            _whisker(axes, place, bar)
        axes.axvline(0, color=INK, linewidth=0.7)
        axes.set_yticks(range(len(names)), names, fontsize=SMALL)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.grid(axis="x", color=GRID, linewidth=0.5)
        axes.set_axisbelow(True)
        axes.set_xlabel(label)
        handles = [
            Patch(label=words[0], **face(ORANGE, measured=True)),
            Patch(label=words[1], **face(BLUE, measured=True)),
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return figure


def count_bars(
    names: Sequence[str],
    panels: Sequence[tuple[str, Sequence[float]]],
) -> Figure:
    """Draw counts of the same names in panels side by side, each with its own axis."""
    with drawing():
        figure, first = new_figure(COLUMN, 0.2 * len(names) + 0.5)
        figure.delaxes(first)
        for number, (label, values) in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), number + 1)
            color = series_color(number)
            axes.barh(range(len(names)), values, height=0.7, color=color)
            axes.set_yticks(range(len(names)), names if number == 0 else [])
            axes.set_ylim(len(names) - 0.4, -0.6)
            axes.set_xlim(right=max(values, default=1) * 1.35)
            axes.xaxis.set_major_formatter(lambda value, _: _short(value))
            axes.locator_params(axis="x", nbins=3)
            axes.set_xlabel(label)
            for place, value in enumerate(values):
                axes.annotate(
                    _short(value), (value, place), xytext=(2, 0), fontsize=SMALL,
                    textcoords="offset points", va="center", color=INK,
                )  # fmt: skip
    return figure


def _bar(axes: Axes, place: float, bar: Bar | None, color: str, one: Series) -> None:
    if bar is None or bar.value is None:
        note = bar.note if bar and bar.note else "no figure"
        axes.text(
            0.6, place, note, fontsize=SMALL, color=FAINT, va="center", style="italic"
        )
        return
    axes.barh(place, bar.value, height=0.86, **face(color, measured=one.measured))
    _whisker(axes, place, bar)
    end = bar.high if bar.high is not None else bar.value
    axes.annotate(
        f"{bar.value:.1f}{bar.note}", (end, place), xytext=(2, 0), fontsize=SMALL,
        textcoords="offset points", va="center", color=INK,
    )  # fmt: skip


def _whisker(axes: Axes, place: float, bar: Bar) -> None:
    if bar.low is not None and bar.high is not None:
        axes.plot([bar.low, bar.high], [place, place], color=INK, linewidth=0.8)
        axes.plot([bar.low] * 2, [place - 0.2, place + 0.2], color=INK, linewidth=0.8)
        axes.plot([bar.high] * 2, [place - 0.2, place + 0.2], color=INK, linewidth=0.8)


def _percent_axis(axes: Axes, series: Sequence[Series], label: str) -> None:
    tops = [
        bar.high if bar.high is not None else bar.value
        for one in series
        for bar in one.bars.values()
        if bar.value is not None
    ]
    top = max((value for value in tops if value is not None), default=100.0)
    axes.set_xlim(0, min(max(top * 1.16, 10.0), 112.0))
    axes.set_xticks([tick for tick in range(0, 101, 20) if tick <= axes.get_xlim()[1]])
    axes.grid(axis="x", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(label)


def _legend(figure: Figure, series: Sequence[Series]) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(label=one.name, **face(series_color(number), measured=one.measured))
        for number, one in enumerate(series)
    ]
    if len({one.measured for one in series}) > 1:
        handles += origin_handles(measured=True, printed=True)
    figure.legend(
        handles=handles, loc="outside upper left", ncols=2, columnspacing=1.0,
        handlelength=1.4, handletextpad=0.5, labelspacing=0.35,
    )  # fmt: skip


def _short(value: float) -> str:
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:g}"
