"""What every training does before and after: claim, time, log, record, card."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unibench.distill.work import plain
from unibench.errors import TrainingError
from unibench.schema.model_card import ModelCard
from unibench.train.data import RowsManifest
from unibench.train.instruct import first_process_first
from unibench.train.job import Job, claim
from unibench.train.log import CURVE, cut_log, draw_curve, read_log
from unibench.train.output import (
    RECORD,
    TrainingRecord,
    energy_joules,
    made_here,
    read_record,
    write_card,
    write_record,
)

Tell = Callable[[str], None]


def is_first_process() -> bool:
    """Whether this is the process that writes, of those that torchrun started."""
    return int(os.environ.get("RANK", "0")) == 0


def begin(job: Job, *, again: bool) -> TrainingRecord | None:
    """Claim the working folder; return the record of a job that is done already."""
    with first_process_first():
        if is_first_process():
            claim(job, again=again)
            if again:
                shutil.rmtree(job.checkpoints, ignore_errors=True)
                job.work.file(RECORD).unlink(missing_ok=True)
        done = read_record(job)
    return done if done is not None and job.card.is_file() else None


class Clock:
    """Seconds of training, those before an interruption included; and its energy."""

    def __init__(self, job: Job, checkpoint: str | None) -> None:
        """Begin to count; drop what was logged after `checkpoint`."""
        step = int(checkpoint.rpartition("-")[2]) if checkpoint else 0
        with first_process_first():  # the others read the log when it is cut
            self.before = cut_log(job.work.path, step) if is_first_process() else 0.0
        self.started, self.joules = time.monotonic(), energy_joules()

    def __call__(self) -> float:
        """Return the seconds so far."""
        return self.before + time.monotonic() - self.started

    def energy(self) -> float | None:
        """Return the joules of it all, None where they are not known."""
        before, after = self.joules, energy_joules()
        if self.before or before is None or after is None or after < before:
            return None  # what an interrupted training used before is not known
        return after - before


def record_of(
    job: Job, data: RowsManifest, trainer: Any, clock: Clock, best_step: int | None
) -> TrainingRecord:
    """Return how a model was made.

    Raises:
        TrainingError: nothing was logged.
    """
    seconds, state = clock(), trainer.state
    share = state.global_step / max(1, state.max_steps)
    losses = [row.loss for row in read_log(job.work.path) if row.loss is not None]
    sizes = [(p.numel(), p.requires_grad) for p in trainer.model.parameters()]
    if not losses and is_first_process():
        raise TrainingError(f"{job.work.path}: the log of the training is empty")
    return TrainingRecord(
        recipe=plain(job.recipe),
        recipe_name=job.name,
        data=data,
        steps=state.global_step,
        steps_planned=state.max_steps,
        processes=trainer.accelerator.num_processes,
        trained_parameters=sum(n for n, learnt in sizes if learnt),
        parameters=sum(n for n, _ in sizes),
        seconds=round(seconds, 1),
        tokens_per_second=round(data.tokens * share / seconds, 1),
        final_loss=losses[-1] if losses else None,
        best_step=best_step,
        energy_joules=clock.energy(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=made_here(),
    )


def replace_folder(source: Path, target: Path) -> None:
    """Put a copy of `source` in place of `target`."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def finish(job: Job, card: ModelCard, record: TrainingRecord) -> None:
    """Write the card, the picture of the curve and, last, the record."""
    write_card(card, job.card)
    wanted = job.recipe.evaluation
    measure = "" if wanted is None else f"{wanted.split} {wanted.metric}"
    draw_curve(
        read_log(job.work.path),
        job.work.file(CURVE),
        title=job.recipe.title,
        measure=measure,
    )
    write_record(job, record)
