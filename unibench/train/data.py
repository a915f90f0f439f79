"""The rows that a recipe is trained on: made once, kept on disk, in a fixed order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from unibench.distill.mixing.mixture import FilePart, Part, supervised_part
from unibench.distill.mixing.stream import epoch_order, mixed, part_labels
from unibench.distill.work import plain, write_whole
from unibench.errors import DataError, TrainingError
from unibench.schema.conversation import Conversation
from unibench.schema.distillation import Component
from unibench.schema.training import TrainingRecipe
from unibench.train.rows import COLUMNS, packed_rows
from unibench.train.tokens import IGNORED, Encoder, Example

ROWS, MANIFEST = "rows.arrow", "rows.json"
_BATCH = 256
_EMPTY = ("[]", "{}")

Note = Callable[[str], None]


class RowsManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What rows were made from, and what was counted on the way.

    `padding_share` is what packing left empty of rows of `max_length` tokens.
    """

    identity: str
    rows: int
    tokens: int
    learnt_tokens: int
    epochs: float
    padding_share: float
    counts: Mapping[str, int]
    parts: Mapping[str, str]


def parts_of(recipe: TrainingRecipe, folder: Path) -> list[Part]:
    """Return the parts of the mixture.

    Relative files lie below `folder`, the recipe's own, or below the working folder,
    where `unibench distill` leaves its own; the first that is there is taken.

    Raises:
        DataError: a file is missing, or a subset is not prepared on this machine.
    """
    return [_part(component, recipe, folder) for component in recipe.data.mixture]


def subsets_of(recipe: TrainingRecipe) -> tuple[str, ...]:
    """Return the subsets whose gold is learnt."""
    names = [part.subset for part in recipe.data.mixture if part.subset]
    return tuple(dict.fromkeys(names))


def conversations_of(
    parts: Sequence[Part], recipe: TrainingRecipe, epoch: int, counts: Counter[str]
) -> Iterator[Conversation]:
    """Yield what one epoch reads, in its order."""
    chosen = epoch_order(parts, recipe.seed, epoch)
    return mixed(parts, chosen, epoch, counts, lambda _: None)


def make_rows(
    recipe: TrainingRecipe,
    parts: Sequence[Part],
    encoder: Encoder,
    folder: Path,
    identity: str,
) -> RowsManifest:
    """Write the rows of all epochs below `folder`, or take those that are there.

    Raises:
        TrainingError: nothing is left to learn.
    """
    path = folder / MANIFEST
    if path.is_file():
        found = msgspec.json.decode(path.read_bytes(), type=RowsManifest)
        if found.identity == identity:
            return found
    folder.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    stream = _limited(_all_rows(recipe, parts, encoder, counts, totals), recipe, totals)
    write_rows(folder / ROWS, stream, COLUMNS)
    _check(recipe, totals, counts)
    packing = recipe.format.packing
    room = totals["rows"] * recipe.format.max_length if packing else totals["tokens"]
    manifest = RowsManifest(
        identity=identity,
        rows=totals["rows"],
        tokens=totals["tokens"],
        learnt_tokens=totals["learnt"],
        epochs=recipe.data.epochs,
        padding_share=1 - totals["tokens"] / room,
        counts=dict(sorted(counts.items())),
        parts=dict(zip(part_labels(parts), (p.identity for p in parts), strict=True)),
    )
    write_whole(path, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    return manifest


def load_rows(folder: Path) -> Any:
    """Return the rows as a memory-mapped `datasets.Dataset`."""
    import datasets

    return datasets.Dataset.from_file(str(folder / ROWS))


def rows_identity(recipe: TrainingRecipe, parts: Sequence[Part], base: str) -> Any:
    """Return what rows depend on: data, format, seed, budget and the tokenizer."""
    return plain(
        {
            "data": recipe.data,
            "format": recipe.format,
            "seed": recipe.seed,
            "max_tokens": recipe.max_tokens,
            "parts": [part.identity for part in parts],
            "base": base,
        }
    )


def _part(component: Component, recipe: TrainingRecipe, folder: Path) -> Part:
    if component.subset:
        return supervised_part(component, recipe.data, recipe.seed)
    named = Path(component.file).expanduser()
    places = tuple(dict.fromkeys((folder / named, Path.cwd() / named)))
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise DataError(
            f"{component.file}: there is no such file of conversations beside the"
            f" recipe ({folder}) or in this folder ({Path.cwd()}); correct 'file' in"
            " the mixture, or make it with 'unibench distill conversations'"
        )
    return FilePart(path, component, recipe.seed)


def _all_rows(
    recipe: TrainingRecipe,
    parts: Sequence[Part],
    encoder: Encoder,
    counts: Counter[str],
    totals: Counter[str],
) -> Iterator[dict[str, list[int]]]:
    wanted = recipe.format
    for epoch in range(recipe.data.epochs):
        told = (
            _tell(conversation, totals)
            for conversation in conversations_of(parts, recipe, epoch, counts)
        )
        examples: Iterator[Example] = chain.from_iterable(
            encoder.examples(conversation, counts) for conversation in told
        )
        yield from packed_rows(
            examples,
            wanted.max_length,
            packing=wanted.packing,
            seed=(recipe.seed, epoch),
        )


def _tell(conversation: Conversation, totals: Counter[str]) -> Conversation:
    answers = [conversation.conversations[at].value for at in conversation.answers]
    totals["filled_answers"] += sum(text.strip() not in _EMPTY for text in answers)
    return conversation


def _limited(
    rows: Iterator[dict[str, list[int]]], recipe: TrainingRecipe, totals: Counter[str]
) -> Iterator[dict[str, list[int]]]:
    """Pass rows on until the budget is used up."""
    for row in rows:
        totals["rows"] += 1
        totals["tokens"] += len(row["input_ids"])
        totals["learnt"] += sum(label != IGNORED for label in row["labels"])
        yield row
        if recipe.max_tokens and totals["tokens"] >= recipe.max_tokens:
            return


def write_rows(
    path: Path, rows: Iterator[dict[str, list[int]]], columns: Sequence[str]
) -> None:
    """Write rows as an Arrow stream, in bounded memory; all or nothing."""
    import pyarrow as pa

    schema = pa.schema([(name, pa.list_(pa.int32())) for name in columns])
    partial = path.with_name(path.name + ".part")
    batch: list[dict[str, list[int]]] = []
    with pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_stream(sink, schema) as out:
        for row in rows:
            batch.append(row)
            if len(batch) == _BATCH:
                out.write_batch(pa.RecordBatch.from_pylist(batch, schema))
                batch = []
        if batch:
            out.write_batch(pa.RecordBatch.from_pylist(batch, schema))
    partial.replace(path)


def _check(recipe: TrainingRecipe, totals: Counter[str], counts: Counter[str]) -> None:
    if not totals["learnt"]:
        long = counts["queries_too_long"]
        raise TrainingError(
            f"{recipe.title}: nothing is left to learn from {totals['rows']} rows"
            f" ({long} queries were longer than format.max_length,"
            f" {recipe.format.max_length} tokens)"
        )
    if not totals["filled_answers"]:
        raise TrainingError(
            f"{recipe.title}: every answer in the data is an empty list, so a model"
            " would learn to find nothing; check 'data.mixture' and its labels"
        )
