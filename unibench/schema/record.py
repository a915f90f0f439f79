"""The run record: one model on one split of one subset, and how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from unibench.schema.model_card import Decoding, TrainingData
from unibench.schema.score import Counts, Score

RECORD_VERSION = 1


class ModelIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Which model was asked, and how.

    `card_sha256` is the hash of the card's values; `prompt_sha256` of the template
    with its placeholders; `prompt_origin` is `published`, `paraphrase` or `ours`.
    """

    name: str
    title: str = ""
    adapter: str
    backend: str
    checkpoint: str
    revision: str = ""
    revision_pinned: bool = False
    card_sha256: str
    prompt_sha256: str = ""
    prompt_origin: str = ""
    decoding: Decoding = Decoding()
    training_data: TrainingData | None = None
    details: Mapping[str, Any] = {}


class DataIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Which data were asked: equal fingerprints mean equal passages and gold.

    `raw_sha256` maps the raw files' names to the hashes of their content.
    """

    dataset: str
    subset: str
    split: str
    protocol: str
    domain: str
    access: str
    license: str
    fingerprint: str
    card_sha256: str
    label_map_sha256: str
    raw_sha256: Mapping[str, str] = {}


class EngineUse(msgspec.Struct, frozen=True, kw_only=True):
    """What answered the requests: `local` is one process, `ray` a number of workers.

    `lost` counts workers that died and were replaced; `hardware` maps what workers
    run on to how many of them do.
    """

    name: str = "local"
    workers: int = 1
    lost: int = 0
    hardware: Mapping[str, int] = {}


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """Where and with what a run was made; `hardware` is that of the run's own process.

    Records written before there was a choice of engine were made by the local one.
    """

    command: str
    python: str
    platform: str
    hardware: str
    packages: Mapping[str, str] = {}
    engine: EngineUse = EngineUse()


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a run took. Tokens and seconds count new requests, not stored ones.

    `retries` counts requests that were sent again, `unanswered` sendings that brought
    nothing and may be billed all the same, `uncounted` answers whose tokens nobody
    counted. `cost_usd` is what the counted tokens cost at the prices of the date
    `price_as_of`, None where no price is known; `answers_usd` is that of all answers,
    those included that were stored already or came in batches at half the price.
    """

    seconds: float = 0.0
    requests: int = 0
    reused: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    retries: int = 0
    unanswered: int = 0
    uncounted: int = 0
    cost_usd: float | None = None
    answers_usd: float | None = None
    price_as_of: str = ""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong or was left out, counted; nothing of it is silent.

    `queries` are (passage, type) pairs; `unparsed` those whose answer could not be
    read; `unknown_type` those that a model with closed labels cannot answer;
    `invented` are predicted mentions whose text does not occur in the passage.
    """

    passages: int = 0
    queries: int = 0
    unparsed: int = 0
    unknown_type: int = 0
    invented: int = 0
    truncated: int = 0
    parse_errors: Mapping[str, int] = {}
    repairs: Mapping[str, int] = {}
    dropped: Mapping[str, int] = {}
    flags: Mapping[str, int] = {}


class AnswerCeiling(msgspec.Struct, frozen=True, kw_only=True):
    """The best strict score that a model asked and read so could reach.

    Gold is sent through the adapter's own answer form and back; `lost` counts the
    mentions that the form cannot hold, by reason.
    """

    f1: float
    gold: int
    kept: int
    lost: Mapping[str, int] = {}


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One model on one split of one subset: scores and every identity behind them.

    Written as `record.json` beside the `predictions.jsonl` that it was made from.
    `limit` is the number of passages that the user asked for, None for all. `ceiling`
    is None where the adapter states no answer form.
    """

    record_version: int = RECORD_VERSION
    unibench_version: str
    scoring_version: int
    created: str
    model: ModelIdentity
    data: DataIdentity
    entity_types: tuple[str, ...]
    limit: int | None = None
    seed: int = 0
    labels: str = "natural"
    scores: Mapping[str, Score] = {}
    tally: Tally = Tally()
    ceiling: AnswerCeiling | None = None
    usage: Usage = Usage()
    environment: Environment
    predictions_sha256: str = ""
    path: str = ""

    @property
    def subset(self) -> str:
        """The subset that was scored."""
        return self.data.subset

    @property
    def strict(self) -> Counts:
        """The counts of the headline metric: profile `uniner`."""
        return self.scores["uniner"].counts

    @property
    def partial(self) -> Counts:
        """The counts with half credit for overlap: profile `partial`."""
        return self.scores["partial"].counts
