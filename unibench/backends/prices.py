"""What paid models cost: the dated table `models/prices.csv`."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import msgspec

from unibench.errors import CardError
from unibench.resources import files
from unibench.schema.record import Usage

_MILLION = 1_000_000


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """US dollars for a million tokens; `batch_factor` is the Batch API's share of it.

    `as_of` is the date on which the price was read, `source` where.
    """

    input_usd: float
    output_usd: float
    batch_factor: float | None = None
    as_of: str = ""
    source: str = ""

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return the dollars that so many tokens cost."""
        dollars = self.input_usd * prompt_tokens + self.output_usd * completion_tokens
        return dollars / _MILLION

    def batched(self) -> Price:
        """Return the price of the Batch API, the same where none is listed."""
        factor = self.batch_factor or 1.0
        return msgspec.structs.replace(
            self,
            input_usd=self.input_usd * factor,
            output_usd=self.output_usd * factor,
        )


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    input_usd: float
    output_usd: float
    batch_factor: str
    as_of: str
    source: str


def priced(usage: Usage, price: Price | None) -> Usage:
    """Return `usage` with what its counted tokens cost, and the date of the price."""
    if price is None:
        return usage
    cost = price.cost(usage.prompt_tokens, usage.completion_tokens)
    return msgspec.structs.replace(usage, cost_usd=cost, price_as_of=price.as_of)


def price_of(model: str) -> Price | None:
    """Return the price of an API's model by its exact name, None if it is not listed.

    Raises:
        CardError: a price table is not what it should be.
    """
    return _table().get(model)


@lru_cache(maxsize=1)
def _table() -> dict[str, Price]:
    prices: dict[str, Price] = {}
    for name, path in files("models", ".csv").items():
        if name.startswith("prices"):
            prices |= read_prices(path)
    return prices


def read_prices(path: Path) -> dict[str, Price]:
    """Return model -> price of one table.

    Raises:
        CardError: a row is not what it should be, or a model stands there twice.
    """
    prices: dict[str, Price] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for number, values in enumerate(csv.DictReader(stream), start=2):
            try:
                row = msgspec.convert(values, _Row, strict=False)
                factor = float(row.batch_factor) if row.batch_factor else None
            except (msgspec.ValidationError, ValueError) as error:
                raise CardError(f"{path}: line {number}: {error}") from error
            if row.model in prices:
                raise CardError(f"{path}: line {number}: {row.model} is listed twice")
            prices[row.model] = Price(
                input_usd=row.input_usd,
                output_usd=row.output_usd,
                batch_factor=factor,
                as_of=row.as_of,
                source=row.source,
            )
    return prices


def money(usd: float) -> str:
    """Return an amount in words, with more digits the less it is."""
    return f"${usd:,.2f}" if usd >= 1 or usd == 0 else f"${usd:.2g}"
