"""Reported against re-run: the difference of each cell, and what may explain it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from unibench.reporting.published import (
    METRIC_OF_PROFILE,
    PublishedResult,
    distrust,
    published_results,
)
from unibench.reporting.results import Cell, Row
from unibench.reporting.site.board import anchor_of
from unibench.reporting.site.html import Markup, join, link, tag
from unibench.reporting.site.parts import Site, interval, page, table
from unibench.schema.record import RunRecord


class Rerun(msgspec.Struct, frozen=True, kw_only=True):
    """A measured cell beside the printed figure of the same model, in percent."""

    row: Row
    subset: str
    cell: Cell
    reported: PublishedResult
    reasons: tuple[str, ...]

    @property
    def difference(self) -> float:
        """Measured less printed."""
        return self.cell.value - float(self.reported.value)

    @property
    def agrees(self) -> bool | None:
        """Whether the printed figure lies in the interval; None without one."""
        if self.cell.low is None or self.cell.high is None:
            return None
        return self.cell.low <= float(self.reported.value) <= self.cell.high


def reruns(rows: Iterable[Row]) -> Iterator[Rerun]:
    """Yield each measured cell whose model declares printed figures, same rule first.

    A figure under another rule is shown too, with that rule as the first reason.
    """
    for row in rows:
        card = row.card
        if card is None or row.profile not in {"uniner", "partial", "strict_span"}:
            continue
        for subset, cell in row.cells.items():
            figure = _reported(card.published, subset, row.profile)
            if figure is not None and cell.record is not None:
                yield Rerun(
                    row=row,
                    subset=subset,
                    cell=cell,
                    reported=figure,
                    reasons=tuple(_reasons(cell.record, figure, row.profile)),
                )


def reruns_page(site: Site) -> str:
    """Return the page that sets re-runs beside what was reported."""
    found = sorted(reruns(site.results.rows), key=_order)
    lead = tag(
        "p",
        "Each line is a run made here of a model whose makers, or others, printed a"
        " figure for the same subset. Reasons are fields of the two that differ; they"
        " may explain a difference, they do not prove it.",
        class_="lead",
    )
    if not found:
        none = "No run here is of a model with printed figures yet."
        return page("Reported and re-run", [lead, tag("p", none)], root="", site=site)
    lines = [_line(site, one) for one in found]
    heads = (
        "model", "subset", "rule", "reported", "re-run", "difference", "95 % interval",
        "reported is inside", "what differs",
    )  # fmt: skip
    shown = tag("div", table(heads, lines, kind="sortable"), class_="reruns")
    return page("Reported and re-run", [lead, shown], root="", site=site)


def _order(one: Rerun) -> tuple[bool, float]:
    return bool(one.row.variant), -abs(one.difference)


def _line(site: Site, one: Rerun) -> tuple[Markup | str, ...]:
    anchor = f"#{anchor_of(one.row, one.subset)}"
    variant = tag("small", one.row.variant) if one.row.variant else None
    agrees = {True: "yes", False: "no", None: "no interval"}[one.agrees]
    target = f"models/{site.model_pages[one.row.model]}.html{anchor}"
    return (
        join([site.model_link(one.row, ""), variant]),
        site.subset_link(one.subset, ""),
        one.row.profile,
        join([one.reported.value, tag("small", one.reported.source)]),
        link(one.cell.text, target),
        f"{one.difference:+.1f}",
        interval(one.cell),
        agrees,
        tag("ul", *(tag("li", reason) for reason in one.reasons), class_="reasons"),
    )


def _reported(
    names: Iterable[str], subset: str, profile: str
) -> PublishedResult | None:
    metric = METRIC_OF_PROFILE[profile]
    wanted = set(names)
    able = [
        row
        for row in published_results()
        if row.subset == subset
        and row.model in wanted
        and row.metric.startswith("f1_")
        and not (row.ablation or row.faulty or row.untrusted)
        and (row.metric == metric or profile == "uniner")
    ]
    return min(able, key=lambda r: (r.metric != metric, distrust(r)), default=None)


def _reasons(record: RunRecord, figure: PublishedResult, profile: str) -> Iterator[str]:
    """Yield the fields in which run and report differ, or may."""
    model, data, tally = record.model, record.data, record.tally
    remarks = ", ".join(part for part in figure.setting.split("; ")[1:] if part)
    checks = (
        (figure.metric != METRIC_OF_PROFILE[profile],
         f"scored by another rule: {figure.metric} against {profile}"),
        (model.prompt_origin not in {"", "published"},
         f"the prompt is not the published one ({model.prompt_origin})"),
        (not model.revision_pinned, "the model's revision is not pinned"),
        (data.protocol != "paper",
         f"data read with protocol {data.protocol}, not as the paper did"),
        (record.limit is not None, f"only the first {record.limit} passages"),
        (record.labels != "natural", f"types worded otherwise ({record.labels})"),
        (tally.unparsed > 0, f"{tally.unparsed} answers not readable"),
        (tally.truncated > 0, f"{tally.truncated} answers cut at the token limit"),
        (bool(remarks), f"reported with: {remarks}"),
    )  # fmt: skip
    for differs, words in checks:
        if differs:
            yield words
