"""Write the whole site to a folder."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.metadata import version
from pathlib import Path

from unibench.errors import RunError
from unibench.reporting.catalogue import Catalogue
from unibench.reporting.results import Results
from unibench.reporting.site.about import about_page
from unibench.reporting.site.dataset_page import dataset_page, datasets_page
from unibench.reporting.site.html import clean, slugs
from unibench.reporting.site.index import index_page
from unibench.reporting.site.model_page import model_page, models_page
from unibench.reporting.site.parts import Site
from unibench.reporting.site.reruns import reruns_page

_ASSETS = ("style.css", "leaderboard.js")
_FRONT_MATTER = """---
title: {title}
emoji: 📊
colorFrom: blue
colorTo: gray
sdk: static
app_file: index.html
pinned: false
license: apache-2.0
tags: [leaderboard, ner]
---

A static leaderboard of open named entity recognition, written by
`unibench report leaderboard`. Open `index.html` in a browser, from disk or from any
web server; nothing is loaded from elsewhere.
"""
_COLUMNS = (
    "model", "variant", "figures", "profile", "trained_on", "subset", "f1", "low",
    "high", "zero_shot", "unranked", "notes", "source",
)  # fmt: skip


def write_site(results: Results, catalogue: Catalogue, folder: Path) -> list[Path]:
    """Write every page, the assets, the table of cells and the Space's README.

    Pages of an earlier rendering that have no place any more are removed.

    Raises:
        RunError: the folder holds other files, so it is not a site of ours.
    """
    site = Site(
        catalogue=catalogue,
        results=results,
        model_pages=slugs(row.model for row in results.rows),
        version=version("unibench"),
    )
    _make_room(folder)
    written = []
    for name, text in _files(site):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        written.append(path)
    return written


def _files(site: Site) -> Iterator[tuple[str, str]]:
    yield "README.md", _FRONT_MATTER.format(title="unibench leaderboard")
    yield "index.html", index_page(site)
    yield "models.html", models_page(site)
    yield "datasets.html", datasets_page(site)
    yield "reruns.html", reruns_page(site)
    yield "about.html", about_page(site)
    yield "cells.csv", _cells(site.results)
    assets = resources.files("unibench.reporting.site") / "assets"
    for name in _ASSETS:
        yield name, (assets / name).read_text("utf-8")
    for model, page in site.model_pages.items():
        yield f"models/{page}.html", model_page(site, model)
    shown = {s for row in site.results.rows for s in row.cells}
    for subset in dict.fromkeys([*site.catalogue.subsets, *sorted(shown)]):
        yield site.subset_page(subset), dataset_page(site, subset)


def _make_room(folder: Path) -> None:
    """Remove the pages of an earlier rendering; refuse a folder of something else."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / "leaderboard.js").is_file():
        raise RunError(
            f"{folder} holds files that are no leaderboard; give an empty folder"
        )
    for part in ("models", "datasets"):
        for page in (folder / part).glob("*.html"):
            page.unlink()


def _cells(results: Results) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in results.rows:
        shared: Mapping[str, object] = {
            "model": clean(row.model),
            "variant": clean(row.variant),
            "figures": "measured" if row.measured else "printed",
            "profile": row.profile,
            "trained_on": row.group,
            "unranked": row.unranked,
        }
        for subset, cell in row.cells.items():
            own = {
                "subset": subset,
                "f1": cell.text if cell.printed else f"{cell.value:.4f}",
                "low": "" if cell.low is None else f"{cell.low:.4f}",
                "high": "" if cell.high is None else f"{cell.high:.4f}",
                "zero_shot": {True: "yes", False: "no", None: ""}[cell.zero_shot],
                "notes": "; ".join(cell.warnings),
                "source": cell.printed[0].source if cell.printed else "",
            }
            writer.writerow({**shared, **own})
    return out.getvalue()
