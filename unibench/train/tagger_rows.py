"""Passages as rows of sub-words with BIO labels, for token classification."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from unibench.adapters.formats import words_of
from unibench.data.api import load_prepared
from unibench.distill.mixing.mixture import InstancePart, supervised_part
from unibench.distill.mixing.stream import PART, epoch_order, part_labels
from unibench.distill.work import write_whole
from unibench.errors import TrainingError
from unibench.schema.distillation import Component
from unibench.schema.query import Query
from unibench.schema.text import Passage, Span
from unibench.schema.training import TrainingRecipe
from unibench.train.data import MANIFEST, ROWS, RowsManifest, write_rows
from unibench.train.tokens import IGNORED

OUTSIDE = "O"
COLUMNS = ("input_ids", "labels")
_MANY = 10
"""Words from which a passage says how many sub-words a word has."""


class TaggerManifest(RowsManifest, frozen=True, kw_only=True):
    """What rows were made from, with the entity types and how dense the text is.

    `pieces_per_word` is that of the densest passage of at least ten words.
    """

    types: tuple[str, ...]
    pieces_per_word: float


class TaggedPart:
    """The passages of one part of a mixture, and the types of its subset."""

    def __init__(self, component: Component, recipe: TrainingRecipe) -> None:
        """Load the passages.

        Raises:
            UnavailableError: the subset is not prepared on this machine.
        """
        self.part: InstancePart = supervised_part(component, recipe.data, recipe.seed)
        prepared = load_prepared(
            component.subset, component.split, labels=component.labels
        )
        known = {f"{component.subset}/{p.id}": p for p in prepared.passages}
        self.passages = [known[one.id] for one in self.part.instances]
        self.types = prepared.entity_types


class Tagged(msgspec.Struct, frozen=True):
    """The words of a passage, and the tag of each."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


def tagged(passage: Passage, counts: Counter[str]) -> Tagged:
    """Return a passage with BIO tags; what tags cannot say is counted.

    Of overlapping mentions the longest stays, of equally long ones the first. A
    mention that covers a part of a word tags the whole word. A discontinuous one is
    left out.
    """
    words = words_of(Query(passage, ()))
    tags = [OUTSIDE] * len(words)
    whole = [m for m in passage.mentions if len(m.spans) == 1]
    counts["mentions_discontinuous"] += len(passage.mentions) - len(whole)
    for mention in sorted(
        whole, key=lambda m: (_start(m.spans) - _end(m.spans), m.spans)
    ):
        (span,) = mention.spans
        inside = [n for n, w in enumerate(words) if _touch(w, span)]
        if not inside:
            counts["mentions_without_words"] += 1
            continue
        if any(tags[at] != OUTSIDE for at in inside):
            counts["mentions_overlapping"] += 1
            continue
        exact = (
            words[inside[0]].start == span.start and words[inside[-1]].end == span.end
        )
        counts["mentions" if exact else "mentions_widened"] += 1
        tags[inside[0]] = f"B-{mention.entity_type}"
        for at in inside[1:]:
            tags[at] = f"I-{mention.entity_type}"
    texts = tuple(passage.text[word.start : word.end] for word in words)
    return Tagged(texts, tuple(tags))


class TagEncoder:
    """Turns tagged words into rows of at most `width` sub-words.

    The label of a word stands at its first sub-word, where the adapter
    `token_classifier` reads it; all others are not learnt.
    """

    def __init__(self, tokenizer: Any, labels: Mapping[str, int], width: int) -> None:
        """Take the tokenizer, the number of each label and the length of a row."""
        self.tokenizer, self.labels = tokenizer, labels
        self.before, self.after = _special_tokens(tokenizer)
        self.room = width - len(self.before) - len(self.after)
        if self.room < 1:
            raise TrainingError(
                f"'format.max_length' is {width}, which leaves no room for words beside"
                " the tokenizer's special tokens"
            )
        self.densest = 1.0

    def rows(self, one: Tagged, counts: Counter[str]) -> Iterator[dict[str, list[int]]]:
        """Yield the rows of a passage: one, or several windows of a long one."""
        if not one.words:
            counts["passages_without_words"] += 1
            return
        pieces, labels = self._pieces(one)
        if len(one.words) >= _MANY:
            whole = sum(map(len, pieces)) / len(one.words)
            self.densest = max(self.densest, whole)
        cuts = windows_of([len(p) for p in pieces], one.tags, self.room)
        counts["passages_in_windows"] += len(cuts) > 1
        for first, last in cuts:
            ids = [at for piece in pieces[first:last] for at in piece]
            learnt = [at for label in labels[first:last] for at in label]
            counts["words_cut"] += len(ids) > self.room
            yield self._row(ids[: self.room], learnt[: self.room])

    def _pieces(self, one: Tagged) -> tuple[list[list[int]], list[list[int]]]:
        encoded = self.tokenizer(
            [list(one.words)], is_split_into_words=True, add_special_tokens=False,
            verbose=False,
        )  # fmt: skip
        pieces: list[list[int]] = [[] for _ in one.words]
        for at, word in zip(encoded["input_ids"][0], encoded.word_ids(0), strict=True):
            pieces[word].append(at)
        labels = [
            [self.labels[tag], *[IGNORED] * (len(piece) - 1)] if piece else []
            for tag, piece in zip(one.tags, pieces, strict=True)
        ]
        return pieces, labels

    def _row(self, ids: list[int], labels: list[int]) -> dict[str, list[int]]:
        before, after = [IGNORED] * len(self.before), [IGNORED] * len(self.after)
        return {
            "input_ids": self.before + ids + self.after,
            "labels": before + labels + after,
        }


