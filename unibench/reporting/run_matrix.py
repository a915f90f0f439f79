"""`unibench report table`: runs one below the other, or models against subsets."""

from __future__ import annotations

from collections.abc import Sequence

from unibench.reporting.averages import Mean, best, board_ranks, mean_over
from unibench.reporting.catalogue import Catalogue
from unibench.reporting.choose import Choice, chosen_rows, chosen_subsets, rate
from unibench.reporting.published import figure_for
from unibench.reporting.results import (
    GROUPS,
    PROFILES,
    Cell,
    Results,
    Row,
    model_cards,
)
from unibench.reporting.tables import Column, Kind, Table, TableCell, label, number
from unibench.schema.model_card import ModelCard
from unibench.schema.record import RunRecord
from unibench.schema.score import Counts, Score

_BEST = (
    "Marked: the best of its column, and what its 95 % interval cannot tell from it."
)
_PRINTED = "Printed figures are others', under the same rule; not measured here."


def runs_table(records: Sequence[RunRecord], choice: Choice) -> Table:
    """Return one row a run: F1 of each profile, P, R, unparsed, speed and cost.

    Bold is given among the runs of one subset under equal settings.
    """
    profiles = choice.profiles
    bold = {profile: _best_of_subset(records, profile) for profile in profiles}
    cards = model_cards(record.model.name for record in records)
    rows = []
    for at, record in enumerate(records):
        cells = [label(record.model.name), label(_subset(record))]
        for profile in profiles:
            cells += _f1(record.scores.get(profile), bold=at in bold[profile])
        cells += _rest(record, profiles[0], cards.get(record.model.name))
        rows.append(tuple(cells))
    columns = [Column("model", "model", numeric=False)]
    columns.append(Column("subset", "subset", numeric=False))
    for profile in profiles:
        columns.append(Column(f"{profile} F1", f"{profile}_f1"))
        columns.append(Column("95% interval", f"{profile}_interval"))
    columns += [
        Column("P", "precision"), Column("R", "recall"),
        Column("unparsed", "unparsed"), Column("queries/s", "queries_per_second"),
        Column("cost $", "cost_usd"), Column("reported", "reported"),
    ]  # fmt: skip
    notes = [_BEST, f"P and R, and the reported figure, are those of {profiles[0]}."]
    return Table(
        name="runs",
        title="Runs, in percent",
        columns=tuple(columns),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def types_table(records: Sequence[RunRecord], choice: Choice) -> Table:
    """Return one row for each run and entity type, under the first profile."""
    profile = choice.profiles[0]
    rows = []
    for record in records:
        score = record.scores.get(profile)
        for name, counts in score.by_type.items() if score else ():
            if not choice.types or name in choice.types:
                own = score.type_intervals.get(name) if score else None
                span = "" if own is None else _span(own.f1.low, own.f1.high)
                cells = [label(record.model.name), label(_subset(record)), label(name)]
                cells += [number(100 * counts.f1), label(span), *_counts(counts)]
                rows.append(tuple(cells))
    names = (
        ("model", False), ("subset", False), ("type", False), (f"{profile} F1", True),
        ("95% interval", True), ("P", True), ("R", True), ("predicted", True),
        ("gold", True),
    )  # fmt: skip
    return Table(
        name="types",
        title=f"Entity types under {profile}, in percent",
        columns=tuple(Column(n, n, numeric=numeric) for n, numeric in names),
        rows=tuple(rows),
    )


def models_table(results: Results, choice: Choice, catalogue: Catalogue) -> Table:
    """Return models against subsets, one section for each profile and group.

    Only complete averages are ranked, and only within a section.
    """
    rows = chosen_rows(results.rows, choice)
    present = {subset for row in rows for subset in row.cells}
    subsets = chosen_subsets(choice, catalogue, present)
    rows = [row for row in rows if any(subset in row.cells for subset in subsets)]
    body: list[tuple[TableCell, ...]] = []
    sections = {}
    for profile in choice.profiles:
        for group, words in GROUPS.items():
            members = [r for r in rows if (r.profile, r.group) == (profile, group)]
            if members:
                sections[len(body)] = f"{PROFILES.get(profile, profile)}: {words}"
                body += _section(members, subsets)
    columns = [
        Column("rank", "rank"), Column("model", "model", numeric=False),
        Column("figures", "figures", numeric=False), Column("mean", "mean"),
        Column("covers", "covers"), *(Column(s, s) for s in subsets),
    ]  # fmt: skip
    return Table(
        name="models",
        title=f"F1 in percent over {len(subsets)} subsets",
        columns=tuple(columns),
        rows=tuple(body),
        sections=sections,
        notes=(_BEST, _PRINTED, "Means over part of the subsets have no rank."),
    )


def _section(
    rows: Sequence[Row], subsets: Sequence[str]
) -> list[tuple[TableCell, ...]]:
    ranks = board_ranks(rows, subsets)
    means = [mean_over(row.cells, subsets) for row in rows]
    whole = [mean if i in ranks else None for i, mean in enumerate(means)]
    top_mean = best(whole)
    top = {
        s: best([None if r.unranked else r.cells.get(s) for r in rows]) for s in subsets
    }
    order = sorted(range(len(rows)), key=lambda i: _order(ranks.get(i), means[i]))
    lines = []
    for i in order:
        row, mean = rows[i], means[i]
        kind = "measured" if row.measured else "printed"
        cells = [
            label(str(ranks.get(i, ""))),
            label(row.model + (f" ({row.variant})" if row.variant else "")),
            label(kind),
            number(mean.value if mean else None, bold=i in top_mean),
            label(f"{mean.covered}/{mean.total}" if mean else ""),
        ]
        cells += [_cell(row.cells.get(s), bold=i in top[s]) for s in subsets]
        lines.append(tuple(cells))
    return lines


def _order(rank: int | None, mean: Mean | None) -> tuple[bool, float, float]:
    covered = mean.covered if mean else 0
    return rank is None, -covered if rank is None else 0, -(mean.value if mean else 0)


def _cell(cell: Cell | None, *, bold: bool) -> TableCell:
    if cell is None:
        return number(None)
    kind: Kind = "printed" if cell.printed else "measured"
    return TableCell(cell.text, cell.value, kind, bold, cell.low, cell.high)


def _best_of_subset(records: Sequence[RunRecord], profile: str) -> set[int]:
    groups: dict[tuple[object, ...], list[int]] = {}
    for at, record in enumerate(records):
        if profile in record.scores:
            data = record.data
            key = (data.subset, data.split, data.fingerprint, record.limit)
            groups.setdefault(key, []).append(at)
    bold = set()
    for places in groups.values():
        if len(places) > 1:
            top = best([_entry(records[at].scores[profile]) for at in places])
            bold |= {places[i] for i in top}
    return bold


def _entry(score: Score) -> Cell:
    low, high = (
        (score.interval.low, score.interval.high) if score.interval else (None,) * 2
    )
    return Cell(value=score.f1, text="", low=low, high=high)


def _f1(score: Score | None, *, bold: bool) -> list[TableCell]:
    if score is None:
        return [number(None), label("")]
    interval = score.interval
    span = _span(interval.low, interval.high) if interval else ""
    return [number(100 * score.f1, bold=bold), label(span)]


def _rest(record: RunRecord, profile: str, card: ModelCard | None) -> list[TableCell]:
    score = record.scores.get(profile)
    figure = figure_for(card.published, record.subset, profile) if card else None
    return [
        number(100 * score.precision if score else None),
        number(100 * score.recall if score else None),
        TableCell(str(record.tally.unparsed), record.tally.unparsed, "measured"),
        number(rate(record)),
        number(record.usage.cost_usd, digits=2),
        TableCell(figure.value, float(figure.value), "printed")
        if figure
        else number(None),
    ]


def _counts(counts: Counts) -> list[TableCell]:
    return [
        number(100 * counts.precision),
        number(100 * counts.recall),
        TableCell(str(counts.predicted), counts.predicted, "measured"),
        TableCell(str(counts.gold), counts.gold, "measured"),
    ]


def _span(low: float, high: float) -> str:
    return f"{100 * low:.1f}-{100 * high:.1f}"


def _subset(record: RunRecord) -> str:
    marks = [] if record.data.split == "test" else [record.data.split]
    if record.data.protocol != "corrected":
        marks.append(record.data.protocol)
    if record.labels != "natural":
        marks.append(record.labels)
    if record.limit is not None:
        marks.append(f"first {record.limit}")
    return record.subset + (f" ({', '.join(marks)})" if marks else "")
