"""Runs and printed figures as pandas frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unibench.reporting.averages import Mean, mean_of_groups, mean_over
from unibench.reporting.catalogue import Catalogue, read_catalogue
from unibench.reporting.choose import result_rows
from unibench.reporting.published import published_results
from unibench.reporting.results import Row, collect
from unibench.schema.record import RunRecord

if TYPE_CHECKING:
    import pandas as pd


def results_frame(
    records: Sequence[RunRecord], profiles: Sequence[str] = ()
) -> pd.DataFrame:
    """Return one row for each run and profile, with counts, costs and identities."""
    return _frame(result_rows(records, profiles))


def types_frame(
    records: Sequence[RunRecord], profiles: Sequence[str] = ("uniner",)
) -> pd.DataFrame:
    """Return one row for each run, profile and entity type."""
    return _frame(result_rows(records, profiles, types=()))


def published_frame() -> pd.DataFrame:
    """Return every printed figure; `value` is the printed text, `percent` a number."""
    import msgspec

    return _frame(
        [
            msgspec.to_builtins(row) | {"percent": float(row.value)}
            for row in published_results()
        ]
    )


def cells_frame(
    records: Sequence[RunRecord] = (), *, printed: bool = True
) -> pd.DataFrame:
    """Return measured and printed cells in one frame, F1 in percent.

    Compare only rows of equal `profile` and `group`.
    """
    rows = [
        _head(row)
        | {
            "subset": subset,
            "f1": cell.value,
            "low": cell.low,
            "high": cell.high,
            "zero_shot": cell.zero_shot,
        }
        for row in collect(records, printed=printed).rows
        for subset, cell in row.cells.items()
    ]
    return _frame(rows)


def averages_frame(
    records: Sequence[RunRecord] = (),
    *,
    printed: bool = True,
    catalogue: Catalogue | None = None,
) -> pd.DataFrame:
    """Return the mean of each row over each suite, and the means over 43 and 9.

    `covered` and `total` tell the coverage: rows of different coverage must not be
    ranked together.
    """
    known = catalogue or read_catalogue()
    rows = [
        _head(row) | {"over": name} | _mean(mean)
        for row in collect(records, printed=printed).rows
        for name, mean in _means(row, known)
        if mean is not None
    ]
    return _frame(rows)


def _means(row: Row, catalogue: Catalogue) -> list[tuple[str, Mean | None]]:
    by_dataset: dict[str, list[str]] = {}
    for subset in catalogue.benchmark:
        by_dataset.setdefault(catalogue.info(subset).dataset, []).append(subset)
    domains = catalogue.by_domain(catalogue.benchmark)
    suites = [(name, mean_over(row.cells, s)) for name, s in catalogue.suites.items()]
    return [
        *suites,
        (
            f"mean of {len(by_dataset)} datasets",
            mean_of_groups(row.cells, by_dataset.values()),
        ),
        (
            f"mean of {len(domains)} domains",
            mean_of_groups(row.cells, domains.values()),
        ),
    ]


def _mean(mean: Mean | None) -> dict[str, Any]:
    if mean is None:
        return {}
    return {
        "f1": mean.value,
        "low": mean.low,
        "high": mean.high,
        "covered": mean.covered,
        "total": mean.total,
    }


def _head(row: Row) -> dict[str, Any]:
    return {
        "model": row.model,
        "measured": row.measured,
        "profile": row.profile,
        "group": row.group,
        "variant": row.variant,
        "unranked": row.unranked,
    }


def _frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows))
