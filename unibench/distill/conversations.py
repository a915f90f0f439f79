"""Stage `conversations`: training data in the published schema, with its card."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unibench.distill.card import dataset_card
from unibench.distill.filtering import PAIRS, read_pairs
from unibench.distill.mixing.mixture import (
    FilePart,
    Part,
    distilled_part,
    supervised_part,
)
from unibench.distill.mixing.stream import PART, epoch_order, mixed, part_labels
from unibench.distill.statistics import PLOT, STATISTICS
from unibench.distill.work import (
    Progress,
    StageManifest,
    WorkFolder,
    plain,
    write_whole,
)
from unibench.errors import DataError, RunError
from unibench.schema.distillation import Component, DistillationRecipe
from unibench.schema.jsonl import write_rows

DATASET = "dataset"
CARD = f"{DATASET}/README.md"


def make_conversations(
    recipe: DistillationRecipe, work: WorkFolder, folder: Path, progress: Progress
) -> StageManifest:
    """Write `dataset/`: conversations for each epoch, statistics and a card.

    Raises:
        RunError: an earlier stage is not done yet.
        DataError: a part of the mixture cannot be had.
    """
    wanted = recipe.conversations
    settings = plain(
        {
            "seed": recipe.seed,
            "title": recipe.title,
            "license": recipe.license,
            "languages": recipe.languages,
            "conversations": wanted,
        }
    )
    progress.note("reading the parts of the mixture")
    parts = [_part(component, recipe, work, folder) for component in wanted.mixture]
    inputs = {name: parts[n].identity for n, name in enumerate(part_labels(parts))}
    if found := work.done("conversations", settings, inputs):
        return found
    started = time.monotonic()
    counts: Counter[str] = Counter()
    rows: dict[str, int | None] = {}
    for epoch in range(wanted.epochs):
        name = train_file(epoch)
        chosen = epoch_order(parts, recipe.seed, epoch)
        progress.start(name, len(chosen), " conversations")
        stream = mixed(parts, chosen, epoch, counts, progress.advance)
        rows[name] = write_rows(work.file(name), stream)
        progress.close()
    if not any(rows.values()):
        raise RunError(f"{work.recipe}: the mixture gives not one conversation")
    report = _report(parts, counts, rows)
    rows |= _accompany(recipe, work, report)
    return work.finish(
        "conversations",
        settings=settings,
        inputs=inputs,
        rows=rows,
        counts=report,
        seconds=time.monotonic() - started,
    )


def train_file(epoch: int) -> str:
    """Return where the conversations of an epoch lie."""
    name = "train" if epoch == 0 else f"train-epoch-{epoch + 1}"
    return f"{DATASET}/{name}.jsonl"


def _part(
    component: Component, recipe: DistillationRecipe, work: WorkFolder, folder: Path
) -> Part:
    if component.subset:
        return supervised_part(component, recipe.conversations, recipe.seed)
    if component.file:
        path = folder / Path(component.file).expanduser()
        if not path.is_file():
            raise DataError(
                f"{path}: there is no such file of conversations; correct `file` in"
                f" the mixture of {work.recipe}"
            )
        return FilePart(path, component, recipe.seed)
    work.required("stats")
    return distilled_part(
        component,
        recipe.conversations,
        read_pairs(work),
        seed=recipe.seed,
        identity=work.required("filter").files[PAIRS].sha256,
    )


def _report(
    parts: Sequence[Part], counts: Counter[str], rows: dict[str, int | None]
) -> dict[str, Any]:
    return {
        "files": dict(rows),
        "parts": {
            label: {
                "different": len(part),
                "weight": part.weight,
                "taken": counts[f"{PART}{label}"],
            }
            for label, part in zip(part_labels(parts), parts, strict=True)
        },
        **{k: n for k, n in sorted(counts.items()) if not k.startswith(PART)},
    }


def _accompany(
    recipe: DistillationRecipe, work: WorkFolder, report: dict[str, Any]
) -> dict[str, int | None]:
    """Write the dataset card, and what it shows, beside the conversations."""
    rows: dict[str, int | None] = {}
    if any(component.distilled for component in recipe.conversations.mixture):
        for name in (STATISTICS, PLOT):
            content = work.file(name).read_bytes()
            write_whole(work.file(f"{DATASET}/{name}"), content)
            rows[f"{DATASET}/{name}"] = None
    write_whole(work.file(CARD), dataset_card(recipe, work, report).encode())
    return rows | {CARD: None}
