"""How to read the site: rules of ranking, marks, and known faults in print."""

from __future__ import annotations

from unibench.reporting.published import METRIC_OF_PROFILE
from unibench.reporting.results import GROUPS, PROFILES
from unibench.reporting.site.html import Markup, join, link, tag
from unibench.reporting.site.parts import Site, origin_badge, page, table

_RANKS = (
    "A section holds figures under one scoring rule, of models with one kind of"
    " training data. Nothing is ranked across sections.",
    "Only a mean over every subset of the chosen suite is ranked. A mean over a part"
    " is shown with its coverage, after the ranked rows, in grey.",
    "A rank is 1 plus the number of rows that are better beyond both 95 % intervals;"
    " rows that cannot be told apart share it (2=). Printed figures have no interval"
    " and count as points.",
    "Means are unweighted over subsets. The interval of a mean combines those of its"
    " cells, which are drawn independently.",
    "Runs on a part of the data, on other splits, protocols or wordings, are shown and"
    " not ranked.",
)
_TRAPS = (
    "The averages of Figure 5 of the UniversalNER paper are about 1.0 too high (its"
    " authors agreed in issue 11 of their repository). Here only the corrected Figure 9"
    " is used: the means over 49 subsets are 33.9 for ChatGPT and 40.7 for UniNER-7B.",
    "UniNER-7B with supervision has two versions, of the preprint and of the"
    " camera-ready paper; both stand here under their names.",
    "The partial-match figure of UniNER-7B on Music is a printing error (62.9, below"
    " the strict 65.0).",
    "InstructUIE's own scorer counts the placeholder None as an entity; its figures"
    " have a section of their own.",
    "Figures whose scorer is not stated are shown and never ranked. Figures cited by"
    " others are used where nothing closer to the source was printed.",
    "CoNLL03 and conllpp have different labels and are kept apart.",
)


def about_page(site: Site) -> str:
    """Return the page that explains the board."""
    body = [
        tag("h2", "Whose figures"),
        tag("p", origin_badge(measured=True), " figures were made with unibench; the"
            " run record, the command and all hashes stand behind each cell. ",
            origin_badge(measured=False), " figures (in italics) stand in papers, model"
            " cards and repositories; nobody has checked them here."),
        tag("h2", "Ranks"),
        _list(_RANKS),
        tag("h2", "Kinds of training data"),
        _list(_GROUPS),
        tag("h2", "Scoring rules"),
        _rules(),
        tag("h2", "Marks"),
        _list((
            "† there are notes on the figure: follow it to its evidence.",
            "A dotted line under a figure: the model was trained on that dataset.",
            "- no figure.",
        )),
        tag("h2", "Faults in print"),
        _list(_TRAPS),
        tag("h2", "Data"),
        tag("p", "All cells of this site as a table: ", link("cells.csv", "cells.csv"),
            "."),
    ]  # fmt: skip
    return page("How to read it", body, root="", site=site)


_GROUPS = (
    f"{GROUPS['no_human_labels']}: trained without human NER labels, or not for NER.",
    f"{GROUPS['other_human_labels']}: trained on human labels, not of this subset.",
    f"{GROUPS['target_text']}: saw the subset's text, without labels.",
    f"{GROUPS['in_domain']}: trained on the subset's own training split.",
    f"{GROUPS['undisclosed']}: its makers do not say, or nobody has looked.",
)


def _rules() -> Markup:
    rows = [
        (tag("code", name), words, tag("code", METRIC_OF_PROFILE.get(name, "-")))
        for name, words in PROFILES.items()
    ]
    return tag("div", table(("profile", "rule", "printed as"), rows), class_="left")


def _list(items: tuple[str, ...]) -> Markup:
    return join([tag("ul", *(tag("li", item) for item in items))])
