"""Tables as pictures: figures on a scale of blue, what is missing crossed out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unibench.reporting.charts.style import (
    COLUMN,
    FAINT,
    INK,
    MISSING_HATCH,
    SMALL,
    drawing,
    face,
    ink_on,
    new_figure,
    origin_handles,
    text_width,
)
from unibench.reporting.tables import Table, TableCell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 0.145
_NARROWEST = 0.3
_MARK = 0.17
_SLANT = 0.72


class Box(NamedTuple):
    """Where a cell lies: its left edge and width in inches, and its line."""

    left: float
    line: float
    width: float


def heat_table(table: Table, *, width: float = COLUMN) -> Figure:
    """Draw a table whose first column is words and the rest F1 in percent.

    Sections become headings. A hatched or filled mark at each row or, where rows hold
    figures of both kinds, each column tells printed from measured figures. A table
    with many columns is drawn wider than asked, never smaller.
    """
    lines = _lines(table)
    widths = _widths(table, width)
    left = [sum(widths[:i]) for i in range(len(widths))]
    head, beyond = _head(table, widths)
    size = (sum(widths) + beyond, (len(lines) + 1.6) * _ROW + head)
    with drawing():
        figure, axes = _sheet(size)
        axes.set_xlim(0, size[0])
        axes.set_ylim(len(lines) + 1.0, len(lines) + 1.0 - size[1] / _ROW)
        by_row = _by_row(table)
        for place, line in enumerate(lines):
            if isinstance(line, str):
                axes.text(0.02, place, line, fontsize=SMALL, weight="bold", va="center")
                continue
            _name(axes, place, line, by_row=by_row)
            for number, cell in enumerate(line[1:], start=1):
                _figure(axes, Box(left[number], place, widths[number]), cell)
        _headings(axes, table, (left, widths), by_row=by_row)
        _origin(axes, table)
    return figure


def word_table(table: Table, *, width: float = COLUMN) -> Figure:
    """Draw a table of words and plain numbers, with rules as in a printed table."""
    lines = _lines(table)
    natural = _word_widths(table)
    spare = max(width - sum(natural), 0.0) / len(natural)
    widths = [part + spare for part in natural]
    left = [sum(widths[:i]) for i in range(len(widths))]
    size = (sum(widths), (len(lines) + 2.2) * _ROW)
    with drawing():
        figure, axes = _sheet(size)
        axes.set_xlim(0, size[0])
        axes.set_ylim(len(lines) - 0.2, -2.4)
        for place, weight in ((-1.9, 1.0), (-0.6, 0.5), (len(lines) - 0.5, 1.0)):
            axes.plot([0, size[0]], [place, place], color=INK, linewidth=weight)
        for number, column in enumerate(table.columns):
            box = Box(left[number], -1.25, widths[number])
            _text(axes, box, column.title, right=column.numeric, bold=True)
        for place, line in enumerate(lines):
            if isinstance(line, str):
                _text(axes, Box(0, place, size[0]), line, right=False, bold=True)
                continue
            for number, cell in enumerate(line):
                right = table.columns[number].numeric
                box = Box(left[number], place, widths[number])
                _text(axes, box, cell.text, right=right, bold=cell.bold)
    return figure


def _sheet(size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Return axes that fill the whole chart, without ticks."""
    figure, axes = new_figure(*size)
    figure.set_layout_engine("none")
    axes.set_position((0, 0, 1, 1))
    axes.axis("off")
    return figure, axes


def _lines(table: Table) -> list[str | tuple[TableCell, ...]]:
    lines: list[str | tuple[TableCell, ...]] = []
    for at, row in enumerate(table.rows):
        if at in table.sections:
            lines.append(table.sections[at])
        lines.append(row)
    return lines


def _widths(table: Table, width: float) -> list[float]:
    names = max((text_width(row[0].text) for row in table.rows), default=0.5)
    words = names + _MARK + 0.12
    rest = max(len(table.columns) - 1, 1)
    beyond = text_width(table.columns[-1].title) * _SLANT
    figures = (text_width(cell.text) for row in table.rows for cell in row[1:])
    narrowest = max([_NARROWEST, *(figure + 0.1 for figure in figures)])
    each = max((width - words - beyond * 0.5) / rest, narrowest)
    return [words, *[each] * (len(table.columns) - 1)]


