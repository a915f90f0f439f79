"""Run a training recipe: from prepared data to a model that can be evaluated."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unibench.distill.work import plain
from unibench.errors import TrainingError
from unibench.train.instruct import (
    Prepared,
    explained,
    last_checkpoint,
    make_trainer,
    save_weights,
)
from unibench.train.job import Job, claim
from unibench.train.log import CURVE, LogRow, cut_log, draw_curve, logger, read_log
from unibench.train.output import (
    RECORD,
    TrainingRecord,
    energy_joules,
    made_here,
    model_card,
    read_record,
    write_card,
    write_record,
)

Tell = Callable[[str], None]


def train(job: Job, tell: Tell, *, again: bool = False) -> TrainingRecord:
    """Train, or go on with, the model of a job; return how it was made.

    A job that is done returns at once. `again` begins anew.

    Raises:
        TrainingError: it cannot be trained so; the message says which knob to turn.
        DataError: a part of the mixture cannot be had.
        RunError: another process trains in the same folder.
    """
    if job.recipe.method == "token_classification":
        from unibench.train.tagger import train_tagger

        return train_tagger(job, tell, again=again)
    if _rank() == 0:
        with job.work.locked():
            return _train(job, tell, again=again)
    return _train(job, tell, again=False)


def begin(job: Job, *, again: bool) -> TrainingRecord | None:
    """Claim the working folder; return the record of a job that is done already."""
    if _rank() == 0:
        claim(job, again=again)
        if again:
            shutil.rmtree(job.checkpoints, ignore_errors=True)
            job.work.file(RECORD).unlink(missing_ok=True)
    done = read_record(job)
    return done if done is not None and job.card.is_file() else None


def _train(job: Job, tell: Tell, *, again: bool) -> TrainingRecord:
    if (done := begin(job, again=again)) is not None:
        return done
    prepared = Prepared(job)
    data = prepared.manifest
    tell(
        f"{data.rows:,} rows, {data.tokens:,} tokens, {data.learnt_tokens:,} of them"
        f" learnt, {data.padding_share:.1%} of the rows empty"
    )
    checkpoint = last_checkpoint(job)
    clock = Clock(_resumed(job, checkpoint))
    callbacks = [logger(job.work.path, clock, lambda row: tell(_line(row)))]
    if job.recipe.evaluation is not None:
        from unibench.train.dev import Watch

        watch = Watch(job, prepared, job.recipe.evaluation, clock, tell)
        callbacks.append(watch.callback())
    else:
        watch = None
    trainer = make_trainer(job, prepared, callbacks)
    if watch is not None:
        watch.trainer = trainer
    energy = energy_joules()
    with explained(job):
        trainer.train(resume_from_checkpoint=checkpoint)
    best = watch.best_step if watch is not None else None
    if best is not None and watch is not None and trainer.is_world_process_zero():
        _replace_folder(watch.best_folder, job.weights)
    elif best is None:
        save_weights(trainer, job.weights, adapter=job.recipe.tuning != "full")
    record = _record(job, prepared, trainer, clock(), best, _used(energy))
    if trainer.is_world_process_zero():
        _finish(job, record)
    return record


def _finish(job: Job, record: TrainingRecord) -> None:
    write_card(model_card(job, job.weights), job.card)
    wanted = job.recipe.evaluation
    measure = "" if wanted is None else f"{wanted.split} {wanted.metric}"
    draw_curve(
        read_log(job.work.path),
        job.work.file(CURVE),
        title=job.recipe.title,
        measure=measure,
    )
    write_record(job, record)


class Clock:
    """Seconds of training, those before an interruption included."""

    def __init__(self, before: float) -> None:
        """Begin to count."""
        self.before, self.started = before, time.monotonic()

    def __call__(self) -> float:
        """Return the seconds so far."""
        return self.before + time.monotonic() - self.started


def _resumed(job: Job, checkpoint: str | None) -> float:
    if _rank() != 0:
        return 0.0
    step = int(checkpoint.rpartition("-")[2]) if checkpoint else 0
    return cut_log(job.work.path, step)


def _record(
    job: Job,
    prepared: Prepared,
    trainer: Any,
    seconds: float,
    best: int | None,
    energy: float | None,
) -> TrainingRecord:
    data, state = prepared.manifest, trainer.state
    share = state.global_step / max(1, state.max_steps)
    losses = [row.loss for row in read_log(job.work.path) if row.loss is not None]
    sizes = [(p.numel(), p.requires_grad) for p in trainer.model.parameters()]
    if not losses:
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
        final_loss=losses[-1],
        best_step=best,
        energy_joules=energy,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=made_here(),
    )


def _used(before: float | None) -> float | None:
    after = energy_joules()
    return None if before is None or after is None or after < before else after - before


def _replace_folder(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def _line(row: LogRow) -> str:
    return (
        f"step {row.step}: loss {row.loss:.4f}, {row.accuracy or 0:.1%} of the answers'"
        f" tokens right, {row.seconds or 0:,.0f} s"
    )


def _rank() -> int:
    import os

    return int(os.environ.get("RANK", "0"))
