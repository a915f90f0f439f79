"""Continuous batching with a paged cache: `generate_batch` of transformers."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from unibench.backends.local.answers import Endings
from unibench.backends.local.options import TransformersOptions
from unibench.backends.local.prefix_engine import Encoded
from unibench.errors import BackendError, CardError
from unibench.schema.model_card import Decoding
from unibench.schema.query import Response

_WINDOW = 64


class ContinuousEngine:
    """Answer prompts through `model.generate_batch`, so many batches a call."""

    def __init__(
        self,
        model: Any,
        endings: Endings,
        options: TransformersOptions,
        decoding: Decoding,
        limit: int,
    ) -> None:
        """Take a decoder whose answers are greedy.

        Raises:
            CardError: the model has an encoder, or the temperature is above 0.
        """
        if model.config.is_encoder_decoder or decoding.temperature > 0:
            raise CardError(
                "the engine 'continuous' answers greedily and runs decoders only; say"
                f" 'engine: auto' in 'backend' of {endings.model_name}"
            )
        self.model = model
        self.endings = endings
        self.limit = limit
        self.window = _WINDOW * options.batch_size
        self.counts: Counter[str] = Counter()

    def run(self, prompts: Iterator[Encoded]) -> Iterator[tuple[int, Response]]:
        """Answer `prompts`, each of which leaves room for an answer.

        Raises:
            BackendError: transformers left a prompt without an answer.
        """
        while window := list(islice(prompts, self.window)):
            started = time.monotonic()
            rows = self._generate([list(tokens) for _, tokens in window])
            seconds = (time.monotonic() - started) / len(window)
            self.counts["prompts"] += len(window)
            self.counts["prompt_tokens"] += sum(len(tokens) for _, tokens in window)
            for (position, tokens), row in zip(window, rows, strict=True):
                answer = self.endings.begin(len(tokens), self.limit - len(tokens))
                yield position, self.endings.read(answer, row).response(seconds)

    def _generate(self, window: list[list[int]]) -> list[list[int]]:
        settings = copy.deepcopy(self.model.generation_config)
        settings.update(
            do_sample=False,
            num_beams=1,
            eos_token_id=sorted(self.endings.end_tokens),
            pad_token_id=self.endings.tokenizer.pad_token_id,
            max_new_tokens=self.endings.max_tokens,
        )
        found = self.model.generate_batch(window, generation_config=settings)
        failed = [output.error for output in found.values() if output.error]
        answered = len(found) - len(failed)
        if answered != len(window):
            raise BackendError(
                f"generate_batch of transformers answered {answered} of {len(window)}"
                f" prompts ({failed[0] if failed else 'see its log'}); ask again, or"
                " say 'engine: auto' in 'backend'"
            )
        return [list(output.generated_tokens) for output in found.values()]