def _word_widths(table: Table) -> list[float]:
    return [
        max(
            text_width(column.title) * 1.14,
            *(text_width(row[i].text) for row in table.rows),
        )
        + 0.16
        for i, column in enumerate(table.columns)
    ]


def _head(table: Table, widths: list[float]) -> tuple[float, float]:
    """Return the height of the slanted headings, and how far they reach beyond."""
    slants = [text_width(column.title) * _SLANT for column in table.columns[1:]]
    right = [
        slant + width / 2 - sum(widths[1 + i :])
        for i, (slant, width) in enumerate(zip(slants, widths[1:], strict=True))
    ]
    return max(slants, default=0.0) + 0.28, max([0.05, *right]) + 0.05


def _by_row(table: Table) -> bool:
    """Whether every row holds figures of one kind only."""
    return all(len(_kinds(row)) <= 1 for row in table.rows)


def _kinds(cells: tuple[TableCell, ...]) -> set[bool]:
    """Return whether the figures of some cells are measured: True, False or both."""
    return {
        cell.kind == "measured"
        for cell in cells
        if cell.kind != "label" and cell.value is not None
    }


def _name(axes: Axes, place: int, line: tuple[TableCell, ...], *, by_row: bool) -> None:
    kinds = _kinds(line)
    if by_row and kinds:
        _mark(axes, (0.03, place - 0.28), measured=True in kinds)
    start = 0.03 + (_MARK if by_row else 0.0)
    axes.text(start, place, line[0].text, fontsize=SMALL, va="center", color=INK)


def _mark(axes: Axes, corner: tuple[float, float], *, measured: bool) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle(corner, 0.11, 0.56, **face(FAINT, measured=measured)))


def _figure(axes: Axes, box: Box, cell: TableCell) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    corner = (box.left, box.line - 0.5)
    if not isinstance(cell.value, int | float):
        axes.add_patch(
            Rectangle(
                corner, box.width, 1, facecolor="white", edgecolor="#D9D9D9",
                hatch=MISSING_HATCH, linewidth=0,
            )
        )  # fmt: skip
        return
    share = min(max(cell.value / 100, 0), 1)
    color = colormaps["Blues"](0.05 + 0.85 * share)
    axes.add_patch(
        Rectangle(
            corner, box.width, 1, facecolor=color, edgecolor="white", linewidth=0.8
        )
    )
    axes.text(
        box.left + box.width / 2, box.line, cell.text, fontsize=SMALL, ha="center",
        va="center", color=ink_on(color), weight="bold" if cell.bold else "normal",
    )  # fmt: skip


def _headings(
    axes: Axes, table: Table, places: tuple[list[float], list[float]], *, by_row: bool
) -> None:
    left, widths = places
    for number, column in enumerate(table.columns[1:], start=1):
        middle = left[number] + widths[number] / 2
        kinds = _kinds(tuple(row[number] for row in table.rows))
        if kinds and not by_row:
            _mark(axes, (middle - 0.055, -1.2), measured=True in kinds)
        axes.text(
            middle - 0.03, -0.8 if by_row else -1.45, column.title, fontsize=SMALL,
            rotation=45, ha="left", va="bottom", rotation_mode="anchor", color=INK,
        )  # fmt: skip


def _origin(axes: Axes, table: Table) -> None:
    kinds = set().union(*(_kinds(row) for row in table.rows))
    handles = origin_handles(measured=True in kinds, printed=False in kinds)
    axes.legend(
        handles=handles, loc="lower left", ncols=2, borderaxespad=0.1, handlelength=1.2,
        handletextpad=0.5, columnspacing=1.2,
    )  # fmt: skip


def _text(axes: Axes, box: Box, text: str, *, right: bool, bold: bool) -> None:
    axes.text(
        box.left + box.width - 0.06 if right else box.left + 0.04, box.line, text,
        fontsize=SMALL, ha="right" if right else "left", va="center",
        weight="bold" if bold else "normal", color=INK,
    )  # fmt: skip
