"""The board: sections of rows that may be compared, and the same as data for sorting.

A section is one scoring rule and one kind of training data. The page holds the board of
one suite as a plain table, so it can be read without JavaScript, and the figures of all
subsets as JSON, from which the script shows any other suite or filter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from unibench.reporting.averages import Mean, board_ranks, mean_over
from unibench.reporting.results import GROUPS, PROFILES, Cell, Row
from unibench.reporting.site.html import Markup, clean, join, link, slug, tag
from unibench.reporting.site.parts import (
    ACCESS,
    Site,
    bar,
    half_width,
    interval,
    origin_badge,
    warned,
)

PREFERRED = "ood_7"
"""The suite shown first: most printed figures are on the paper's Table 2."""

_HEADS = ("Rank", "Model", "Size", "Mean", "Covers")


def sections(rows: Sequence[Row]) -> list[tuple[str, str, list[Row]]]:
    """Return profile, group and rows of each section that has any, in order."""
    profiles = [*PROFILES, *sorted({r.profile for r in rows} - set(PROFILES))]
    return [
        (profile, group, members)
        for profile in profiles
        for group in GROUPS
        if (members := [r for r in rows if (r.profile, r.group) == (profile, group)])
    ]


def ordered(
    rows: Sequence[Row], subsets: Sequence[str]
) -> list[tuple[Row, int | None, Mean | None]]:
    """Return rows with rank and mean: the ranked first, then by coverage and mean."""
    ranks = board_ranks(rows, subsets)
    lines = [
        (row, ranks.get(i), mean_over(row.cells, subsets)) for i, row in enumerate(rows)
    ]
    return sorted(
        lines,
        key=lambda line: (
            line[1] is None,
            -(line[2].covered if line[2] and line[1] is None else 0),
            -(line[2].value if line[2] else 0),
            line[0].model,
        ),
    )


def default_suite(site: Site) -> str:
    """Return the suite that the plain table shows."""
    suites = site.catalogue.suites
    return PREFERRED if PREFERRED in suites else next(iter(suites))


def static_board(site: Site, suite: str) -> Markup:
    """Return the board of a suite as one table with a body for each section."""
    subsets = site.catalogue.suites[suite]
    rows = [
        row
        for row in site.results.rows
        if any(subset in row.cells for subset in subsets)
    ]
    heads = [tag("th", head, scope="col") for head in _HEADS]
    heads += [
        tag("th", site.subset_link(subset, ""), scope="col", class_="sub")
        for subset in subsets
    ]
    bodies = [
        _section(site, title, members, subsets)
        for title, members in (
            (f"{PROFILES.get(profile, profile)}: {GROUPS[group]}", members)  # type: ignore[index]
            for profile, group, members in sections(rows)
        )
    ]
    return tag(
        "table",
        tag("caption", f"{suite}: {len(subsets)} subsets"),
        tag("thead", tag("tr", *heads)),
        *bodies,
        id="board",
    )


def _section(
    site: Site, title: str, rows: Sequence[Row], subsets: Sequence[str]
) -> Markup:
    width = str(len(_HEADS) + len(subsets))
    head = tag(
        "tr", tag("th", title, colspan=width, scope="rowgroup"), class_="section"
    )
    lines = ordered(rows, subsets)
    ties = [rank for _, rank, _ in lines]
    body = [
        tag(
            "tr",
            tag("td", _rank(row, rank, ties), class_="rank"),
            tag("th", _model(site, row), scope="row"),
            tag("td", row.parameters or "-"),
            tag("td", bar(mean), class_="mean"),
            tag("td", f"{mean.covered}/{mean.total}" if mean else "-"),
            *(tag("td", _cell(site, row, s)) for s in subsets),
            class_=None if rank else "unranked",
        )
        for row, rank, mean in lines
    ]
    return tag("tbody", head, *body)


def _rank(row: Row, rank: int | None, ties: Sequence[int | None]) -> Markup | str:
    if rank is not None:
        return f"{rank}=" if ties.count(rank) > 1 else str(rank)
    why = row.unranked or "covers only a part"
    return tag("abbr", "-", title=f"not ranked: {why}")


def _model(site: Site, row: Row) -> Markup:
    variant = tag("small", row.variant) if row.variant else None
    return join(
        [
            site.model_link(row, ""),
            " ",
            origin_badge(measured=row.measured),
            variant,
        ]
    )


def _cell(site: Site, row: Row, subset: str) -> Markup:
    cell = row.cells.get(subset)
    if cell is None:
        return tag("span", "-", class_="none")
    anchor = f"#{anchor_of(row, subset)}"
    target = f"models/{site.model_pages[row.model]}.html{anchor}"
    shown = link(cell.text, target, title=_told(cell), class_=_class(cell))
    return join([warned(shown, cell.warnings), half_width(cell)])


def anchor_of(row: Row, subset: str) -> str:
    """Return the anchor of a cell's evidence on the page of its model."""
    variant = re.sub(r"[^a-z0-9]+", "-", row.variant.lower()).strip("-")
    origin = "m" if row.measured else "p"
    of = slug(subset) if subset else ""
    parts = (slug(row.profile), row.group[0], origin, variant, of)
    return ".".join(part for part in parts if part)


def payload(site: Site) -> str:
    """Return the figures of every row as JSON that may stand inside a page."""
    subsets = list(
        dict.fromkeys(
            [
                *(s for names in site.catalogue.suites.values() for s in names),
                *(s for row in site.results.rows for s in row.cells),
            ]
        )
    )
    number = {subset: i for i, subset in enumerate(subsets)}
    infos = [site.catalogue.info(subset) for subset in subsets]
    data = {
        "subsets": [
            [clean(i.subset), i.domain or "no card", slug(i.subset)] for i in infos
        ],
        "suites": {
            name: [number[s] for s in names]
            for name, names in site.catalogue.suites.items()
        },
        "profiles": PROFILES,
        "groups": GROUPS,
        "access": ACCESS,
        "first": default_suite(site),
        "rows": [_row_data(site, row, number) for row in site.results.rows],
    }
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


def _row_data(site: Site, row: Row, number: dict[str, int]) -> dict[str, Any]:
    cells = [
        [
            number[subset],
            cell.text,
            *([] if cell.low is None or cell.high is None else [cell.low, cell.high]),
        ]
        for subset, cell in row.cells.items()
    ]
    return {
        "n": clean(row.model),
        "v": clean(row.variant),
        "o": int(row.measured),
        "p": row.profile,
        "g": row.group,
        "s": row.parameters,
        "b": billions(row.parameters),
        "a": row.access,
        "u": row.unranked,
        "h": f"models/{site.model_pages[row.model]}.html",
        "k": anchor_of(row, ""),
        "z": [number[s] for s, cell in row.cells.items() if cell.zero_shot is not True],
        "w": [number[s] for s, cell in row.cells.items() if cell.warnings],
        "c": cells,
    }


def billions(parameters: str) -> float | None:
    """Return a size such as `7B`, `300M` or `135M parameters` in billions."""
    found = re.match(
        r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMB])(?![a-z])", parameters, re.IGNORECASE
    )
    if found is None:
        return None
    scale = {"k": 1e-6, "m": 1e-3, "b": 1.0}[found[2].lower()]
    return float(found[1]) * scale


def _told(cell: Cell) -> str | None:
    words = []
    if span := interval(cell):
        words.append(f"95 % interval {span}")
    if cell.zero_shot is False:
        words.append("trained on this dataset")
    return ", ".join(words) or None


def _class(cell: Cell) -> str:
    seen = " seen" if cell.zero_shot is False else ""
    return ("m" if cell.record is not None else "p") + seen
