"""The price table: dated, read strictly, in dollars for a million tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from unibench.backends.prices import Price, price_of, priced, read_prices
from unibench.errors import CardError
from unibench.resources import files
from unibench.schema.record import Usage

HEADER = "model,input_usd,output_usd,batch_factor,as_of,source\n"


def test_the_shipped_table_is_dated_and_complete() -> None:
    prices = read_prices(files("models", ".csv")["prices"])
    assert all(price.as_of and price.source for price in prices.values())
    assert price_of("gpt-4o-mini") == prices["gpt-4o-mini"]
    assert price_of("a model of our own") is None


def test_cost() -> None:
    price = Price(input_usd=0.5, output_usd=1.5, batch_factor=0.5)
    assert price.cost(2_000_000, 1_000_000) == pytest.approx(2.5)
    assert price.batched().cost(2_000_000, 1_000_000) == pytest.approx(1.25)
    usage = Usage(requests=3, prompt_tokens=2_000_000, completion_tokens=1_000_000)
    bill = priced(usage, Price(input_usd=1, output_usd=4, as_of="2026-03-01"))
    assert (bill.cost_usd, bill.price_as_of, bill.requests) == (6, "2026-03-01", 3)
    assert priced(usage, None) == usage
    unlisted = Price(input_usd=2, output_usd=2)
    assert unlisted.batched() == unlisted


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        pytest.param("a,one,2,,2026-01-01,x\n", "line 2: .*input_usd", id="no-number"),
        pytest.param("a,1,2,half,2026-01-01,x\n", "line 2: ", id="factor"),
        pytest.param("a,1\n", "line 2: ", id="short"),
        pytest.param(
            "a,1,2,,d,x\na,1,2,,d,x\n", "line 3: a is listed twice", id="twice"
        ),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, rows: str, problem: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(HEADER + rows, "utf-8")
    with pytest.raises(CardError, match=rf"prices\.csv: {problem}"):
        read_prices(path)