def _special_tokens(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Return what the tokenizer puts before and after the words of a text."""
    encoded = tokenizer([["a"]], is_split_into_words=True, verbose=False)
    ids, words = encoded["input_ids"][0], encoded.word_ids(0)
    return ids[: words.index(0)], ids[len(words) - words[::-1].index(0) :]


def windows_of(
    sizes: Sequence[int], tags: Sequence[str], room: int
) -> list[tuple[int, int]]:
    """Cut words into windows of at most `room` sub-words, not inside a mention.

    A mention, or a word, that is longer than a window is cut all the same.
    """
    cuts: list[tuple[int, int]] = []
    first = 0
    while first < len(sizes):
        last, used = first, 0
        while last < len(sizes) and (used + sizes[last] <= room or last == first):
            used += sizes[last]
            last += 1
        if last < len(sizes):
            at = last
            while at > first and tags[at].startswith("I-"):
                at -= 1
            last = at if at > first else last
        cuts.append((first, last))
        first = last
    return cuts


def label_numbers(types: Sequence[str]) -> dict[str, int]:
    """Return the number of each label: outside, then beginning and inside of each."""
    names = [OUTSIDE, *(f"{mark}-{name}" for name in types for mark in "BI")]
    return {name: at for at, name in enumerate(names)}


def tagger_parts(recipe: TrainingRecipe) -> list[TaggedPart]:
    """Return the parts of the mixture.

    Raises:
        UnavailableError: a subset is not prepared on this machine.
    """
    return [TaggedPart(component, recipe) for component in recipe.data.mixture]


def types_of(parts: Sequence[TaggedPart]) -> tuple[str, ...]:
    """Return the types of all parts, each once."""
    return tuple(dict.fromkeys(name for part in parts for name in part.types))


def make_tagger_rows(
    recipe: TrainingRecipe,
    parts: Sequence[TaggedPart],
    encoder: TagEncoder,
    folder: Path,
    identity: str,
) -> TaggerManifest:
    """Write the rows of all epochs below `folder`, or take those that are there.

    Raises:
        TrainingError: there is no mention to learn.
    """
    path = folder / MANIFEST
    if path.is_file():
        found = msgspec.json.decode(path.read_bytes(), type=TaggerManifest)
        if found.identity == identity:
            return found
    folder.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    write_rows(
        folder / ROWS, _all_rows(recipe, parts, encoder, counts, totals), COLUMNS
    )
    if not counts["mentions"] + counts["mentions_widened"]:
        raise TrainingError(
            f"{recipe.title}: no passage of 'data.mixture' has a mention, so a model"
            " would learn to find nothing"
        )
    inner = [part.part for part in parts]
    manifest = TaggerManifest(
        identity=identity,
        rows=totals["rows"],
        tokens=totals["tokens"],
        learnt_tokens=totals["learnt"],
        epochs=recipe.data.epochs,
        padding_share=0.0,
        counts=dict(sorted((k, n) for k, n in counts.items() if n)),
        parts=dict(zip(part_labels(inner), (p.identity for p in inner), strict=True)),
        types=types_of(parts),
        pieces_per_word=round(encoder.densest, 3),
    )
    write_whole(path, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    return manifest


def _all_rows(
    recipe: TrainingRecipe,
    parts: Sequence[TaggedPart],
    encoder: TagEncoder,
    counts: Counter[str],
    totals: Counter[str],
) -> Iterator[dict[str, list[int]]]:
    inner = [part.part for part in parts]
    labels = part_labels(inner)
    for epoch in range(recipe.data.epochs):
        for number, index, _ in epoch_order(inner, recipe.seed, epoch):
            counts[f"{PART}{labels[number]}"] += 1
            one = tagged(parts[number].passages[index], counts)
            for row in encoder.rows(one, counts):
                totals["rows"] += 1
                totals["tokens"] += len(row["input_ids"])
                totals["learnt"] += sum(label != IGNORED for label in row["labels"])
                yield row
            if recipe.max_tokens and totals["tokens"] >= recipe.max_tokens:
                return


def _start(spans: Sequence[Span]) -> int:
    return spans[0].start


def _end(spans: Sequence[Span]) -> int:
    return spans[0].end


def _touch(word: Span, span: Span) -> bool:
    return word.start < span.end and span.start < word.end
