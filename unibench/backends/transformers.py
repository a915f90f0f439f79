"""Weights in this process: batched generation with transformers, CPU or CUDA."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from unibench.backends.base import PROMPT_TOO_LONG, read_options
from unibench.backends.local.loading import (
    import_transformers,
    load_tokenizer,
    load_weights,
)
from unibench.backends.local.options import TransformersOptions
from unibench.backends.weights import source_of
from unibench.errors import BackendError
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Prompt, Response


class TransformersBackend:
    """Generate with the card's checkpoint; greedy at temperature 0."""

    def __init__(self, card: ModelCard) -> None:
        """Read the options; the weights are loaded by the first `generate`."""
        self.card = card
        self.options = read_options(card, TransformersOptions)

    def identity(self) -> Mapping[str, Any]:
        """Say which weights and numbers are used when they are not the usual ones."""
        package = self.card.checkpoint.package
        known = {} if self.options.dtype == "auto" else {"dtype": self.options.dtype}
        if package is None or source_of(self.card.checkpoint) != "package":
            return known
        return known | {"weights": f"{package.name}=={package.version}:{package.file}"}

    def generate(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Response]]:
        """Answer `prompts` in batches, the longest first."""
        encoded = [self._encode(prompt) for prompt in prompts]
        fitting = []
        for position, tokens in enumerate(encoded):
            if len(tokens) < self.limit:
                fitting.append(position)
            else:
                yield position, self._too_long(len(tokens))
        fitting.sort(key=lambda position: -len(encoded[position]))
        while fitting:
            size = self._batch_size(len(encoded[fitting[0]]))
            batch, fitting = fitting[:size], fitting[size:]
            answers = self._answer([encoded[position] for position in batch])
            yield from zip(batch, answers, strict=True)

    @cached_property
    def tokenizer(self) -> Any:
        """The checkpoint's tokenizer, padding on the left."""
        return load_tokenizer(self.card.checkpoint, self.options)

    @cached_property
    def model(self) -> Any:
        """The weights, in evaluation mode on their device."""
        return load_weights(self.card.checkpoint, self.options, self.device)

    @cached_property
    def device(self) -> str:
        """The device that the card names, or the GPU if there is one, or the CPU."""
        import_transformers()
        import torch

        if self.options.device != "auto":
            return self.options.device
        return "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def limit(self) -> int:
        """How many tokens prompt and answer may have together."""
        declared = getattr(self.model.config, "max_position_embeddings", None)
        known = [n for n in (self.card.context_length, declared) if n]
        return min(known) if known else self.tokenizer.model_max_length

    @cached_property
    def end_tokens(self) -> list[int]:
        """The tokens that end an answer: the checkpoint's and the card's stops."""
        configured = self.model.generation_config.eos_token_id
        ends = configured if isinstance(configured, list) else [configured]
        ends += [self.tokenizer.eos_token_id]
        special = self.tokenizer.get_added_vocab()
        ends += [special[stop] for stop in self.card.decoding.stop if stop in special]
        return sorted({end for end in ends if end is not None})

    def _encode(self, prompt: Prompt) -> list[int]:
        """Tokenize a family's own text as it is, else the chat template's text."""
        text, special = prompt.text, True
        if text is None:
            text, special = self._templated(prompt), False
        elif (bos := self.tokenizer.bos_token) and text.startswith(bos):
            special = False
        tokens = self.tokenizer(text, add_special_tokens=special, verbose=False)
        return list(tokens["input_ids"])

    def _templated(self, prompt: Prompt) -> str:
        if not self.tokenizer.chat_template:
            raise BackendError(
                f"{self.card.checkpoint.id} has no chat template, and the adapter"
                f" {self.card.adapter!r} gives no text of its own; choose another"
                " adapter, such as 'plain', in the model's card"
            )
        turns = [{"role": m.role, "content": m.content} for m in prompt.messages]
        text = self.tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, tokenize=False
        )
        return str(text)

    def _too_long(self, tokens: int) -> Response:
        return Response(
            "", PROMPT_TOO_LONG, prompt_tokens=tokens, model=self.card.checkpoint.id
        )

    def _batch_size(self, longest: int) -> int:
        each = longest + self.card.decoding.max_tokens
        return max(1, min(self.options.batch_size, self.options.batch_tokens // each))

    def _answer(self, batch: Sequence[list[int]]) -> Iterator[Response]:
        import torch

        started = time.monotonic()
        width = max(map(len, batch))
        pad = self.tokenizer.pad_token_id or 0
        ids = torch.tensor([[pad] * (width - len(row)) + row for row in batch])
        mask = torch.tensor(
            [[0] * (width - len(row)) + [1] * len(row) for row in batch]
        )
        with torch.inference_mode():
            output = self.model.generate(
                input_ids=ids.to(self.device),
                attention_mask=mask.to(self.device),
                tokenizer=self.tokenizer,
                **self._generation(width),
            )
        start = 0 if self.model.config.is_encoder_decoder else width
        seconds = (time.monotonic() - started) / len(batch)
        for row, prompt in zip(output[:, start:].tolist(), batch, strict=True):
            yield self._response(row, len(prompt), seconds)

    def _generation(self, width: int) -> dict[str, Any]:
        import torch

        decoding = self.card.decoding
        room = (
            self.limit if self.model.config.is_encoder_decoder else self.limit - width
        )
        settings: dict[str, Any] = {
            "max_new_tokens": min(decoding.max_tokens, room),
            "do_sample": decoding.temperature > 0,
            "eos_token_id": self.end_tokens,
            "pad_token_id": self.tokenizer.pad_token_id,
            "num_beams": 1,
        }
        if decoding.temperature > 0:
            settings |= {"temperature": decoding.temperature, "top_k": 0, "top_p": 1.0}
            torch.manual_seed(decoding.seed or 0)
        stops = [s for s in decoding.stop if s not in self.tokenizer.get_added_vocab()]
        if stops:
            settings["stop_strings"] = stops
        return settings

    def _response(self, row: list[int], prompt_tokens: int, seconds: float) -> Response:
        ends = [at for at, token in enumerate(row) if token in self.end_tokens]
        start = 1 if self.model.config.is_encoder_decoder else 0
        # T5 starts its answers with the padding token, which may also end them.
        ends = [at for at in ends if at >= start]
        answer = row[start : ends[0]] if ends else row[start:]
        text = self.tokenizer.decode(
            answer, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        stops = [at for s in self.card.decoding.stop if (at := text.find(s)) >= 0]
        return Response(
            text[: min(stops)] if stops else text,
            "stop" if ends or stops else "length",
            prompt_tokens=prompt_tokens,
            completion_tokens=len(answer) + bool(ends),
            latency_s=seconds,
            model=self.card.checkpoint.id,
        )
