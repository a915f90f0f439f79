"""`unibench report paper`: write every exhibit in five formats, and an index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from unibench.errors import UnknownNameError
from unibench.reporting.charts.style import save
from unibench.reporting.paper import analysis, benchmark, domains, scores
from unibench.reporting.paper.exhibit import Exhibit, Material
from unibench.reporting.tables import to_csv, to_latex, to_markdown

EXHIBITS: Mapping[str, Callable[[Material], Exhibit]] = {
    "figure4": benchmark.figure4,
    "figure5a": domains.figure5a,
    "figure6": domains.figure6,
    "figure7": analysis.figure7,
    "figure8": analysis.figure8,
    "figure9": scores.figure9,
    "table1": benchmark.table1,
    "table2": scores.table2,
    "table3": scores.table3,
    "table4": scores.table4,
    "table5": scores.table5,
    "table6": benchmark.table6,
}
ALSO = {"figure5b": "figure6"}
"""The camera-ready numbers Figure 6 of the preprint 5b."""


def write_paper(
    material: Material, folder: Path, names: Sequence[str] = ()
) -> list[Exhibit]:
    """Write the exhibits called `names` (default: all) to `folder`; return them.

    Raises:
        UnknownNameError: there is no such figure or table.
    """
    wanted = [ALSO.get(name, name) for name in names or EXHIBITS]
    for name in wanted:
        if name not in EXHIBITS:
            raise UnknownNameError("figure or table", name, {*EXHIBITS, *ALSO})
    made = [EXHIBITS[name](material) for name in wanted]
    folder.mkdir(parents=True, exist_ok=True)
    for exhibit in made:
        _write(exhibit, folder)
    (folder / "index.md").write_text(_index(made), "utf-8")
    return made


def _write(exhibit: Exhibit, folder: Path) -> None:
    if exhibit.table is None:
        return
    for suffix, writer in (("md", to_markdown), ("csv", to_csv), ("tex", to_latex)):
        path = folder / f"{exhibit.name}.{suffix}"
        path.write_text(writer(exhibit.table).rstrip("\n") + "\n", "utf-8")
    if exhibit.draw is not None:
        save(exhibit.draw(), folder / exhibit.name)


def _index(made: Iterable[Exhibit]) -> str:
    lines = ["# Figures and tables of the UniversalNER paper", ""]
    for exhibit in made:
        if exhibit.table is None:
            lines += [f"## {exhibit.name}", "", f"Not made: {exhibit.missing}.", ""]
            continue
        links = (f"[{s}]({exhibit.name}.{s})" for s in ("csv", "tex", "png", "svg"))
        lines += [
            f"## {exhibit.table.title}", "", f"![{exhibit.name}]({exhibit.name}.png)",
            "", f"[table]({exhibit.name}.md), {', '.join(links)}", "",
        ]  # fmt: skip
    return "\n".join(lines)
