"""Stage `passages`: stream a corpus, keep a uniform sample, leave out repetitions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from unibench.distill.corpus.documents import Part, parts_of
from unibench.distill.corpus.duplicates import DuplicateFilter
from unibench.distill.corpus.held_out import held_out
from unibench.distill.corpus.overlap import OverlapIndex
from unibench.distill.corpus.sample import SampledPassage, Sampler
from unibench.distill.corpus.stream import PassageStream, State
from unibench.distill.work import (
    Progress,
    StageManifest,
    WorkFolder,
    check_settings,
    plain,
    write_whole,
)
from unibench.errors import DataError, RunError
from unibench.schema.distillation import DistillationRecipe, PassageRecipe
from unibench.schema.jsonl import write_rows

PASSAGES = "passages.jsonl"
STATE = "passages.state"
CHECKPOINT_S = 30.0


def make_passages(
    recipe: DistillationRecipe,
    work: WorkFolder,
    folder: Path,
    progress: Progress,
    *,
    checkpoint_s: float = CHECKPOINT_S,
) -> StageManifest:
    """Run or resume the stage; `folder` is where relative corpus files lie.

    Raises:
        RunError: the recipe has no corpus, or the stage was begun with another one.
        DataError: the corpus cannot be read, or gives no passage.
    """
    wanted = recipe.passages
    if wanted is None:
        raise RunError(f"{work.recipe} has no section `passages`")
    settings = plain({"seed": recipe.seed, "passages": wanted})
    if found := work.done("passages", settings, {}):
        return found
    started = time.monotonic()
    parts = parts_of(wanted.corpus, folder)
    state = _begin(work, settings, parts)
    overlap = wanted.test_overlap
    index = OverlapIndex(overlap, held_out(overlap)) if overlap else None
    stream = PassageStream(wanted, parts, state, seed=recipe.seed, overlap=index)
    stream.read(progress, lambda: _save(work, state), checkpoint_s)
    passages, left_out = choose(stream.sampler, wanted)
    if not passages:
        raise DataError(
            f"the corpus gave no passage; counted were {dict(stream.counts)} and"
            f" unusable rows {dict(stream.bad.reasons)}"
        )
    write_rows(work.file(PASSAGES), passages)
    manifest = work.finish(
        "passages",
        settings=settings,
        inputs={},
        rows={PASSAGES: len(passages)},
        counts=_report(wanted, stream, passages, left_out),
        seconds=time.monotonic() - started,
    )
    work.file(STATE).unlink(missing_ok=True)
    return manifest


def choose(
    sampler: Sampler, recipe: PassageRecipe
) -> tuple[list[SampledPassage], Counter[str]]:
    """Return the sample without duplicates, and how many were left out for what."""
    duplicates = DuplicateFilter(recipe.duplicates)
    room = sampler.quotas()
    kept = sorted(
        (entry.key, entry.passage.id, stratum, entry.passage)
        for stratum, entries in sampler.kept().items()
        for entry in entries
    )
    passages: list[SampledPassage] = []
    left_out: Counter[str] = Counter()
    for _, _, stratum, passage in kept:
        if not room[stratum]:
            continue
        if reason := duplicates.check(passage.text):
            left_out[reason] += 1
        else:
            passages.append(passage)
            room[stratum] -= 1
    return passages, left_out


def _begin(
    work: WorkFolder, settings: Mapping[str, Any], parts: Sequence[Part]
) -> State:
    """Return the state that an interrupted stage left, or a new one.

    Raises:
        RunError: it was begun with other settings or other files.
    """
    files = [(part.name, part.size) for part in parts]
    path = work.file(STATE)
    if not path.is_file():
        return State(settings=dict(settings), parts=files)
    try:
        state = msgspec.msgpack.decode(path.read_bytes(), type=State)
    except msgspec.MsgspecError as error:
        raise RunError(
            f"{path} is damaged ({error}); run the stage with --again"
        ) from error
    check_settings(work.file("passages"), state.settings, settings)
    if state.parts != files:
        raise RunError(
            f"{work.path}: files of the corpus have come, gone or changed their size"
            " since the stage 'passages' was begun; run it with --again"
        )
    return state


def _save(work: WorkFolder, state: State) -> None:
    write_whole(work.file(STATE), msgspec.msgpack.encode(state))


def _report(
    recipe: PassageRecipe,
    stream: PassageStream,
    passages: Sequence[SampledPassage],
    left_out: Counter[str],
) -> dict[str, Any]:
    """Return everything that was counted, for the manifest."""
    counts = dict(stream.counts)
    rejected = {
        name.partition(".")[2]: counts.pop(name)
        for name in sorted(counts)
        if name.startswith("rejected.")
    }
    by_source = Counter(passage.source for passage in passages)
    return {
        "sampled": len(passages),
        "asked_for": recipe.sample,
        "tokens": sum(passage.tokens for passage in passages),
        "by_source": dict(sorted(by_source.items())),
        "stream": dict(sorted(counts.items())),
        "counted_whole_corpus": not recipe.skip_unsampled,
        "unusable_rows": dict(sorted(stream.bad.reasons.items())),
        "rejected_candidates": rejected,
        "duplicates_in_sample": dict(sorted(left_out.items())),
        "test_overlap": stream.overlap.report() if stream.overlap else None,
    }
