"""What stands behind a figure: the run, or where it was printed."""

from __future__ import annotations

from collections.abc import Iterable

from unibench.reporting.published import PublishedResult
from unibench.reporting.results import Cell
from unibench.reporting.site.html import Markup, join, link, slug, tag
from unibench.reporting.site.parts import facts, interval, short_hash, table
from unibench.schema.record import RunRecord
from unibench.schema.score import Score


def evidence(cell: Cell, profile: str) -> Markup:
    """Return everything that is known of a cell."""
    parts: list[Markup | None] = []
    if cell.warnings:
        notes = (tag("li", warning) for warning in cell.warnings)
        parts.append(tag("ul", *notes, class_="warnings"))
    if cell.record is not None:
        parts += _of_run(cell, cell.record, profile)
    if cell.printed:
        parts += _of_print(cell.printed)
    return join(parts)


def _of_print(printed: tuple[PublishedResult, ...]) -> Iterable[Markup]:
    shown = printed[0]
    rule = tag("code", shown.metric)
    yield tag("p", f"Printed as {shown.value} in {shown.source}; rule ", rule,
              f"; setting: {shown.setting}.")  # fmt: skip
    if len(printed) > 1:
        rows = [(row.value, row.source, row.setting) for row in printed[1:]]
        yield table(
            ("F1", "source", "setting"), rows, caption="Also printed for this cell"
        )


def _of_run(cell: Cell, record: RunRecord, profile: str) -> Iterable[Markup]:
    score = record.scores[profile]
    counts = score.counts
    found = f"{counts.correct:g} correct of {counts.predicted} predicted"
    yield facts(
        [
            ("F1", f"{cell.value:.2f}"),
            ("95 % interval", interval(cell)),
            ("Precision", f"{100 * score.precision:.2f}"),
            ("Recall", f"{100 * score.recall:.2f}"),
            ("Counts", f"{found}, {counts.gold} gold"),
            ("Rule", f"{score.profile}, version {score.profile_version}"),
        ]
    )
    anchor = f"#{anchor_of_run(record)}"
    yield tag("p", link("The run: command, prompt, hashes, versions", anchor))
    if score.by_type:
        yield _types(score)


def anchor_of_run(record: RunRecord) -> str:
    """Return the anchor of a run on the page of its model."""
    data = record.data
    revision = record.model.revision[:12]
    limit = "" if record.limit is None else f"first{record.limit}"
    parts = ("run", revision, record.labels, data.split, data.protocol, limit)
    return slug(".".join(part for part in (*parts, data.subset) if part))


def run_facts(record: RunRecord) -> Markup:
    """Return every identity behind a run."""
    tally, usage, model, data = (
        record.tally, record.usage, record.model, record.data,
    )  # fmt: skip
    cost = "" if usage.cost_usd is None else f"{usage.cost_usd:.2f} $"
    tokens = f"{usage.prompt_tokens} tokens in, {usage.completion_tokens} out"
    return facts(
        [
            ("Command", tag("code", record.environment.command)),
            ("Checkpoint", f"{model.checkpoint} @ {model.revision or 'not pinned'}"),
            ("Prompt", short_hash(model.prompt_sha256)),
            ("Prompt's origin", model.prompt_origin),
            ("Model card", short_hash(model.card_sha256)),
            ("Decoding", f"temperature {model.decoding.temperature:g},"
                         f" {model.decoding.max_tokens} new tokens"),
            ("Data", f"{data.split} split, protocol {data.protocol}"),
            ("Types worded as", record.labels),
            ("Fingerprint", short_hash(data.fingerprint)),
            ("Dataset card", short_hash(data.card_sha256)),
            ("Label map", short_hash(data.label_map_sha256)),
            ("Predictions", short_hash(record.predictions_sha256)),
            ("Queries", f"{tally.queries} over {tally.passages} passages,"
                        f" {tally.unparsed} not readable"),
            ("Invented mentions", str(tally.invented)),
            ("Versions", _versions(record)),
            ("Hardware", record.environment.hardware),
            ("Time, tokens, cost", ", ".join(
                part for part in (f"{usage.seconds:.1f} s", tokens, cost) if part)),
            ("Made", record.created),
        ]
    )  # fmt: skip


def _types(score: Score) -> Markup:
    rows = []
    for name, counts in sorted(score.by_type.items(), key=lambda item: -item[1].gold):
        known = score.type_intervals.get(name)
        spread = (
            f"{100 * known.f1.low:.1f} to {100 * known.f1.high:.1f}" if known else ""
        )
        rows.append(
            (
                name, f"{100 * counts.f1:.1f}", spread, f"{100 * counts.precision:.1f}",
                f"{100 * counts.recall:.1f}", f"{counts.predicted}", f"{counts.gold}",
            )
        )  # fmt: skip
    heads = ("type", "F1", "95 % interval", "P", "R", "predicted", "gold")
    return table(heads, rows, caption="By entity type")


def _versions(record: RunRecord) -> str:
    own = f"unibench {record.unibench_version}, scoring {record.scoring_version}"
    packages = (
        f"{name} {version}" for name, version in record.environment.packages.items()
    )
    return ", ".join([own, f"Python {record.environment.python}", *packages])
