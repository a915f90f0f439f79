"""What a run will take: tokens counted or estimated, and from what."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from tests.runner.conftest import CARD, Backend, Lines, perfect
from unibench.backends.asking import Answers
from unibench.backends.own_tokens import ByLength, token_counter_of
from unibench.backends.prices import Price, money, price_of
from unibench.errors import BackendError
from unibench.resources import files
from unibench.runner.plan import plan_subset
from unibench.runner.price import Estimator, Tokens, usage_of, worst_case
from unibench.runner.rate import Rate, measured_rate
from unibench.schema.model_card import Checkpoint, Decoding
from unibench.schema.prepared import PreparedSet
from unibench.schema.query import Query, Response
from unibench.schema.record import (
    DataIdentity,
    Environment,
    ModelIdentity,
    RunRecord,
    Usage,
)


class Stated(Lines):
    """`Lines` that states its answer form."""

    def perfect(self, query: Query) -> str | None:
        return perfect(self.render(query).messages[0].content)


def adapter(kind: type[Lines] = Stated, **changes: object) -> Lines:
    return kind(msgspec.structs.replace(CARD, **changes), Backend(perfect))


def tokenizer(folder: Path) -> Path:
    """A tokenizer with a token for each word."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder.mkdir()
    words = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))  # noqa: S106
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.save(str(folder / "tokenizer.json"))
    return folder


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        pytest.param("", 0, id="empty"),
        pytest.param("abcd", 1, id="four-letters"),
        pytest.param("abcde", 2, id="rounded-up"),
        pytest.param("\u6771\u4eac", 2, id="two-characters-of-three-bytes"),
    ],
)
def test_tokens_by_length(text: str, tokens: int) -> None:
    assert ByLength().counts([text]) == [tokens]


def test_the_own_tokenizer_counts_where_it_is_here(tmp_path: Path) -> None:
    counter = token_counter_of(Checkpoint(id=str(tokenizer(tmp_path / "m"))))
    assert counter.counted
    assert counter.counts(["one two three", "four"]) == [3, 1]
    assert not token_counter_of(Checkpoint(id="nobody/has-this")).counted
    assert not token_counter_of(Checkpoint(id="an API's: name?")).counted


