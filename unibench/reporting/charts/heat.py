"""Tables as pictures: figures on a scale of blue, what is missing crossed out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibench.reporting.charts.style import (
    COLUMN,
    FAINT,
    INK,
    MISSING_HATCH,
    SMALL,
    drawing,
    face,
    new_figure,
    origin_handles,
)
from unibench.reporting.tables import Table, TableCell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 0.145
_LETTER = 0.052
"""Inches that a letter of the small font takes on average."""


def heat_table(table: Table, *, labels: int = 1, width: float = COLUMN) -> Figure:
    """Draw a table whose first `labels` columns are words and the rest F1 in percent.

    Sections become headings; columns of printed figures carry a hatched mark.
    """
    lines = _lines(table)
    with drawing():
        figure, axes = new_figure(width, (len(lines) + 1) * _ROW + _head(table, labels))
        widths = _widths(table, labels, width)
        left = [sum(widths[:i]) for i in range(len(widths))]
        for place, line in enumerate(lines):
            if isinstance(line, str):
                axes.text(0, place, line, fontsize=SMALL, weight="bold", va="center")
                continue
            for number, cell in enumerate(line):
                box = (left[number], place, widths[number])
                if number < labels:
                    _word(axes, box, cell)
                else:
                    _figure(axes, box, cell)
        _headings(axes, table, labels, (left, widths))
        axes.set_xlim(0, sum(widths))
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.axis("off")
        _origin(figure, table)
    return figure


def word_table(table: Table, *, width: float = COLUMN) -> Figure:
    """Draw a table of words and plain numbers, with rules as in a printed table."""
    lines = _lines(table)
    with drawing():
        figure, axes = new_figure(width, (len(lines) + 2) * _ROW + 0.1)
        widths = _word_widths(table, width)
        left = [sum(widths[:i]) for i in range(len(widths))]
        _rule(axes, -1.6, sum(widths), 1.0)
        _rule(axes, -0.5, sum(widths), 0.5)
        for number, column in enumerate(table.columns):
            _text(axes, (left[number], -1.05, widths[number]), column.title,
                  right=column.numeric, bold=True)  # fmt: skip
        for place, line in enumerate(lines):
            if isinstance(line, str):
                _text(axes, (0, place, sum(widths)), line, right=False, bold=True)
                continue
            for number, cell in enumerate(line):
                right = table.columns[number].numeric
                box = (left[number], place, widths[number])
                _text(axes, box, cell.text, right=right, bold=cell.bold)
        _rule(axes, len(lines) - 0.5, sum(widths), 1.0)
        axes.set_xlim(0, sum(widths))
        axes.set_ylim(len(lines) - 0.3, -1.8)
        axes.axis("off")
    return figure


def _lines(table: Table) -> list[str | tuple[TableCell, ...]]:
    lines: list[str | tuple[TableCell, ...]] = []
    for at, row in enumerate(table.rows):
        if at in table.sections:
            lines.append(table.sections[at])
        lines.append(row)
    return lines


def _widths(table: Table, labels: int, width: float) -> list[float]:
    words = [
        min(max(len(row[i].text) for row in table.rows) * _LETTER + 0.08, width * 0.5)
        for i in range(labels)
    ]
    rest = max(len(table.columns) - labels, 1)
    each = max((width - sum(words)) / rest, 0.26)
    return [*words, *[each] * rest]


def _word_widths(table: Table, width: float) -> list[float]:
    natural = [
        max([len(column.title) * 1.12, *(len(row[i].text) for row in table.rows)]) + 1.5
        for i, column in enumerate(table.columns)
    ]
    return [width * part / sum(natural) for part in natural]


def _head(table: Table, labels: int) -> float:
    longest = max((len(column.title) for column in table.columns[labels:]), default=0)
    return longest * _LETTER * 0.72 + 0.3


def _word(axes: Axes, box: tuple[float, float, float], cell: TableCell) -> None:
    room = int(box[2] / _LETTER)
    text = cell.text if len(cell.text) <= room + 1 else cell.text[: room - 1] + "…"
    axes.text(box[0] + 0.02, box[1], text, fontsize=SMALL, va="center", color=INK)


def _figure(axes: Axes, box: tuple[float, float, float], cell: TableCell) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    x, place, width = box
    if not isinstance(cell.value, int | float):
        axes.add_patch(
            Rectangle(
                (x, place - 0.5), width, 1, facecolor="white", edgecolor="#D9D9D9",
                hatch=MISSING_HATCH, linewidth=0,
            )
        )  # fmt: skip
        return
    share = min(max(cell.value / 100, 0), 1)
    color = colormaps["Blues"](0.05 + 0.85 * share)
    corner = (x, place - 0.5)
    axes.add_patch(
        Rectangle(corner, width, 1, facecolor=color, edgecolor="white", linewidth=0.8)
    )
    axes.text(
        x + width / 2, place, cell.text, fontsize=SMALL, ha="center", va="center",
        color="white" if share > 0.62 else INK,
        weight="bold" if cell.bold else "normal",
    )  # fmt: skip


def _headings(
    axes: Axes, table: Table, labels: int, places: tuple[list[float], list[float]]
) -> None:
    from matplotlib.patches import Rectangle

    left, widths = places
    for number, column in enumerate(table.columns[labels:], start=labels):
        kinds = {
            row[number].kind for row in table.rows if row[number].value is not None
        }
        mark = face(FAINT, measured="measured" in kinds)
        middle = left[number] + widths[number] / 2
        if kinds and not kinds <= {"label"}:
            corner = (middle - 0.06, -1.15)
            axes.add_patch(Rectangle(corner, 0.12, 0.5, clip_on=False, **mark))
        axes.text(
            middle - 0.03, -1.4, column.title, fontsize=SMALL, rotation=45,
            ha="left", va="bottom", rotation_mode="anchor",
        )  # fmt: skip


def _origin(figure: Figure, table: Table) -> None:
    kinds = {cell.kind for row in table.rows for cell in row if cell.value is not None}
    handles = origin_handles(
        measured="measured" in kinds, printed=bool(kinds & {"printed", "computed"})
    )
    figure.legend(handles=handles, loc="outside lower left", ncols=2)


def _text(
    axes: Axes, box: tuple[float, float, float], text: str, *, right: bool, bold: bool
) -> None:
    x, place, width = box
    axes.text(
        x + width - 0.03 if right else x + 0.03, place, text, fontsize=SMALL,
        ha="right" if right else "left", va="center",
        weight="bold" if bold else "normal", color=INK,
    )  # fmt: skip


def _rule(axes: Axes, place: float, width: float, weight: float) -> None:
    axes.plot([0, width], [place, place], color=INK, linewidth=weight, clip_on=False)
