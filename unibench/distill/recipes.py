"""Find and read distillation recipes, and run their stages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from unibench.distill.conversations import make_conversations
from unibench.distill.filtering import filter_answers
from unibench.distill.label import Asking, Estimate, estimate, label
from unibench.distill.passages import STATE, make_passages
from unibench.distill.statistics import make_statistics
from unibench.distill.work import STAGES, Progress, StageManifest, WorkFolder
from unibench.errors import CardError, UnknownNameError
from unibench.resources import find
from unibench.schema.distillation import DistillationRecipe
from unibench.schema.strict_yaml import convert, read_yaml

KIND = "distillation"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe with the folder that it lies in and the one that it works in.

    Relative names of corpus files are looked for below `corpus`, else `folder`.
    `again` does a stage anew that was done before, also with other settings.
    """

    recipe: DistillationRecipe
    folder: Path
    work: WorkFolder
    corpus: Path | None = None
    again: bool = False
    asking: Asking = Asking()


def load_job(
    name_or_path: str,
    output: Path | None = None,
    *,
    corpus: Path | None = None,
    again: bool = False,
    base_urls: Sequence[str] = (),
    asking: Asking | None = None,
) -> Job:
    """Return the job of a recipe; it works in `output`, else in `distilled/NAME`.

    `base_urls` are short for an `asking` that names only servers.

    Raises:
        UnknownNameError: no recipe has that name.
        CardError: the file is no distillation recipe, or not a right one.
    """
    path = find("training", name_or_path, "recipe")
    name = path.name.rsplit(".", 1)[0]
    return Job(
        recipe=read_recipe(path),
        folder=path.parent,
        work=WorkFolder(output or Path("distilled") / name, name_or_path),
        corpus=corpus,
        again=again,
        asking=asking or Asking(base_urls=tuple(base_urls)),
    )


def read_recipe(path: Path) -> DistillationRecipe:
    """Return the recipe in a file.

    Raises:
        CardError: it is none; the message names the file and the key.
    """
    values = read_yaml(path)
    if not isinstance(values, dict) or values.get("kind") != KIND:
        raise CardError(f"{path} is no distillation recipe: it lacks 'kind: {KIND}'")
    return convert(values, DistillationRecipe, str(path))


def run_stage(stage: str, job: Job, progress: Progress) -> StageManifest:
    """Run or resume one stage; one that is done already returns at once.

    Raises:
        UnknownNameError: there is no such stage.
        RunError: it cannot go on: an earlier stage is not done, or the recipe changed.
    """
    if stage not in STAGES:
        raise UnknownNameError("stage", stage, STAGES)
    with job.work.locked():
        if job.again:
            job.work.forget(stage, (STATE,) if stage == "passages" else ())
        if stage == "passages":
            corpus = job.corpus or job.folder
            return make_passages(job.recipe, job.work, corpus, progress)
        if stage == "label":
            return _label(job, progress)
        if stage == "filter":
            return filter_answers(job.recipe, job.work, progress)
        if stage == "stats":
            return make_statistics(job.recipe, job.work, progress)
        return make_conversations(job.recipe, job.work, job.folder, progress)


def estimate_labels(job: Job) -> Estimate:
    """Return what the stage `label` will ask and cost."""
    return estimate(job.recipe, job.work, job.folder, job.asking)


def _label(job: Job, progress: Progress) -> StageManifest:
    return label(job.recipe, job.work, job.folder, progress, job.asking)
