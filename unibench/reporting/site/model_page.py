"""The page of a model: means, domains, every figure with its evidence, what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from unibench.reporting.averages import mean_over
from unibench.reporting.results import GROUPS, PROFILES, Row
from unibench.reporting.site.board import anchor_of
from unibench.reporting.site.evidence import anchor_of_run, evidence, run_facts
from unibench.reporting.site.html import Markup, join, link, named, tag
from unibench.reporting.site.parts import (
    ACCESS,
    Site,
    bar,
    facts,
    half_width,
    origin_badge,
    page,
    table,
    track,
    warned,
)
from unibench.schema.model_card import ModelCard
from unibench.schema.record import RunRecord


def model_page(site: Site, model: str) -> str:
    """Return the page of one model; runs come before printed figures."""
    rows = [row for row in site.results.rows if row.model == model]
    card = next((row.card for row in rows if row.card is not None), None)
    own = set(card.published) if card else set()
    related = [
        row
        for row in site.results.rows
        if row.model != model
        and (row.model in own or (row.card and model in row.card.published))
    ]
    ordered = sorted(rows, key=lambda row: (not row.measured, bool(row.variant)))
    body = [
        _about(ordered, card),
        _related(site, related),
        tag("h2", "Means"),
        _means(site, ordered),
        *(part for row in ordered for part in _row(site, row)),
        *_runs(ordered),
    ]
    return page(model, body, root="../", site=site)


def models_page(site: Site) -> str:
    """Return the list of all models."""
    lines = []
    for model in sorted(site.model_pages, key=str.lower):
        rows = [row for row in site.results.rows if row.model == model]
        if not rows:
            continue
        origins = sorted({row.measured for row in rows}, reverse=True)
        subsets = {subset for row in rows for subset in row.cells}
        lines.append(
            (
                site.model_link(rows[0], ""),
                join([origin_badge(measured=m) for m in origins], " "),
                rows[0].parameters or "-",
                ACCESS.get(rows[0].access, "-"),
                ", ".join(dict.fromkeys(GROUPS[row.group] for row in rows)),
                ", ".join(dict.fromkeys(row.profile for row in rows)),
                str(len(subsets)),
            )
        )
    heads = ("model", "figures", "size", "access", "trained on", "rules", "subsets")
    shown = table(heads, lines, kind="sortable")
    lead = tag(
        "p", f"{len(lines)} models with figures on the 49 subsets.", class_="lead"
    )
    return page("Models", [lead, shown], root="", site=site)


def _about(rows: Sequence[Row], card: ModelCard | None) -> Markup:
    first = rows[0]
    training = card.training_data if card else None
    named_sets = (*training.subsets, *training.others) if training else ()
    return facts(
        [
            ("Title", first.title if first.title != first.model else None),
            ("Parameters", first.parameters),
            ("Access", ACCESS.get(first.access)),
            ("Checkpoint", card.checkpoint.id if card else None),
            ("Revision", card.checkpoint.revision if card else None),
            ("Adapter", card.adapter if card else None),
            ("Licence", card.license if card else None),
            ("Home", link(card.homepage, card.homepage) if card else None),
            ("Training data", training.kind.replace("_", " ") if training else None),
            ("Trained on", ", ".join(named_sets)),
            ("Notes", " ".join(card.notes) if card else None),
            ("About its training", training.notes if training else None),
        ]
    )


def _related(site: Site, rows: Sequence[Row]) -> Markup | None:
    if not rows:
        return None
    links = {row.model: site.model_link(row, "../") for row in rows}
    compared = link("Reported and re-run", "../reruns.html")
    return tag(
        "p", "The same model, as printed or as run here: ", join(links.values(), ", "),
        ". See ", compared, ".",
    )  # fmt: skip


def _means(site: Site, rows: Iterable[Row]) -> Markup:
    lines = []
    for row in rows:
        for suite, subsets in site.catalogue.suites.items():
            if len(site.catalogue.by_domain(subsets)) < 2:
                continue  # the domains have a table of their own
            mean = mean_over(row.cells, subsets)
            if mean is not None:
                covers = f"{mean.covered}/{mean.total}"
                note = "" if mean.complete else "not comparable"
                lines.append(
                    (suite, *_headed(row), bar(mean), covers, note or row.unranked)
                )
    heads = ("suite", "rule", "trained on", "figures", "mean", "covers", "note")
    return table(heads, lines)


def _headed(row: Row) -> tuple[str, str, str]:
    badge = origin_badge(measured=row.measured)
    variant = tag("small", row.variant) if row.variant else None
    rule = PROFILES.get(row.profile, row.profile)
    return rule, GROUPS[row.group], join([badge, variant])


def _row(site: Site, row: Row) -> Iterable[Markup | None]:
    badge = origin_badge(measured=row.measured)
    words = f"{PROFILES.get(row.profile, row.profile)}: {GROUPS[row.group]}"
    if row.variant:
        words += f" ({row.variant})"
    yield tag("h2", words, " ", badge)
    yield tag("p", f"Not ranked: {row.unranked}.") if row.unranked else None
    domains = site.catalogue.by_domain(row.cells)
    if len(domains) > 2 and set(row.cells) & set(site.catalogue.benchmark):
        yield _domains(site, row)
    for domain, subsets in domains.items():
        yield tag("h3", domain)
        for subset in subsets:
            cell = row.cells[subset]
            text = warned(cell.text, cell.warnings)
            figure = tag("span", text, half_width(cell), class_="num")
            head = tag(
                "summary", named(subset), figure, track(cell),
                tag("span", _tag(cell.zero_shot), class_="last"),
            )  # fmt: skip
            about = tag("p", "Dataset: ", site.subset_link(subset, "../"))
            inside = tag("div", evidence(cell, row.profile), about)
            yield tag("details", head, inside, class_="cell", id=anchor_of(row, subset))


def _tag(zero_shot: bool | None) -> str:  # noqa: FBT001
    words = {True: "zero-shot", False: "in training", None: "not stated"}
    return words[zero_shot]


def _domains(site: Site, row: Row) -> Markup:
    lines = []
    for domain, subsets in site.catalogue.by_domain(site.catalogue.benchmark).items():
        mean = mean_over(row.cells, subsets)
        covers = f"{mean.covered}/{mean.total}" if mean else f"0/{len(subsets)}"
        lines.append((domain, bar(mean), covers))
    return table(("domain", "mean F1", "covers"), lines, caption="By domain")


def _runs(rows: Iterable[Row]) -> Iterable[Markup]:
    """Yield what went wrong in the runs, and every identity of each; each run once."""
    records = {
        id(cell.record): cell.record
        for row in rows
        for cell in row.cells.values()
        if cell.record is not None
    }
    if not records:
        return
    lines = [(name, str(count)) for name, count in _tallies(records.values())]
    yield tag("h2", "What went wrong, over all runs")
    yield table(("what", "count"), lines)
    yield tag("h2", "Runs")
    for record in records.values():
        head = tag("summary", named(record.subset), tag("span", class_="num"))
        inside = tag("div", run_facts(record))
        anchor = anchor_of_run(record)
        yield tag("details", head, inside, class_="cell", id=anchor)


def _tallies(records: Iterable[RunRecord]) -> list[tuple[str, int]]:
    total: Counter[str] = Counter()
    for record in records:
        tally = record.tally
        total["queries asked"] += tally.queries
        total["answers not readable"] += tally.unparsed
        total["types that the model cannot express"] += tally.unknown_type
        total["mentions that do not occur in the passage"] += tally.invented
        total["answers cut at the token limit"] += tally.truncated
        for kind in ("parse_errors", "repairs", "dropped", "flags"):
            for name, count in getattr(tally, kind).items():
                total[f"{kind.replace('_', ' ')}: {name}"] += count
    return list(total.items())
