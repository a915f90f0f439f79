"""What a run may spend, and what it may not ask because a batch asks it already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from unibench.adapters.base import GenerativeAdapter, ModelAdapter
from unibench.backends.batch.run import refuse_under_way, unpriced
from unibench.backends.budget import Budget, Spent
from unibench.errors import RunError
from unibench.runner.engine import Engine
from unibench.runner.price import price_of_model, worst_case
from unibench.schema.query import Query, Response
from unibench.schema.record import EngineUse


class Purse:
    """An engine that asks nothing twice and spends no more than it may."""

    def __init__(
        self, engine: Engine, adapter: ModelAdapter, budget_usd: float | None
    ) -> None:
        """Take the engine that asks, and the limit if there is one.

        Raises:
            RunError: there is a limit, but no price is known.
        """
        self.engine, self.adapter = engine, adapter
        self.budget = None if budget_usd is None else open_budget(adapter, budget_usd)

    def respond(self, queries: Sequence[Query]) -> Iterator[tuple[int, Response]]:
        """Ask, within the budget.

        Raises:
            RunError: requests lie in a batch already, or the budget is used up.
        """
        refuse_under_way([self.adapter.request_key(query) for query in queries])
        adapter = self.adapter
        if self.budget is None or not isinstance(adapter, GenerativeAdapter):
            return self.engine.respond(queries)
        return self.budget.respond(queries, self.engine.respond, _bound(adapter))

    def use(self) -> EngineUse:
        """Return what has answered since the last call."""
        return self.engine.use()

    def close(self) -> None:
        """Stop what was started."""
        self.engine.close()


def open_budget(adapter: ModelAdapter, limit_usd: float) -> Budget:
    """Return a budget for one model.

    Raises:
        RunError: no price is known for the model, or it counts no tokens.
    """
    price = price_of_model(adapter)
    if price is None or not isinstance(adapter, GenerativeAdapter):
        raise RunError(unpriced(adapter.card.checkpoint.id))
    return Budget(price, limit_usd)


def _bound(adapter: GenerativeAdapter) -> Callable[[Query], Spent]:
    def bound(query: Query) -> Spent:
        worst = worst_case(adapter, query)
        return Spent(worst.prompt, worst.completion)

    return bound
