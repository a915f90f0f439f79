"""Say what a run would ask, without asking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unibench.backends.store import ResponseStore
from unibench.data.api import prepared_here
from unibench.data.catalogue import resolve
from unibench.data.plan import plan_of as subset_plan
from unibench.runner.evaluate import Settings, named_model, plan_of


def dry_run(
    model: str, names: Sequence[str], settings: Settings
) -> list[dict[str, Any]]:
    """Return one row a subset: passages, types, pairs, requests, of these stored.

    A subset that is not on this machine is a row whose `state` says how to get it;
    nothing is fetched.
    """
    _, adapter = named_model(model, settings)
    rows: list[dict[str, Any]] = []
    with ResponseStore() as store:
        for subset in resolve(names):
            row: dict[str, Any] = {"subset": subset}
            if prepared_here(subset_plan(subset), settings.protocol) is None:
                advice = f"run 'unibench data fetch {subset}' or 'data prepare'"
                rows.append(row | {"state": f"not here: {advice}"})
                continue
            plan = plan_of(subset, adapter, settings)
            keys = {adapter.request_key(query) for query in plan.queries}
            rows.append(
                row
                | {
                    "state": "ready",
                    "passages": len(plan.passages),
                    "types": len(plan.prepared.entity_types),
                    "pairs": plan.pairs,
                    "requests": len(keys),
                    "stored": len(store.get(sorted(keys))),
                }
            )
    return rows