def test_a_damaged_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{", "utf-8")
    with pytest.raises(BackendError, match=r"tokenizer\.json is no tokenizer"):
        token_counter_of(Checkpoint(id=str(tmp_path)))


def test_prompt_and_gold_answer(prepared: PreparedSet, tmp_path: Path) -> None:
    (query, *_) = plan_subset(prepared, 1).queries
    # "person: Ann met Bo ." has 20 bytes and a message; the answer "Ann\nBo" 6, an end
    assert Estimator(adapter()).tokens([query]) == [Tokens(5 + 7, 2 + 1)]
    own = Checkpoint(id=str(tokenizer(tmp_path / "m")))
    assert Estimator(adapter(checkpoint=own)).tokens([query]) == [Tokens(5 + 7, 2 + 1)]


def test_an_answer_is_no_longer_than_max_tokens(prepared: PreparedSet) -> None:
    (query, *_) = plan_subset(prepared, 1).queries
    short = adapter(decoding=Decoding(max_tokens=2))
    assert Estimator(short).tokens([query])[0].completion == 2
    unstated = Estimator(adapter(Lines))
    assert unstated.tokens([query])[0].completion == CARD.decoding.max_tokens
    assert "max_tokens" in unstated.basis()[1]


def test_equal_requests_are_counted_once(prepared: PreparedSet) -> None:
    queries = plan_subset(prepared, 1).queries
    once = Estimator(adapter()).expect(queries, {}, len(queries))
    thrice = Estimator(adapter()).expect(queries * 3, {}, len(queries))
    assert once.tokens == thrice.tokens
    assert Estimator(adapter()).expect(queries, {}, 0).tokens == Tokens()


def test_stored_answers_correct_the_estimate(prepared: PreparedSet) -> None:
    """The server counts twice our prompt tokens and three times our answers."""
    queries = plan_subset(prepared, 1).queries * 10
    estimator = Estimator(adapter())
    ours = estimator.tokens(queries)
    stored = {
        i: Response("", prompt_tokens=2 * t.prompt, completion_tokens=3 * t.completion)
        for i, t in enumerate(ours[:30])
    }
    plain = estimator.expect(queries[30:], {}, 30)
    found = estimator.expect(queries, stored, 30)
    assert found.calibrated == 30
    assert found.tokens == Tokens(2 * plain.tokens.prompt, 3 * plain.tokens.completion)
    few = dict(list(stored.items())[:19])
    assert estimator.expect(queries, few, 30).calibrated == 0


def test_of_many_requests_a_sample_is_counted(
    prepared: PreparedSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = plan_subset(prepared, 1).queries * 100
    estimator = Estimator(adapter())
    whole = estimator.expect(queries, {}, 600)
    monkeypatch.setattr("unibench.runner.price.SAMPLE", 150)
    some = estimator.expect(queries, {}, 600)
    assert (whole.sampled, some.sampled) == (600, 150)
    assert some.tokens.prompt == pytest.approx(whole.tokens.prompt, rel=0.05)


def test_the_worst_case_is_worse_than_any_count(
    prepared: PreparedSet, tmp_path: Path
) -> None:
    own = Checkpoint(id=str(tokenizer(tmp_path / "m")))
    for card in (CARD, msgspec.structs.replace(CARD, checkpoint=own)):
        lines = Stated(card, Backend(perfect))
        for query in plan_subset(prepared, 1).queries:
            (expected,) = Estimator(lines).tokens([query])
            worst = worst_case(lines, query)
            assert worst.prompt >= expected.prompt
            assert worst.completion == CARD.decoding.max_tokens


def test_answers_of_batches_cost_the_batch_price(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    price = Price(input_usd=1, output_usd=2, batch_factor=0.5, as_of="2026-01-01")
    monkeypatch.setattr("unibench.runner.price.price_of", lambda name: price)
    alone = Response("a", prompt_tokens=1_000_000, completion_tokens=1_000_000)
    batched = msgspec.structs.replace(alone, flags=("batch",))
    answers = Answers(
        keys=("k", "k", "l"),
        responses=(alone, alone, batched),
        usage=Usage(requests=1, prompt_tokens=1_000_000, completion_tokens=1_000_000),
    )
    usage = usage_of(adapter(), answers)
    assert (usage.cost_usd, usage.answers_usd) == (3.0, 4.5)


@pytest.mark.parametrize(
    ("usd", "said"),
    [(0, "$0.00"), (0.00042, "$0.00042"), (0.129, "$0.13"), (1234.5, "$1,234.50")],
)
def test_money(usd: float, said: str) -> None:
    assert money(usd) == said


def test_every_paid_model_of_ours_has_a_price() -> None:
    from unibench.adapters.load import load_card

    cards = [load_card(name)[1] for name in files("models")]
    paid = [card for card in cards if "api.openai.com" in str(card.backend)]
    assert paid
    for card in paid:
        assert price_of(card.checkpoint.id) is not None, card.title


def write_record(folder: Path, checkpoint: str, usage: Usage) -> None:
    data = DataIdentity(
        dataset="d", subset="d", split="test", protocol="corrected", domain="x",
        access="open", license="x", fingerprint="", card_sha256="",
        label_map_sha256="",
    )  # fmt: skip
    record = RunRecord(
        unibench_version="0", scoring_version=1, created="", data=data,
        model=ModelIdentity(
            name="m", adapter="a", backend="b", checkpoint=checkpoint, card_sha256=""
        ),
        entity_types=(), usage=usage,
        environment=Environment(command="", python="", platform="", hardware=""),
    )  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "record.json").write_bytes(msgspec.json.encode(record))


def test_the_rate_is_that_of_earlier_runs_of_the_model(tmp_path: Path) -> None:
    name = CARD.checkpoint.id
    write_record(tmp_path / "a", name, Usage(seconds=10, requests=100))
    write_record(tmp_path / "b", name, Usage(seconds=20, requests=20, reused=5))
    write_record(tmp_path / "c", name, Usage(seconds=9, requests=0, reused=100))
    write_record(tmp_path / "d", "another/model", Usage(seconds=1, requests=1000))
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "record.json").write_text("{", "utf-8")
    found = measured_rate(tmp_path, CARD)
    assert found == Rate(per_second=4.0, requests=120, unread=1)
    assert math.isclose(found.minutes(480), 2.0)
    assert measured_rate(tmp_path / "nothing", CARD) is None
    assert measured_rate(tmp_path / "c", CARD) is None
