"""GLiNER and its relatives, through the `gliner` package (prompts.md 10)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import msgspec

from unibench.adapters.base import SpanAdapter
from unibench.adapters.spans import Choice, RawSpan, SpanForm, checked, settled
from unibench.adapters.windows import Window, joined, windows
from unibench.backends.weights import hub_snapshot, is_folder, weights_folder
from unibench.errors import BackendError, CardError, MissingExtraError
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Parsed, Query, content_hash
from unibench.schema.strict_yaml import convert
from unibench.schema.text import Mention, Span

_WORD = re.compile(r"\w+(?:[-_]\w+)*|\S")
"""The word splitter of the package: its limits count these words."""


class GlinerOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card's `options:` may say.

    Spans above `floor` are stored, those above `threshold` count. A call asks at most
    `max_types` types (25 in training) of a window of `window_words` words (the
    model's `max_len`); windows share `overlap_words`. `max_width` is the longest
    mention in words that the model can find, None for token-level models.
    """

    threshold: float = 0.5
    floor: float = 0.1
    overlap: Literal["flat", "nested", "free"] = "flat"
    multi_label: bool = False
    lower_case_types: bool = True
    max_types: int = 25
    window_words: int = 384
    overlap_words: int = 24
    max_width: int | None = 12
    merge: Literal["none", "adjacent"] = "none"
    batch_size: int = 8
    device: str = "auto"


class GlinerModel(SpanAdapter):
    """Ask for all types at once, 25 a call, in windows that lose no text."""

    def __init__(self, card: ModelCard) -> None:
        """Read the options; the weights are loaded by `predict`."""
        super().__init__(card)
        self.name = card.title or card.checkpoint.id
        self.options = convert(card.options, GlinerOptions, f"options of {self.name}")
        if not 0 <= self.options.floor <= self.options.threshold <= 1:
            raise CardError(
                f"options of {self.name}: floor and threshold must be 0 <= floor <="
                f" threshold <= 1"
            )
        if not 0 <= self.options.overlap_words < self.options.window_words:
            raise CardError(
                f"options of {self.name}: overlap_words must be less than window_words"
            )

    @cached_property
    def model(self) -> Any:
        """The loaded model.

        Raises:
            MissingExtraError: the package is not installed.
            BackendError: its words are fewer than the card's windows need.
        """
        try:
            from gliner import GLiNER
        except ImportError as error:
            raise MissingExtraError(
                f"{self.name} (package gliner)", "gliner"
            ) from error
        checkpoint = self.card.checkpoint
        local = is_folder(checkpoint)
        folder = (
            weights_folder(checkpoint)
            if local
            else hub_snapshot(
                checkpoint, ("*.json", "*.safetensors", "*.bin", "*.model", "*.txt")
            )
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package warns of its own parts
            loaded = GLiNER.from_pretrained(str(folder), local_files_only=True)
        limit = getattr(loaded.config, "max_len", None)
        if limit is not None and limit < self.options.window_words:
            raise BackendError(
                f"{self.name} reads {limit} words at once; set options.window_words of"
                f" its card to at most that, it is {self.options.window_words}"
            )
        return loaded.to(self._device()).eval()

    def predict(self, queries: Sequence[Query]) -> Iterator[Parsed]:
        """Yield all spans above the floor, windows and groups of types joined."""
        for query in queries:
            parts = [
                (window, self._marked(query, window)) for window in self._windows(query)
            ]
            mentions, left_out = joined([(w, p.mentions) for w, p in parts])
            repairs = dict.fromkeys(r for _, p in parts for r in p.repairs)
            flags = ("windows",) if len(parts) > 1 else ()
            dropped = {"window_edge": left_out} if left_out else {}
            yield Parsed(tuple(mentions), "", tuple(repairs), dropped, flags)

    def settle(self, parsed: Parsed, query: Query) -> Parsed:
        """Keep what lies above the threshold and may stand together."""
        options = self.options
        choice = Choice(options.threshold, options.overlap, options.multi_label)
        return settled(parsed, query, choice)

    def request_key(self, query: Query) -> str:
        """Return a hash of what the stored spans depend on; the threshold is not."""
        options = msgspec.structs.replace(
            self.options, threshold=0.0, overlap="free", multi_label=True, batch_size=0
        )
        checkpoint = self.card.checkpoint
        return content_hash(checkpoint, options, query.passage.text, query.entity_types)

    def details(self) -> Mapping[str, Any]:
        """Say how long passages and many types are asked."""
        options = self.options
        return {
            "long_passages": f"windows of {options.window_words} words, overlap"
            f" {options.overlap_words}",
            "types_per_call": options.max_types,
        }

    def _windows(self, query: Query) -> list[Window]:
        words = [Span(*m.span()) for m in _WORD.finditer(query.passage.text)]
        return windows(words, self.options.window_words, self.options.overlap_words)

    def _marked(self, query: Query, window: Window) -> Parsed:
        """Return the spans of one window, in characters of the passage."""
        text = query.passage.text[window.start : window.end]
        raw = [
            RawSpan(
                found["start"] + window.start,
                found["end"] + window.start,
                found["label"],
                found["text"],
                float(found["score"]),
            )
            for labels in self._groups(query)
            for found in self._ask(text, labels)
        ]
        form = SpanForm(merge=self.options.merge, types=self._types(query))
        return checked(raw, query, form, self.name)

    def _ask(self, text: str, labels: Sequence[str]) -> list[dict[str, Any]]:
        import torch

        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (found,) = self.model.inference(
                [text],
                list(labels),
                flat_ner=False,
                threshold=self.options.floor,
                multi_label=True,
                batch_size=self.options.batch_size,
            )
        return list(found)

    def _types(self, query: Query) -> dict[str, tuple[str, ...]]:
        """Asked type -> the label that is sent for it."""
        lower = self.options.lower_case_types
        return {n: (n.lower() if lower else n,) for n in query.entity_types}

    def _groups(self, query: Query) -> Iterator[list[str]]:
        labels = list(dict.fromkeys(label for (label,) in self._types(query).values()))
        for start in range(0, len(labels), self.options.max_types):
            yield labels[start : start + self.options.max_types]

    def _device(self) -> str:
        import torch

        if self.options.device != "auto":
            return self.options.device
        return "cuda" if torch.cuda.is_available() else "cpu"

    def too_wide(self, text: str) -> bool:
        """Count words as the package's splitter does."""
        width = self.options.max_width
        return width is not None and len(_WORD.findall(text)) > width

    def perfect(self, query: Query) -> Sequence[Mention]:
        """Return what such a model can mark: whole words in one piece, not too many."""
        words = [Span(*m.span()) for m in _WORD.finditer(query.passage.text)]
        first = {word.start: at for at, word in enumerate(words)}
        last = {word.end: at for at, word in enumerate(words)}
        width = self.options.max_width or len(words)
        return [
            mention
            for mention in super().perfect(query)
            for span in mention.spans
            if span.start in first and span.end in last
            if last[span.end] - first[span.start] < width
        ]
