"""Token classifiers of transformers: one label a word, BIO or IO (BERT baselines)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from unibench.adapters.base import SpanAdapter
from unibench.adapters.formats import words_of
from unibench.adapters.spans import Notes, RawSpan, SpanForm, checked
from unibench.adapters.windows import Window, joined, windows
from unibench.backends.weight_package import quietly
from unibench.backends.weights import weights_folder
from unibench.errors import BackendError, CardError, MissingExtraError
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Parsed, Query
from unibench.schema.strict_yaml import convert
from unibench.schema.text import Mention, Span

_UNNAMED = re.compile(r"LABEL_\d+")
_TAG = re.compile(r"(?:([BIESLU])[-_])?(.+)", re.DOTALL)


class TokenOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card's `options:` may say.

    `types` maps an asked type to the checkpoint's labels (without B- and I-) that
    mean it. A window of `window_words` words must fit into the model's sub-words.
    """

    types: Mapping[str, tuple[str, ...]]
    window_words: int = 200
    overlap_words: int = 30
    batch_size: int = 16
    device: str = "auto"


class TokenClassifier(SpanAdapter):
    """Label the first sub-word of each word, and read BIO as conlleval does."""

    def __init__(self, card: ModelCard) -> None:
        """Read the options; the weights are loaded by `predict`."""
        super().__init__(card)
        self.name = card.title or card.checkpoint.id
        self.options = convert(card.options, TokenOptions, f"options of {self.name}")
        if not 0 <= self.options.overlap_words < self.options.window_words:
            raise CardError(
                f"options of {self.name}: overlap_words must be less than window_words"
            )

    @cached_property
    def loaded(self) -> tuple[Any, Any, dict[int, str]]:
        """Model, tokenizer, and the labels by number.

        Raises:
            MissingExtraError: transformers is not installed.
            BackendError: the checkpoint has no labels or no fast tokenizer.
            CardError: the map names a label that it does not have.
        """
        try:
            import torch
            from transformers import AutoModelForTokenClassification, AutoTokenizer
        except ImportError as error:
            raise MissingExtraError(self.name, "local") from error
        folder = weights_folder(self.card.checkpoint)
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, add_prefix_space=True)
            model = quietly(
                lambda: AutoModelForTokenClassification.from_pretrained(folder)
            )
        except (OSError, ValueError, KeyError) as error:
            raise BackendError(
                f"{self.name} cannot be loaded as a token classifier: {error}"
            ) from error
        labels = {int(k): str(v) for k, v in model.config.id2label.items()}
        self._check(labels, tokenizer)
        gpu = torch.cuda.is_available() and self.options.device == "auto"
        device = "cuda" if gpu else self.options.device.replace("auto", "cpu")
        return model.to(device).eval(), tokenizer, labels

    def predict(self, queries: Sequence[Query]) -> Iterator[Parsed]:
        """Yield the mentions of each query; long passages in windows."""
        form = SpanForm(types=self.options.types)
        for query in queries:
            words = words_of(query)
            notes = Notes()
            cuts = windows(words, self.options.window_words, self.options.overlap_words)
            parts = [
                (
                    w,
                    checked(
                        self._window(query, words, w, notes), query, form, self.name
                    ),
                )
                for w in cuts
            ]
            mentions, left_out = joined([(w, p.mentions) for w, p in parts])
            for _, part in parts:
                notes.dropped.update(part.dropped)
            if left_out:
                notes.dropped["window_edge"] += left_out
            flags = ("windows",) if len(parts) > 1 else ()
            yield notes.parsed(mentions, Parsed(flags=flags))

    def unknown_types(self, query: Query) -> tuple[str, ...]:
        """Return the asked types that the map does not know."""
        return tuple(t for t in query.entity_types if t not in self.options.types)

    def details(self) -> Mapping[str, Any]:
        """Say how long passages are read."""
        options = self.options
        return {
            "long_passages": f"windows of {options.window_words} words, overlap"
            f" {options.overlap_words}"
        }

    def perfect(self, query: Query) -> Sequence[Mention]:
        """Return what word tags can hold: whole words, no overlap, longest first."""
        words = words_of(query)
        starts, ends = {w.start for w in words}, {w.end for w in words}
        kept: list[Mention] = []
        for mention in sorted(super().perfect(query), key=lambda m: -len(m.text)):
            (span,) = mention.spans
            whole = span.start in starts and span.end in ends
            if whole and all(
                span.end <= k.spans[0].start or k.spans[0].end <= span.start
                for k in kept
            ):
                kept.append(mention)
        return sorted(kept, key=lambda m: m.spans)

    def _check(self, labels: Mapping[int, str], tokenizer: Any) -> None:
        if any(_UNNAMED.fullmatch(label) for label in labels.values()):
            raise BackendError(
                f"{self.name} does not say what its labels mean (LABEL_0, ...): its"
                " config needs id2label"
            )
        if not tokenizer.is_fast:
            raise BackendError(f"{self.name} has no fast tokenizer, which words need")
        bare = {_split(label)[1] for label in labels.values() if label != "O"}
        declared = {label for names in self.options.types.values() for label in names}
        if unknown := sorted(declared - bare):
            raise CardError(
                f"options of {self.name}: the checkpoint has no label {unknown[0]!r};"
                f" its labels are {', '.join(sorted(bare))}"
            )

    def _window(
        self, query: Query, words: Sequence[Span], window: Window, notes: Notes
    ) -> list[RawSpan]:
        """Return the spans of one window in characters of the passage."""
        inside = [w for w in words if window.start <= w.start and w.end <= window.end]
        texts = [query.passage.text[w.start : w.end] for w in inside]
        tags = self._tags(texts, query.passage.id)
        spans: list[RawSpan] = []
        previous = ""
        for word, tag in zip(inside, tags, strict=True):
            prefix, name = _split(tag) if tag != "O" else ("", "")
            goes_on = bool(name) and name == previous and prefix not in {"B", "S", "U"}
            if prefix in {"I", "E", "L"} and not goes_on:
                notes.repairs["type_switch" if previous else "orphan_i"] = None
            if goes_on:
                spans[-1] = RawSpan(spans[-1].start, word.end, name)
            elif name:
                spans.append(RawSpan(word.start, word.end, name))
            previous = name
        return spans

    def _tags(self, texts: Sequence[str], passage: str) -> list[str]:
        """Return one tag for each word: that of its first sub-word."""
        import torch

        model, tokenizer, labels = self.loaded
        encoded = tokenizer(
            [list(texts)], is_split_into_words=True, return_tensors="pt", verbose=False
        )
        limit = getattr(model.config, "max_position_embeddings", None)
        length = encoded["input_ids"].shape[1]
        if limit is not None and length > limit:
            raise BackendError(
                f"{self.name}, passage {passage!r}: a window of {len(texts)} words has"
                f" {length} sub-words, the model reads {limit}; lower"
                " options.window_words of its card"
            )
        numbers = encoded.word_ids(0)
        with torch.inference_mode():
            logits = model(**{k: v.to(model.device) for k, v in encoded.items()}).logits
        best = logits[0].argmax(-1).tolist()
        first = {n: at for at, n in reversed(list(enumerate(numbers))) if n is not None}
        # A word without sub-words (control characters) has nothing to be labelled by.
        return [
            labels[best[first[n]]] if n in first else "O" for n in range(len(texts))
        ]


def _split(label: str) -> tuple[str, str]:
    """Return (prefix, type) of a label; IO labels have no prefix."""
    match = _TAG.fullmatch(label)
    return (match[1] or "", match[2]) if match else ("", label)
