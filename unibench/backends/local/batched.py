"""Batches through transformers' own `generate`, for what the prefix engine leaves."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from unibench.backends.local.answers import Answer, Endings
from unibench.backends.local.memory import free_memory, is_lack_of_memory
from unibench.backends.local.options import TransformersOptions
from unibench.backends.local.prefix_engine import Encoded
from unibench.errors import BackendError
from unibench.schema.model_card import Decoding
from unibench.schema.query import Response

_LOG = logging.getLogger(__name__)
_WINDOW = 64
"""Batches among which prompts are sorted by length, and held in memory."""


class BatchedEngine:
    """Answer prompts in batches of similar length, padded on the left."""

    def __init__(
        self,
        model: Any,
        endings: Endings,
        options: TransformersOptions,
        decoding: Decoding,
        limit: int,
    ) -> None:
        """Take any generative model."""
        self.model = model
        self.endings = endings
        self.decoding = decoding
        self.limit = limit
        self.batch_size = options.batch_size
        self.batch_tokens = options.batch_tokens
        self.counts: Counter[str] = Counter()

    def run(self, prompts: Iterator[Encoded]) -> Iterator[tuple[int, Response]]:
        """Answer `prompts`, each of which leaves room for an answer.

        Raises:
            BackendError: not even one prompt alone fits in memory.
        """
        while window := list(islice(prompts, _WINDOW * self.batch_size)):
            window.sort(key=lambda prompt: -len(prompt[1]))
            while window:
                size = self._size(len(window[0][1]))
                batch, rest = window[:size], window[size:]
                answers = self._try([tokens for _, tokens in batch])
                if answers is not None:
                    yield from zip((at for at, _ in batch), answers, strict=True)
                    window = rest

    def _size(self, longest: int) -> int:
        """How many prompts of at most this length make a batch.

        Padding takes from the room for answers, so that prompts near the limit go
        alone.
        """
        each = longest + self.decoding.max_tokens
        if each > self.limit and not self._encodes:
            return 1
        return max(1, min(self.batch_size, self.batch_tokens // each))

    @property
    def _encodes(self) -> bool:
        return bool(self.model.config.is_encoder_decoder)

    def _try(self, batch: Sequence[Sequence[int]]) -> list[Response] | None:
        """Answer a batch; None where memory lacks, with smaller batches from now on."""
        started = time.monotonic()
        try:
            rows = self._generate(batch)
        except RuntimeError as error:
            if not is_lack_of_memory(error):
                raise
            self._shrink(batch, error)
            lacking = True
        else:
            lacking = False
        if lacking:
            free_memory()
            return None
        seconds = (time.monotonic() - started) / len(batch)
        self.counts["steps"] += 1
        width = max(map(len, batch))
        self.counts["prompts"] += len(batch)
        self.counts["prompt_tokens"] += sum(map(len, batch))
        self.counts["computed_prompt_tokens"] += width * len(batch)
        return [
            self._read(len(prompt), row).response(seconds)
            for prompt, row in zip(batch, rows, strict=True)
        ]

    def _read(self, prompt_tokens: int, row: Sequence[int]) -> Answer:
        """An encoder's tokens take no room from the answer."""
        room = self.limit if self._encodes else self.limit - prompt_tokens
        return self.endings.read(self.endings.begin(prompt_tokens, room), row)

    def _shrink(self, batch: Sequence[Sequence[int]], error: RuntimeError) -> None:
        if len(batch) == 1:
            reason = (str(error).strip().splitlines() or ["no reason given"])[0]
            raise BackendError(
                f"one prompt of {len(batch[0])} tokens does not fit in memory"
                f" ({reason[:200]}); say 'dtype: bfloat16' in 'backend', lower"
                " 'max_tokens' in 'decoding', or use a device with more memory"
            ) from error
        if not self.counts["out_of_memory"]:
            _LOG.warning("no memory for %d prompts at once; halving", len(batch))
        self.counts["out_of_memory"] += 1
        self.batch_size = len(batch) // 2

    def _generate(self, batch: Sequence[Sequence[int]]) -> list[list[int]]:
        """Return the new tokens of each prompt, padding included."""
        import torch

        width = max(map(len, batch))
        pad = self.endings.tokenizer.pad_token_id or 0
        padded = [[pad] * (width - len(row)) + list(row) for row in batch]
        mask = [[0] * (width - len(row)) + [1] * len(row) for row in batch]
        with torch.inference_mode():
            output = self.model.generate(
                input_ids=torch.tensor(padded, device=self.model.device),
                attention_mask=torch.tensor(mask, device=self.model.device),
                tokenizer=self.endings.tokenizer,
                **self._settings(width),
            )
        # An answer of T5 begins with the padding token, which may also end it.
        rows: list[list[int]] = output[:, 1 if self._encodes else width :].tolist()
        return rows

    def _settings(self, width: int) -> dict[str, Any]:
        import torch

        decoding, endings = self.decoding, self.endings
        room = self.limit if self._encodes else self.limit - width
        settings: dict[str, Any] = {
            "max_new_tokens": min(decoding.max_tokens, room),
            "do_sample": decoding.temperature > 0,
            "eos_token_id": sorted(endings.end_tokens),
            "pad_token_id": endings.tokenizer.pad_token_id,
            "num_beams": 1,
        }
        if decoding.temperature > 0:
            settings |= {"temperature": decoding.temperature, "top_k": 0, "top_p": 1.0}
            torch.manual_seed(decoding.seed or 0)
        if endings.stop_strings:
            settings["stop_strings"] = list(endings.stop_strings)
        return settings
