"""A split as a parquet file that every version of `datasets` reads, and back.

Columns: `id`, `text`, `document`; `tokens`, the dataset's own tokens as offsets where
they are not the pieces between white space; `entities`, each with its type, its text
and its spans (half-open character offsets; several where a mention is discontinuous).
Nested, overlapping and repeated mentions are kept, in order.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from unibench.errors import PublishError
from unibench.schema.text import Mention, Passage, Span, mention_at


def passage_row(passage: Passage) -> dict[str, Any]:
    """Return a passage as a row."""
    return {
        "id": passage.id,
        "text": passage.text,
        "document": passage.document,
        "tokens": _offsets(passage.tokens),
        "entities": [
            {
                "entity_type": mention.entity_type,
                "text": mention.text,
                "spans": _offsets(mention.spans),
            }
            for mention in passage.mentions
        ],
    }


def passage_of(row: dict[str, Any]) -> Passage:
    """Return the passage of a row.

    Raises:
        PublishError: an entity's text is not what stands at its spans.
    """
    text: str = row["text"]
    return Passage(
        row["id"],
        text,
        tuple(_mention(entity, text, row["id"]) for entity in row["entities"]),
        row["document"],
        _spans(row["tokens"]),
    )


def split_bytes(passages: Iterable[Passage]) -> bytes:
    """Return passages as parquet: explicit schema, no metadata of any library."""
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pylist(
        [passage_row(passage) for passage in passages], schema=_schema()
    )
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer, compression="zstd", row_group_size=8192)
    return buffer.getvalue()


def read_split(content: bytes) -> list[Passage]:
    """Return the passages of a parquet file."""
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()
    return [passage_of(row) for row in rows]


def content_sha256(passages: Iterable[Passage]) -> str:
    """Return the hash of what a split says, whatever library writes the file."""
    whole = hashlib.sha256()
    for passage in passages:
        whole.update(msgspec.json.encode(passage_row(passage)) + b"\n")
    return whole.hexdigest()


def _schema() -> Any:
    import pyarrow

    number, text = pyarrow.int32(), pyarrow.string()
    spans = pyarrow.list_(pyarrow.struct({"start": number, "end": number}))
    entity = pyarrow.struct({"entity_type": text, "text": text, "spans": spans})
    return pyarrow.schema(
        {
            "id": text,
            "text": text,
            "document": text,
            "tokens": spans,
            "entities": pyarrow.list_(entity),
        }
    )


def _offsets(spans: Sequence[Span]) -> list[dict[str, int]]:
    return [{"start": span.start, "end": span.end} for span in spans]


def _spans(rows: Iterable[dict[str, int]]) -> tuple[Span, ...]:
    def each() -> Iterator[Span]:
        for row in rows:
            yield Span(row["start"], row["end"])

    return tuple(each())


def _mention(entity: dict[str, Any], text: str, where: str) -> Mention:
    spans = _spans(entity["spans"])
    try:
        mention = mention_at(text, entity["entity_type"], *spans)
    except ValueError as error:
        raise PublishError(f"passage {where}: {error}") from error
    if mention.text != entity["text"]:
        raise PublishError(
            f"passage {where}: at the spans of {entity['text']!r} stands"
            f" {mention.text!r}; the file was changed"
        )
    return mention
