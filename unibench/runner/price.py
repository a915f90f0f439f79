"""What a run will take, before it is made: tokens, dollars, minutes.

Prompt tokens are counted where the model's own tokenizer lies on this machine, else
estimated. Completion tokens are always an estimate: the length of the gold answer in
the adapter's own form. Where answers of this model are stored already, both are scaled
by what the server counted for those.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import msgspec

from unibench.adapters.base import GenerativeAdapter, ModelAdapter
from unibench.backends.asking import Answers
from unibench.backends.batch.answers import BATCHED
from unibench.backends.own_tokens import TokenCounter, token_counter_of
from unibench.backends.prices import Price, price_of, priced
from unibench.schema.query import Prompt, Query, Response
from unibench.schema.record import Usage

SAMPLE = 5_000
"""Of more requests than this in a subset, so many drawn at random are counted."""
CALIBRATION = 20
"""From so many stored answers on, their token counts correct the estimate."""
_FRAME_PER_MESSAGE, _FRAME_PER_REPLY = 4, 3
"""What a chat template adds (OpenAI's cookbook on counting tokens for chat calls)."""


class Tokens(msgspec.Struct, frozen=True):
    """Prompt and completion tokens."""

    prompt: int = 0
    completion: int = 0


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What requests will probably take.

    `sampled` requests were looked at, `calibrated` stored answers corrected it.
    """

    tokens: Tokens
    sampled: int
    calibrated: int = 0


class Estimator:
    """Estimates what one model's requests take; `counter` says how tokens are had."""

    def __init__(self, adapter: GenerativeAdapter) -> None:
        """Look for the model's tokenizer; nothing is downloaded."""
        self.adapter = adapter
        self.counter: TokenCounter = token_counter_of(adapter.card.checkpoint)
        self.states_answers = True

    def tokens(self, queries: Sequence[Query]) -> list[Tokens]:
        """Return what each query's request will take."""
        prompts = [self.adapter.render(query) for query in queries]
        lengths = self.counter.counts([_text(prompt) for prompt in prompts])
        answers = [self.adapter.perfect(query) for query in queries]
        expected = self.counter.counts([answer or "" for answer in answers])
        limit = self.adapter.card.decoding.max_tokens
        self.states_answers &= None not in answers
        return [
            Tokens(
                length + _frame(prompt),
                limit if answer is None else min(limit, tokens + 1),  # and its end
            )
            for prompt, length, answer, tokens in zip(
                prompts, lengths, answers, expected, strict=True
            )
        ]

    def expect(
        self, queries: Sequence[Query], stored: Mapping[int, Response], to_ask: int
    ) -> Expected:
        """Return what the `to_ask` queries without a stored answer will take.

        `stored` maps positions in `queries` to answers; equal requests are asked once,
        so `to_ask` may be smaller than the number of queries that are left.
        """
        rest = [i for i in range(len(queries)) if i not in stored]
        if not rest or not to_ask:
            return Expected(tokens=Tokens(), sampled=0)
        if len(rest) > SAMPLE:
            rest = random.Random(0).sample(rest, SAMPLE)  # noqa: S311
        found = self.tokens([queries[i] for i in rest])
        prompt, completion, known = self._calibration(queries, stored)
        share = to_ask / len(found)
        limit = self.adapter.card.decoding.max_tokens * to_ask
        total = Tokens(
            round(sum(t.prompt for t in found) * share * prompt),
            min(limit, round(sum(t.completion for t in found) * share * completion)),
        )
        return Expected(tokens=total, sampled=len(rest), calibrated=known)

    def _calibration(
        self, queries: Sequence[Query], stored: Mapping[int, Response]
    ) -> tuple[float, float, int]:
        """Return how much more the server counted than we would, and for how many."""
        known = {
            i: (response.prompt_tokens, response.completion_tokens)
            for i, response in stored.items()
            if response.prompt_tokens and response.completion_tokens is not None
        }
        if len(known) < CALIBRATION:
            return 1.0, 1.0, 0
        chosen = random.Random(0).sample(sorted(known), min(len(known), SAMPLE))  # noqa: S311
        ours = self.tokens([queries[i] for i in chosen])
        theirs = [known[i] for i in chosen]
        prompt = sum(p or 0 for p, _ in theirs) / max(1, sum(t.prompt for t in ours))
        answers = sum(t.completion for t in ours)
        completion = sum(c or 0 for _, c in theirs) / max(1, answers)
        return prompt, completion, len(chosen)

    def basis(self) -> list[str]:
        """Say which figures are counted and which estimated."""
        prompt = "counted with" if self.counter.counted else "estimated as"
        answer = (
            "the length of the gold answer in the adapter's own form"
            if self.states_answers
            else "decoding.max_tokens, because the adapter states no answer form"
        )
        return [
            f"prompt tokens: {prompt} {self.counter.name}, plus"
            f" {_FRAME_PER_MESSAGE} a message for the chat template (estimated)",
            f"completion tokens: estimated as {answer}; hidden reasoning is not in it",
        ]


def price_of_model(adapter: ModelAdapter) -> Price | None:
    """Return what an adapter's model costs, None where no price is listed."""
    return price_of(adapter.card.checkpoint.id)


def usage_of(adapter: ModelAdapter, answers: Answers) -> Usage:
    """Return what answers took and what their counted tokens cost.

    Answers that came in batches cost the Batch API's price.
    """
    price = price_of_model(adapter)
    usage = priced(answers.usage, price)
    if price is None:
        return usage
    batched = price.batched()
    distinct = dict(zip(answers.keys, answers.responses, strict=True)).values()
    whole = sum(
        (batched if BATCHED in answer.flags else price).cost(
            answer.prompt_tokens or 0, answer.completion_tokens or 0
        )
        for answer in distinct
    )
    return msgspec.structs.replace(usage, answers_usd=whole)


def worst_case(adapter: GenerativeAdapter, query: Query) -> Tokens:
    """Return what one request cannot exceed.

    No tokenizer makes more tokens of a text than it has bytes; the answer is bounded
    by `decoding.max_tokens`.
    """
    prompt = adapter.render(query)
    schema = msgspec.json.encode(prompt.schema) if prompt.schema else b""
    frame = _FRAME_PER_REPLY + 4 * _FRAME_PER_MESSAGE * (len(prompt.messages) + 1)
    size = len(_text(prompt).encode()) + len(schema) + frame
    return Tokens(size, adapter.card.decoding.max_tokens)


def _text(prompt: Prompt) -> str:
    if prompt.text is not None:
        return prompt.text
    return "\n".join(message.content for message in prompt.messages)


def _frame(prompt: Prompt) -> int:
    if prompt.text is not None:
        return 0
    return _FRAME_PER_REPLY + _FRAME_PER_MESSAGE * len(prompt.messages)
