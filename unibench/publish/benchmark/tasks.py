"""The tasks of the benchmark: its suites' averages and its subsets."""

from __future__ import annotations

from unibench.publish.model.eval_results import Suite
from unibench.reporting.catalogue import read_catalogue


def suites() -> tuple[Suite, ...]:
    """Return the suites that have an average: those of several subsets of the 49."""
    catalogue = read_catalogue()
    benchmark = set(catalogue.benchmark)
    return tuple(
        Suite(name, members)
        for name, members in catalogue.suites.items()
        if len(members) > 1 and benchmark.issuperset(members)
    )


def benchmark_subsets() -> tuple[str, ...]:
    """Return the 49 subsets in the order of the paper's Table 6."""
    return read_catalogue().benchmark
