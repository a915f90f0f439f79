"""Run a training recipe: from prepared data to a model that can be evaluated."""

from __future__ import annotations

from unibench.train.instruct import (
    Prepared,
    explained,
    last_checkpoint,
    make_trainer,
    save_weights,
)
from unibench.train.job import Job
from unibench.train.log import LogRow, logger
from unibench.train.output import TrainingRecord, model_card
from unibench.train.session import (
    Clock,
    Tell,
    begin,
    finish,
    is_first_process,
    record_of,
    replace_folder,
)


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
    if is_first_process():
        with job.work.locked():
            return _train(job, tell, again=again)
    return _train(job, lambda _: None, again=again)


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
    clock = Clock(job, checkpoint)
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
    with explained(job):
        trainer.train(resume_from_checkpoint=checkpoint)
    best = watch.best_step if watch is not None else None
    if best is not None and watch is not None and trainer.is_world_process_zero():
        replace_folder(watch.best_folder, job.weights)
    elif best is None:
        save_weights(trainer, job.weights, adapter_of=job.adapter_of)
    record = record_of(job, data, trainer, clock, best)
    if trainer.is_world_process_zero():
        finish(job, model_card(job, job.weights), record)
    return record


def _line(row: LogRow) -> str:
    return (
        f"step {row.step}: loss {row.loss:.4f}, {row.accuracy or 0:.1%} of the answers'"
        f" tokens right, {row.seconds or 0:,.0f} s"
    )
