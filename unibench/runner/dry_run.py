"""Say what a run would ask, cost and take, without asking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from unibench.adapters.base import GenerativeAdapter, ModelAdapter
from unibench.backends.batch.ledger import BatchLedger
from unibench.backends.prices import Price
from unibench.backends.store import ResponseStore
from unibench.data.api import prepared_here
from unibench.data.catalogue import resolve
from unibench.data.plan import plan_of as subset_plan
from unibench.runner.evaluate import Settings, named_model, plan_of
from unibench.runner.plan import Plan
from unibench.runner.price import Estimator, price_of_model
from unibench.runner.rate import Rate, measured_rate

READY = "ready"
_SUMS = (
    "passages", "pairs", "requests", "stored", "under_way", "to_ask", "prompt_tokens",
    "completion_tokens", "usd", "batch_usd", "minutes",
)  # fmt: skip


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would ask: a row a subset, their sum, and where the figures are from.

    Rows have `state`, and where that is `ready`: passages, types, pairs, requests,
    `stored` and `under_way` ones, `to_ask`, tokens, `usd`, `batch_usd`, minutes. What
    is not known is None, never 0.
    """

    model: str
    subsets: tuple[Mapping[str, Any], ...]
    total: Mapping[str, Any]
    price: Price | None
    rate: Rate | None
    notes: tuple[str, ...]


def dry_run(
    model: str,
    names: Sequence[str],
    settings: Settings,
    *,
    output: Path = Path("runs"),
    rate: float | None = None,
) -> DryRun:
    """Return what a run would ask, with its price and time.

    `rate` declares requests a second; without it the runs below `output` tell. A
    subset that is not on this machine is a row whose `state` says how to get it;
    nothing is fetched.
    """
    name, adapter = named_model(model, settings)
    price = price_of_model(adapter)
    known = (
        measured_rate(output, adapter.card) if rate is None else Rate(per_second=rate)
    )
    made = _Rows(adapter, settings, price, known)
    rows = list(made.rows(resolve(names)))
    ready = [row for row in rows if row["state"] == READY]
    total = {key: _sum([row[key] for row in ready]) for key in _SUMS}
    return DryRun(
        model=name,
        subsets=tuple(rows),
        total={"subset": "all", "state": f"{len(ready)} of {len(rows)}"} | total,
        price=price,
        rate=known,
        notes=tuple(made.notes(rate)),
    )


class _Rows:
    """Makes the row of each subset."""

    def __init__(
        self,
        adapter: ModelAdapter,
        settings: Settings,
        price: Price | None,
        rate: Rate | None,
    ) -> None:
        self.adapter, self.settings = adapter, settings
        self.price, self.rate = price, rate
        self.estimator = (
            Estimator(adapter) if isinstance(adapter, GenerativeAdapter) else None
        )
        self.sampled = self.calibrated = False

    def rows(self, subsets: Sequence[str]) -> Iterator[dict[str, Any]]:
        with ResponseStore() as store, BatchLedger() as ledger:
            for subset in subsets:
                if prepared_here(subset_plan(subset), self.settings.protocol) is None:
                    advice = f"run 'unibench data fetch {subset}' or 'data prepare'"
                    yield {"subset": subset, "state": f"not here: {advice}"}
                    continue
                plan = plan_of(subset, self.adapter, self.settings)
                yield {"subset": subset} | self._row(plan, store, ledger)

    def _row(
        self, plan: Plan, store: ResponseStore, ledger: BatchLedger
    ) -> dict[str, Any]:
        keys = [self.adapter.request_key(query) for query in plan.queries]
        stored = store.get(keys)
        missing = list(dict.fromkeys(key for key in keys if key not in stored))
        under_way = len(ledger.under_way(missing))
        to_ask = len(missing) - under_way
        row: dict[str, Any] = {
            "state": READY,
            "passages": len(plan.passages),
            "types": len(plan.prepared.entity_types),
            "pairs": plan.pairs,
            "requests": len(set(keys)),
            "stored": len(stored),
            "under_way": under_way,
            "to_ask": to_ask,
            "prompt_tokens": None,
            "completion_tokens": None,
            "usd": None,
            "batch_usd": None,
            "minutes": self.rate.minutes(to_ask) if self.rate else None,
        }
        if self.estimator is None:
            return row
        answers = {i: stored[key] for i, key in enumerate(keys) if key in stored}
        expected = self.estimator.expect(plan.queries, answers, to_ask)
        self.sampled |= 0 < expected.sampled < to_ask
        self.calibrated |= bool(expected.calibrated)
        tokens = expected.tokens
        row |= {"prompt_tokens": tokens.prompt, "completion_tokens": tokens.completion}
        return row | self._money(tokens.prompt, tokens.completion)

    def _money(self, prompt: int, completion: int) -> dict[str, float]:
        if self.price is None:
            return {}
        found = {"usd": self.price.cost(prompt, completion)}
        if self.price.batch_factor is not None:
            found["batch_usd"] = self.price.batched().cost(prompt, completion)
        return found

    def notes(self, declared: float | None) -> Iterator[str]:
        """Say which figures are counted, which estimated, and what is not known."""
        yield "queries, requests: counted"
        if self.estimator is None:
            yield "tokens: none, the adapter runs its model itself"
        else:
            yield from self.estimator.basis()
        if self.calibrated:
            yield "tokens: scaled by what was counted for stored answers of the subset"
        if self.sampled:
            yield "tokens: of large subsets a sample of requests was counted"
        yield self._about_price()
        yield self._about_rate(declared)

    def _about_price(self) -> str:
        name = self.adapter.card.checkpoint.id
        if self.price is None:
            return f"dollars: no price is listed for {name!r} (models/prices.csv)"
        batch = (
            "no price of the Batch API is listed"
            if self.price.batch_factor is None
            else f"in batches {self.price.batch_factor:g} of it"
        )
        return (
            f"dollars: {self.price.input_usd:g} a million prompt and"
            f" {self.price.output_usd:g} a million completion tokens on"
            f" {self.price.as_of} ({self.price.source}); {batch}"
        )

    def _about_rate(self, declared: float | None) -> str:
        if declared is not None:
            return f"minutes: at the declared {declared:g} requests a second"
        if self.rate is None:
            return (
                "minutes: not known, no earlier run of this model is there; declare"
                " --rate"
            )
        unread = f"; {self.rate.unread} records not read" if self.rate.unread else ""
        return (
            f"minutes: at {self.rate.per_second:.3g} requests a second, measured over"
            f" {self.rate.requests:,} requests of earlier runs{unread}"
        )


def _sum(values: Sequence[float | None]) -> float | None:
    """The sum of what is known, None where a part is not."""
    known = [value for value in values if value is not None]
    return sum(known) if values and len(known) == len(values) else None
