"""Read a corpus into a sampler, in steps that can be saved and continued."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from unibench.distill.corpus.chunks import Chunk, cut_all, fitted, most_chunks
from unibench.distill.corpus.documents import BadRows, Document, Part, rows_of
from unibench.distill.corpus.language import LanguageFilter
from unibench.distill.corpus.overlap import OverlapIndex
from unibench.distill.corpus.sample import Kept, SampledPassage, Sampler, keys_of
from unibench.distill.corpus.tokens import token_counter
from unibench.distill.work import Progress
from unibench.errors import RunError
from unibench.schema.distillation import PassageRecipe

_BATCH_CHARACTERS = 1 << 19


class State(msgspec.Struct, kw_only=True):
    """How far the stream was read: what an interrupted stage goes on from."""

    settings: dict[str, Any]
    parts: list[tuple[str, int]]
    part: int = 0
    row: int = 0
    counts: dict[str, int] = {}
    bad: dict[str, int] = {}
    bad_in_part: dict[str, int] = {}
    rows_in_part: int = 0
    kept: dict[str, list[Kept]] = {}


class PassageStream:
    """Reads the corpus into a sampler, from where `state` says it was left."""

    def __init__(
        self,
        recipe: PassageRecipe,
        parts: Sequence[Part],
        state: State,
        *,
        seed: int,
        overlap: OverlapIndex | None,
    ) -> None:
        """Load the tokenizer and the filters, and what was kept before."""
        self.recipe, self.seed, self.parts, self.state = recipe, seed, parts, state
        self.tokens = token_counter(recipe.tokenizer)
        self.language = LanguageFilter(recipe.languages)
        self.overlap = overlap
        self.sampler = Sampler(recipe.sample, recipe.stratify, reserve=recipe.reserve)
        self.sampler.restore(state.kept)
        self.counts = Counter(state.counts)
        self.bad = BadRows(recipe.max_bad_share)
        self.bad.reasons.update(state.bad)
        self.bad.in_part.update(state.bad_in_part)
        self.bad.rows = state.rows_in_part

    def read(
        self, progress: Progress, save: Callable[[], None], checkpoint_s: float
    ) -> None:
        """Read to the end; `save` is called now and then with the state up to date."""
        progress.start("documents", None, " documents")
        progress.advance(self.counts["documents"])
        saved = time.monotonic()
        for number in range(self.state.part, len(self.parts)):
            for row, batch in self._batches(self.parts[number], self.state.row):
                self._take(batch)
                progress.advance(len(batch))
                if time.monotonic() - saved >= checkpoint_s:
                    self._remember(number, row)
                    save()
                    saved = time.monotonic()
            self._remember(number + 1, 0)
            self.bad.start()
        progress.close()

    def _batches(self, part: Part, skip: int) -> Iterator[tuple[int, list[Document]]]:
        """Yield (number of rows read, documents) of about half a million characters."""
        batch: list[Document] = []
        size, row = 0, skip
        for row, rows in enumerate(rows_of(part, skip), start=skip + 1):
            self.bad.see(rows, part)
            documents = [r for r in rows if isinstance(r, Document)]
            batch += documents
            size += sum(len(document.text) for document in documents)
            if size >= _BATCH_CHARACTERS:
                yield row, batch
                batch, size = [], 0
        self.bad.end(part)
        yield row, batch

    def _take(self, batch: Sequence[Document]) -> None:
        """Cut those documents of a batch that may enter the sample."""
        self.counts["documents"] += len(batch)
        opened: list[tuple[Document, Any]] = []
        for document in batch:
            reservoir = self.sampler.reservoir(document.source)
            if reservoir is None:
                self.counts["documents_of_other_sources"] += 1
                continue
            most = most_chunks(document.text, self.recipe.max_tokens)
            keys = keys_of(document.key, most, self.seed)
            if not self.recipe.skip_unsampled or int(keys.min()) < reservoir.limit:
                opened.append((document, keys))
        self.counts["documents_cut"] += len(opened)
        texts = [document.text for document, _ in opened]
        cut = cut_all(texts, self.recipe.max_tokens, self.tokens)
        for (document, keys), chunks in zip(opened, cut, strict=True):
            self._offer(document, keys.tolist(), chunks)

    def _offer(
        self, document: Document, keys: Sequence[int], chunks: Sequence[Chunk]
    ) -> None:
        self.counts["passages_cut"] += len(chunks)
        if len(chunks) > len(keys):
            raise RunError(
                f"{document.key}: {len(chunks)} passages where {len(keys)} were thought"
                " possible; set `skip_unsampled: false` and a larger `max_tokens`"
            )
        reservoir = self.sampler.reservoir(document.source)
        for number, chunk in enumerate(chunks):
            if reservoir is None or keys[number] >= reservoir.limit:
                continue
            passage = self._passage(document, number, chunk)
            if reason := self._rejected(passage):
                self.counts[f"rejected.{reason}"] += 1
            else:
                reservoir.add(keys[number], passage)

    def _passage(self, document: Document, number: int, chunk: Chunk) -> SampledPassage:
        self.counts["candidates"] += 1
        whole = document.text[chunk.start : chunk.end]
        text, tokens = fitted(whole, self.recipe.max_tokens, self.tokens)
        self.counts["shortened"] += len(text) < len(whole)
        return SampledPassage(
            id=f"{document.key}#{number}",
            source=document.source,
            document=document.key,
            tokens=tokens,
            text=text,
        )

    def _rejected(self, passage: SampledPassage) -> str:
        if passage.tokens < self.recipe.min_tokens:
            return "too_short"
        if not self.language.accepts(passage.text):
            return "other_language"
        if self.overlap is not None and self.overlap.overlaps(passage.text):
            return "test_overlap"
        return ""

    def _remember(self, part: int, row: int) -> None:
        self.state.part, self.state.row = part, row
        self.state.counts = dict(self.counts)
        self.state.bad = dict(self.bad.reasons)
        inside = row > 0
        self.state.bad_in_part = dict(self.bad.in_part) if inside else {}
        self.state.rows_in_part = self.bad.rows if inside else 0
        self.state.kept = self.sampler.kept()
