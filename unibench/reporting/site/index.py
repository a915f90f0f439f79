"""The first page: the board with its filters."""

from __future__ import annotations

from collections.abc import Iterable

from unibench.reporting.results import GROUPS, PROFILES
from unibench.reporting.site.board import (
    default_suite,
    payload,
    static_board,
)
from unibench.reporting.site.html import Markup, join, link, tag
from unibench.reporting.site.parts import ACCESS, Site, origin_badge, page

_SIZES = (
    ("1", "up to 1 billion"), ("10", "1 to 10 billion"),
    ("more", "more than 10 billion"), ("none", "not stated"),
)  # fmt: skip
_ZERO_SHOT = (("yes", "zero-shot"), ("no", "seen in training or not stated"))
_ORIGIN = (("1", "measured"), ("0", "printed"))


def index_page(site: Site) -> str:
    """Return the first page."""
    suite = default_suite(site)
    board = tag(
        "div",
        static_board(site, suite),
        class_="scroll board",
        tabindex="0",
        role="region",
        aria_label="Leaderboard",
    )
    data = Markup(payload(site))
    body = [
        _lead(site),
        _filters(site, suite),
        tag("p", id="status", role="status", aria_live="polite"),
        board,
        _left_out(site),
        tag("script", data, type="application/json", id="data"),
    ]
    return page("Leaderboard", body, root="", site=site)


def _lead(site: Site) -> Markup:
    measured = sum(row.measured for row in site.results.rows)
    printed = len(site.results.rows) - measured
    return tag(
        "p",
        join(
            [
                f"{len(site.results.rows)} rows: {measured} ",
                origin_badge(measured=True),
                f" here, {printed} ",
                origin_badge(measured=False),
                " in papers and cards. Each section is one scoring rule and one kind of"
                " training data; ranks are given within a section only, for means over"
                " all subsets. A figure links to its evidence. ",
                link("How to read it", "about.html"),
                ".",
            ]
        ),
        class_="lead",
    )


def _filters(site: Site, suite: str) -> Markup:
    suites = [(name, name) for name in site.catalogue.suites]
    domains = [
        (d, d)
        for d in site.catalogue.by_domain(site.catalogue.subsets)
        if d != "no card"
    ]
    present = {row.profile for row in site.results.rows}
    profiles = [(name, words) for name, words in PROFILES.items() if name in present]
    profiles += [(name, name) for name in sorted(present - set(PROFILES))]
    controls = [
        _select("suite", "Suite", suites, first="", chosen=suite),
        _select("domain", "Domain", domains, first="all domains"),
        _select("profile", "Scoring rule", profiles, first="all rules"),
        _select("group", "Trained on", GROUPS.items(), first="anything"),
        _select("zero", "Cells", _ZERO_SHOT, first="all cells"),
        _select("origin", "Figures", _ORIGIN, first="measured and printed"),
        _select("size", "Parameters", _SIZES, first="any size"),
        _select("access", "Access", [*ACCESS.items(), ("none", "not stated")],
                first="any"),
        _labelled("search", "Model name", tag(
            "input", type="search", id="search", autocomplete="off",
            placeholder="part of a name")),
        tag("button", "Reset", type="reset"),
    ]  # fmt: skip
    form = tag("form", *controls, id="filters")
    closed = tag(
        "details", tag("summary", "Filters"), form, open=True, class_="filters"
    )
    return tag("div", closed, id="controls", hidden=True)


def _select(
    name: str,
    words: str,
    options: Iterable[tuple[str, str]],
    *,
    first: str,
    chosen: str = "",
) -> Markup:
    items = [tag("option", first, value="")] if first else []
    items += [
        tag("option", shown, value=value, selected=value == chosen and bool(chosen))
        for value, shown in options
    ]
    return _labelled(name, words, tag("select", *items, id=name))


def _labelled(name: str, words: str, control: Markup) -> Markup:
    return tag("div", tag("label", words, for_=name), control, class_="control")


def _left_out(site: Site) -> Markup | None:
    if not site.results.left_out:
        return None
    items = [
        tag("li", f"{record.model.name}, {record.subset} ({record.created}): {reason}")
        for record, reason in site.results.left_out
    ]
    return join([tag("h2", "Runs left out"), tag("ul", *items)])
