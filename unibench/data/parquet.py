"""Passages with raw labels as parquet: written in batches, read back fast.

Columns: `id`, `text`, `document`; `labels`, one a mention; `spans`, one list of offsets
a mention (start, end, start, end, ...); `tokens`, offsets of the dataset's own tokens.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from unibench.errors import DataError
from unibench.schema.dataset_card import SplitStatistics
from unibench.schema.text import Passage, Span, mention_at

_BATCH = 4096  # passages


class PreparedSplit(msgspec.Struct, frozen=True, kw_only=True):
    """What a split holds; `texts` and `gold` are hashes over all passages in order."""

    statistics: SplitStatistics
    texts: str
    gold: str


class SplitWriter:
    """Writes one split in bounded memory and counts what it holds."""

    def __init__(self, path: Path, dropped: Collection[str]) -> None:
        """Take the file to write, and the labels that do not count as kept."""
        import pyarrow
        import pyarrow.parquet

        numbers = pyarrow.list_(pyarrow.int32())
        label = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
        self.schema = pyarrow.schema(
            {
                "id": pyarrow.string(),
                "text": pyarrow.string(),
                "document": pyarrow.string(),
                "labels": pyarrow.list_(label),
                "spans": pyarrow.list_(numbers),
                "tokens": numbers,
            }
        )
        self.dropped = frozenset(dropped)
        self.writer = pyarrow.parquet.ParquetWriter(
            path, self.schema, compression="zstd"
        )
        self.rows: list[Passage] = []
        self.count = self.empty = 0
        self.labels: Counter[str] = Counter()
        self.texts, self.gold = hashlib.sha256(), hashlib.sha256()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.writer.close()

    def add(self, passage: Passage) -> None:
        """Add one passage at the end."""
        labels = [mention.entity_type for mention in passage.mentions]
        self.labels.update(labels)
        self.empty += self.dropped.issuperset(labels)
        self.texts.update(text_digest(passage))
        self.gold.update(gold_digest(passage))
        self.rows.append(passage)
        self.count += 1
        if len(self.rows) >= _BATCH:
            self._write()

    def finish(self) -> PreparedSplit:
        """Write what is left, and return what was counted."""
        self._write()
        kept = sum(n for label, n in self.labels.items() if label not in self.dropped)
        statistics = SplitStatistics(
            passages=self.count,
            mentions=kept,
            empty=self.empty,
            labels=dict(sorted(self.labels.items())),
        )
        return PreparedSplit(
            statistics=statistics,
            texts=self.texts.hexdigest(),
            gold=self.gold.hexdigest(),
        )

    def _write(self) -> None:
        import pyarrow

        rows, self.rows = self.rows, []
        columns = {
            "id": [row.id for row in rows],
            "text": [row.text for row in rows],
            "document": [row.document for row in rows],
            "labels": [[m.entity_type for m in row.mentions] for row in rows],
            "spans": [[_flat(m.spans) for m in row.mentions] for row in rows],
            "tokens": [_flat(row.tokens) for row in rows],
        }
        if rows:
            batch = pyarrow.RecordBatch.from_pydict(columns, schema=self.schema)
            self.writer.write_batch(batch)


def read_split(path: Path) -> list[Passage]:
    """Return the passages of a prepared split, with raw labels.

    Raises:
        DataError: the file is damaged.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path).combine_chunks()
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{path}: the prepared set cannot be read ({error}); delete"
            f" {path.parent.parent} and prepare it again"
        ) from error
    passages: list[Passage] = []
    for batch in table.to_batches():
        passages += _passages(batch)
    return passages


def text_digest(passage: Passage) -> bytes:
    """Return the hash of a passage's text."""
    return hashlib.sha256(passage.text.encode()).digest()


def gold_digest(passage: Passage) -> bytes:
    """Return the hash of a passage's text and its mentions with raw labels."""
    mentions = [[m.entity_type, _flat(m.spans)] for m in passage.mentions]
    return hashlib.sha256(msgspec.json.encode([passage.text, mentions])).digest()


def _passages(batch: Any) -> list[Passage]:
    ids, texts = batch["id"].to_pylist(), batch["text"].to_pylist()
    documents = batch["document"].to_pylist()
    labels = batch["labels"]
    names = labels.values.dictionary.to_pylist()
    codes = labels.values.indices.to_numpy().tolist()
    spans = batch["spans"]
    span_ends = spans.values.offsets.to_numpy().tolist()
    numbers = spans.values.values.to_numpy().tolist()
    tokens = batch["tokens"]
    token_numbers = tokens.values.to_numpy().tolist()
    places = pairwise(spans.offsets.to_numpy().tolist())
    token_places = pairwise(tokens.offsets.to_numpy().tolist())
    passages = []
    for i, ((low, high), (first, last)) in enumerate(
        zip(places, token_places, strict=True)
    ):
        text = texts[i]
        mentions = tuple(
            mention_at(
                text,
                names[codes[m]],
                *_spans(numbers[span_ends[m] : span_ends[m + 1]]),
            )
            for m in range(low, high)
        )
        own = _spans(token_numbers[first:last])
        passages.append(Passage(ids[i], text, mentions, documents[i], own))
    return passages


def _flat(spans: Sequence[Span]) -> list[int]:
    return [place for span in spans for place in (span.start, span.end)]


def _spans(numbers: Sequence[int]) -> tuple[Span, ...]:
    return tuple(map(Span, numbers[::2], numbers[1::2]))
