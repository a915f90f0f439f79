"""Weights in this process, with transformers, on CPU or CUDA."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from unibench.backends.base import read_options
from unibench.backends.local.answers import Endings
from unibench.backends.local.engines import Engine, choose_engine
from unibench.backends.local.loading import (
    import_transformers,
    load_tokenizer,
    load_weights,
)
from unibench.backends.local.options import TransformersOptions
from unibench.backends.local.prefix_engine import Encoded
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
        """Say what answers depend on when it is not the usual.

        Weights from a package may be quantised; a named `dtype` rounds; a list cut
        at its end lacks what would have followed. The engine does not count.
        """
        known: dict[str, Any] = {}
        if self.options.dtype != "auto":
            known["dtype"] = self.options.dtype
        if self.options.answer != "text":
            known["answer"] = self.options.answer
        package = self.card.checkpoint.package
        if package is not None and source_of(self.card.checkpoint) == "package":
            known["weights"] = f"{package.name}=={package.version}:{package.file}"
        return known

    def generate(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Response]]:
        """Answer `prompts`, in the order in which the engine is done with them."""
        if prompts:  # what is wrong with all of them is said before weights are loaded
            self._encode(prompts[0])
        too_long: deque[tuple[int, Response]] = deque()

        def fitting() -> Iterator[Encoded]:
            for position, prompt in enumerate(prompts):
                tokens = self._encode(prompt)
                if len(tokens) < self.limit:
                    yield position, tokens
                else:
                    too_long.append((position, self.endings.too_long(len(tokens))))

        for answer in self.engine.run(fitting()):
            yield answer
            while too_long:
                yield too_long.popleft()
        yield from too_long

    @cached_property
    def engine(self) -> Engine:
        """What runs the model; which one, the card's `engine` and the model decide.

        Raises:
            CardError: the engine that the card names cannot run this model.
        """
        endings = self.endings
        return choose_engine(
            self.model, endings, self.options, self.card.decoding, self.limit
        )

    @cached_property
    def endings(self) -> Endings:
        """What ends an answer."""
        return Endings(self.card, self.options, self.tokenizer, self.model)

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
