"""Which engine runs a model: the prefix engine where it fits, or as the card says."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any, Protocol

from unibench.backends.local.answers import Endings
from unibench.backends.local.batched import BatchedEngine
from unibench.backends.local.continuous import ContinuousEngine
from unibench.backends.local.fitting import misfit
from unibench.backends.local.options import TransformersOptions
from unibench.backends.local.prefix_engine import Encoded, PrefixEngine, Sizes
from unibench.errors import CardError
from unibench.schema.model_card import Decoding
from unibench.schema.query import Response

_LOG = logging.getLogger(__name__)
STEP_TOKENS = {"cpu": 256}
"""Tokens of a step by device: enough for its full rate, and few enough that the long
answers of some passages are under way while others are read."""
STEP_TOKENS_GPU = 8192
GUESS_TOKENS = {"cpu": 64}
"""Tokens up to which a step is filled with guesses: where reading the weights is still
a large part of its time."""
GUESS_TOKENS_GPU = 256


class Engine(Protocol):
    """Something that answers encoded prompts; `counts` says what it computed."""

    counts: Counter[str]

    def run(self, prompts: Iterator[Encoded]) -> Iterator[tuple[int, Response]]:
        """Yield the position and the response of each prompt, in any order."""
        ...


def choose_engine(
    model: Any,
    endings: Endings,
    options: TransformersOptions,
    decoding: Decoding,
    limit: int,
) -> Engine:
    """Return the engine that `options` name, or with `auto` the one that fits.

    Raises:
        CardError: the engine that they name cannot run this model.
    """
    if options.engine == "continuous":
        return ContinuousEngine(model, endings, options, decoding, limit)
    if options.engine == "generate":
        return BatchedEngine(model, endings, options, decoding, limit)
    reason = misfit(model, endings, options, decoding, limit)
    if not reason:
        device = model.device.type
        sizes = Sizes(
            options.step_tokens or STEP_TOKENS.get(device, STEP_TOKENS_GPU),
            options.batch_tokens,
            GUESS_TOKENS.get(device, GUESS_TOKENS_GPU),
        )
        eager = options.attention == "eager"
        return PrefixEngine(model, endings, limit=limit, sizes=sizes, eager=eager)
    if options.engine == "prefix":
        raise CardError(
            f"the engine 'prefix' cannot run {endings.model_name}: {reason}; say"
            " 'engine: auto' or 'engine: generate' in 'backend'"
        )
    _LOG.info("%s runs through generate: %s", endings.model_name, reason)
    return BatchedEngine(model, endings, options, decoding, limit)
