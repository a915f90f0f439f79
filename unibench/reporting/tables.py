"""One table, five ways to write it: text, Markdown, CSV, LaTeX (booktabs), JSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

MISSING = "-"
Kind = Literal["measured", "printed", "computed", "label"]

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
        "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
        "±": r"$\pm$", "–": "--", "−": r"$-$", "×": r"$\times$",  # noqa: RUF001
    }
)  # fmt: skip


class TableCell(msgspec.Struct, frozen=True):
    """What stands in one cell: `text` to read, `value` in full for CSV and JSON.

    Bold marks the best of its column and what cannot be told apart from it. `low` and
    `high` are the interval of a measured figure, in the unit of `value`.
    """

    text: str
    value: Any = None
    kind: Kind = "label"
    bold: bool = False
    low: float | None = None
    high: float | None = None


class Column(msgspec.Struct, frozen=True):
    """A column: a heading to read, and a name for CSV and JSON."""

    title: str
    name: str
    numeric: bool = True


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table; `sections` maps the number of a row to the heading above it."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    sections: Mapping[int, str] = {}
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a row that does not fit the columns."""
        for row in self.rows:
            if len(row) != len(self.columns):
                cells = f"{len(row)} cells, {len(self.columns)} columns"
                raise ValueError(f"table {self.name!r}: {cells}")


def label(text: str) -> TableCell:
    """Return a cell of words."""
    return TableCell(text, text)


def number(
    value: float | None, *, digits: int = 1, kind: Kind = "measured", bold: bool = False
) -> TableCell:
    """Return a cell of a number, or one that shows that it is missing."""
    if value is None:
        return TableCell(MISSING, None, kind)
    return TableCell(f"{value:.{digits}f}", value, kind, bold)


def to_text(table: Table) -> str:
    """Return the table in plain text; a star marks the best."""
    from tabulate import tabulate

    body = [[_starred(cell) for cell in row] for row in table.rows]
    heads = [column.title for column in table.columns]
    lines = tabulate(
        body,
        headers=heads,
        tablefmt="simple",
        disable_numparse=True,
        colalign=_alignment(table) if body else None,
    ).split("\n")
    for at in sorted(table.sections, reverse=True):
        lines[at + 2 : at + 2] = (
            ["", table.sections[at]] if at else [table.sections[at]]
        )
    return "\n".join([table.title, "", *lines, *_after(table.notes)])


def to_markdown(table: Table) -> str:
    """Return the table in GitHub's Markdown; printed figures are in italics."""
    heads = [_markdown(column.title) for column in table.columns]
    rule = ["---:" if column.numeric else ":---" for column in table.columns]
    lines = [_bar(heads), _bar(rule)]
    for at, row in enumerate(table.rows):
        if at in table.sections:
            empty = [""] * (len(heads) - 1)
            lines.append(_bar([f"**{_markdown(table.sections[at])}**", *empty]))
        lines.append(
            _bar([_styled(c, _markdown(c.text), "**{}**", "*{}*") for c in row])
        )
    notes = [_markdown(note) for note in table.notes]
    return "\n".join([f"### {_markdown(table.title)}", "", *lines, *_after(notes)])


def to_latex(table: Table) -> str:
    r"""Return a `table` environment for the package booktabs."""
    letters = "".join("r" if column.numeric else "l" for column in table.columns)
    heads = [_latex(column.title) for column in table.columns]
    lines = [
        r"\begin{table}[t]", r"\centering\small", rf"\begin{{tabular}}{{{letters}}}",
        r"\toprule", " & ".join(heads) + r" \\", r"\midrule",
    ]  # fmt: skip
    for at, row in enumerate(table.rows):
        if at in table.sections:
            lines += [r"\midrule"] if at else []
            wide = rf"\multicolumn{{{len(heads)}}}{{l}}"
            lines.append(rf"{wide}{{\textit{{{_latex(table.sections[at])}}}}} \\")
        cells = [
            _styled(c, _latex(c.text), r"\textbf{{{}}}", r"\textit{{{}}}") for c in row
        ]
        lines.append(" & ".join(cells) + r" \\")
    caption = " ".join([f"{table.title}.", *table.notes])
    anchor = re.sub("[^a-z0-9]+", "-", table.name.lower())
    lines += [
        r"\bottomrule", r"\end{tabular}", rf"\caption{{{_latex(caption)}}}",
        rf"\label{{tab:{anchor}}}", r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines)


def to_csv(table: Table) -> str:
    """Return the table as CSV: printed digits as printed, measured ones in full."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    wide = _with_intervals(table)
    names = [
        name
        for i, column in enumerate(table.columns)
        for name in (column.name, *(_bounds(column.name) if i in wide else ()))
    ]
    writer.writerow(["section", *names] if table.sections else names)
    section = ""
    for at, row in enumerate(table.rows):
        section = table.sections.get(at, section)
        values = [
            value
            for i, cell in enumerate(row)
            for value in (_plain(cell), *((cell.low, cell.high) if i in wide else ()))
        ]
        writer.writerow([section, *values] if table.sections else values)
    return out.getvalue()


def to_json(table: Table) -> list[dict[str, Any]]:
    """Return one object a row, with values in full."""
    rows, section = [], ""
    wide = _with_intervals(table)
    for at, row in enumerate(table.rows):
        section = table.sections.get(at, section)
        head = {"section": section} if table.sections else {}
        line: dict[str, Any] = dict(head)
        for i, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
            line[column.name] = cell.value
            if i in wide:
                low, high = _bounds(column.name)
                line |= {low: cell.low, high: cell.high}
        rows.append(line)
    return rows


WRITERS: Mapping[str, Callable[[Table], str]] = {
    "text": to_text,
    "markdown": to_markdown,
    "csv": to_csv,
    "latex": to_latex,
}


def _with_intervals(table: Table) -> set[int]:
    """Return the columns in which any cell has an interval."""
    return {i for row in table.rows for i, c in enumerate(row) if c.low is not None}


def _bounds(name: str) -> tuple[str, str]:
    return f"{name}_low", f"{name}_high"


def _plain(cell: TableCell) -> Any:
    if cell.value is None:
        return ""
    return cell.text if cell.kind == "printed" else cell.value


def _starred(cell: TableCell) -> str:
    return f"{cell.text}*" if cell.bold else cell.text


def _styled(cell: TableCell, text: str, bold: str, italic: str) -> str:
    if cell.kind == "printed" and cell.value is not None:
        text = italic.format(text)
    return bold.format(text) if cell.bold else text


def _markdown(text: str) -> str:
    """Escape what GitHub's Markdown would read as a table, emphasis or HTML."""
    text = re.sub(r"([\\`*_\[\]|~])", r"\\\1", " ".join(text.split()))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _latex(text: str) -> str:
    return " ".join(text.split()).translate(_LATEX)


def _bar(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _alignment(table: Table) -> list[str]:
    return ["right" if column.numeric else "left" for column in table.columns]


def _after(notes: Sequence[str]) -> list[str]:
    return ["", *notes] if notes else []
