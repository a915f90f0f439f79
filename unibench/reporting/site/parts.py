"""The parts that all pages share: frame, badges, bars, tables, lists of facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from unibench.reporting.averages import Mean
from unibench.reporting.catalogue import Catalogue
from unibench.reporting.results import Cell, Results, Row
from unibench.reporting.site.html import (
    Markup,
    escape,
    join,
    link,
    named,
    one_decimal,
    slug,
    tag,
)

PAGES = (
    ("index.html", "Leaderboard"),
    ("reruns.html", "Reported and re-run"),
    ("models.html", "Models"),
    ("datasets.html", "Datasets"),
    ("about.html", "How to read it"),
)
ACCESS = {"open": "open weights", "api": "API", "unpublished": "unpublished"}


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What all pages are made from, and how the pages of models are called."""

    catalogue: Catalogue
    results: Results
    model_pages: dict[str, str]
    version: str

    def model_link(self, row: Row, root: str, anchor: str = "") -> Markup:
        """Return the link to the page of the row's model."""
        target = f"{root}models/{self.model_pages[row.model]}.html{anchor}"
        return link(named(row.model), target)

    def subset_link(self, subset: str, root: str) -> Markup:
        """Return the link to the page of a subset."""
        return link(breakable(subset), f"{root}{self.subset_page(subset)}")

    def subset_page(self, subset: str) -> str:
        """Return the file of a subset's page; a record may hold any name."""
        return f"datasets/{slug(subset)}.html"


def page(title: str, body: Iterable[str | None], *, root: str, site: Site) -> str:
    """Return a whole page of the site; `root` leads from it to the top folder."""
    foot = f"unibench {site.version}. Figures in percent; means are unweighted."
    return document(title, body, root=root, menu=list(_menu(title, root)), foot=foot)


def document(
    title: str,
    body: Iterable[str | None],
    *,
    root: str,
    menu: Sequence[Markup],
    foot: str,
    script: str = "leaderboard.js",
) -> str:
    """Return a whole page with style, one script, a menu and a footer."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} - unibench"),
        tag("link", rel="icon", href="data:,"),
        tag("link", rel="stylesheet", href=f"{root}style.css"),
        tag("script", src=f"{root}{script}", defer=True),
    )
    brand = tag("span", "unibench", class_="brand")
    content = tag(
        "body",
        link("Skip to the content", "#content", class_="skip"),
        tag("header", brand, tag("nav", *menu, aria_label="Pages") if menu else None),
        tag("main", tag("h1", title), *body, id="content", tabindex="-1"),
        tag("footer", tag("p", foot)),
    )
    return f"<!doctype html>\n{tag('html', head, content, lang='en')}\n"


def origin_badge(*, measured: bool) -> Markup:
    """Return the badge that says whose figures a row holds."""
    if measured:
        return tag("span", "measured", class_="badge measured")
    return tag("span", "printed", class_="badge printed")


def bar(entry: Cell | Mean | None, text: str = "") -> Markup:
    """Return a figure over a bar from 0 to 100, with its interval as a whisker."""
    if entry is None:
        return tag("span", "no figure", class_="none")
    shown = tag("span", text or one_decimal(entry.value), class_="num")
    return join([shown, half_width(entry), track(entry)])


def track(entry: Cell | Mean) -> Markup:
    """Return the bar of a figure alone."""
    style = f"--v:{entry.value:.1f}"
    whisker = None
    if entry.low is not None and entry.high is not None:
        style += f";--lo:{max(entry.low, 0):.1f};--hi:{min(entry.high, 100):.1f}"
        whisker = tag("i")
    return tag("i", whisker, class_="t", style=style)


def half_width(entry: Cell | Mean) -> Markup | None:
    """Return half the width of an interval, the wider half where they differ."""
    if entry.low is None or entry.high is None:
        return None
    half = max(entry.high - entry.value, entry.value - entry.low)
    return tag("span", f" ±{one_decimal(half)}", class_="pm")


def breakable(name: str) -> Markup:
    """Return a name that may break its line after an underscore."""
    return join((escape(part) for part in name.split("_")), Markup("_<wbr>"))


def interval(entry: Cell | Mean | None) -> str:
    """Return the interval of a figure in words, or nothing."""
    if entry is None or entry.low is None or entry.high is None:
        return ""
    return f"{one_decimal(entry.low)} to {one_decimal(entry.high)}"


def facts(pairs: Iterable[tuple[str, str | None]]) -> Markup:
    """Return a list of names and values; what is empty is left out."""
    items = [
        part
        for name, value in pairs
        if value
        for part in (tag("dt", name), tag("dd", value))
    ]
    return tag("dl", *items, class_="facts")


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    caption: str = "",
    kind: str | None = None,
) -> Markup:
    """Return a table that scrolls sideways by itself; the first cell heads its row.

    The script sorts tables of the kind `sortable`.
    """
    head = tag("tr", *(tag("th", each, scope="col") for each in heads))
    body = [
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", c) for c in row[1:]))
        for row in rows
    ]
    named_by = tag("caption", caption) if caption else None
    whole = tag("table", named_by, tag("thead", head), tag("tbody", *body), class_=kind)
    return tag("div", whole, class_="scroll", tabindex="0")


def warned(text: str, warnings: Sequence[str]) -> Markup:
    """Return a figure with a mark that tells its warnings to the pointer."""
    if not warnings:
        return escape(text)
    said = "; ".join(warnings)
    mark = tag("sup", "†", title=said, aria_label=f"note: {said}", role="note")
    return join([text, mark])


def short_hash(digest: str) -> Markup | None:
    """Return the start of a hash; the whole is in its title."""
    return tag("code", digest[:12], title=digest) if digest else None


def _menu(title: str, root: str) -> Iterable[Markup]:
    for target, words in PAGES:
        current = "page" if words == title else None
        yield link(words, f"{root}{target}", aria_current=current)
