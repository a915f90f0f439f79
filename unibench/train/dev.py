"""Measure a model while it is trained, keep the best, and end early."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from unibench.adapters.load import build_adapter
from unibench.backends.store import ResponseStore
from unibench.data.api import load_prepared
from unibench.distill.mixing.mixture import supervised_part
from unibench.errors import TrainingError
from unibench.runner.ask import ask, read_all
from unibench.runner.plan import plan_subset
from unibench.runner.score_run import answer_form_of, cases_of, scores_of
from unibench.schema.distillation import Component
from unibench.schema.model_card import ModelCard, located
from unibench.schema.training import EvaluationRecipe
from unibench.train.data import conversations_of
from unibench.train.instruct import save_weights
from unibench.train.job import Job
from unibench.train.log import LogRow, append, read_log
from unibench.train.output import model_card
from unibench.train.rows import packed_rows

PROFILE = "uniner"


class Watch:
    """Measures at evenly spread steps; the trainer is set before training."""

    def __init__(
        self,
        job: Job,
        prepared: Any,
        wanted: EvaluationRecipe,
        clock: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        """Take what rows are made with, what is measured and where it is told.

        Raises:
            TrainingError: F1 is wanted of weights that are spread over processes.
        """
        import os

        if wanted.metric == "f1" and int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise TrainingError(
                "'evaluation.metric: f1' runs the model in one process; say 'metric:"
                " loss' for a training over several, and evaluate the checkpoint after"
            )
        self.job, self.prepared, self.wanted = job, prepared, wanted
        self.clock, self.tell = clock, tell
        self.trainer: Any = None
        self.best_folder = job.work.file("best")
        self.best_step, self.best, self.worse = _so_far(job, wanted)

    def callback(self) -> Any:
        """Return the trainer's callback."""
        from transformers import TrainerCallback

        watch = self

        class Callback(TrainerCallback):  # type: ignore[misc]
            def on_step_end(
                self, args: Any, state: Any, control: Any, **known: Any
            ) -> None:
                if watch.is_due(state.global_step, state.max_steps):
                    control.should_training_stop |= watch.measure(state.global_step)

        return Callback()

    def is_due(self, step: int, planned: int) -> bool:
        """Whether the model is measured after this step; the last step always is."""
        times = min(self.wanted.times, planned)
        return step in {round(planned * n / times) for n in range(1, times + 1)}

    def measure(self, step: int) -> bool:
        """Measure, log and keep the best; return whether training should end."""
        value = self._loss() if self.wanted.metric == "loss" else self._f1(step)
        better = self.best is None or (
            value < self.best if self.wanted.metric == "loss" else value > self.best
        )
        if better:
            self.best, self.best_step, self.worse = value, step, 0
            if self.trainer.is_world_process_zero():
                shutil.rmtree(self.best_folder, ignore_errors=True)
            self._save(self.best_folder)
        else:
            self.worse += 1
        if self.trainer.is_world_process_zero():
            row = LogRow(step=step, dev=value, seconds=round(self.clock(), 2))
            append(self.job.work.path, row)
        self.tell(f"step {step}: {self.wanted.split} {self.wanted.metric} {value:.4f}")
        patience = self.wanted.patience
        return patience is not None and self.worse >= patience

    def card(self, folder: Path) -> ModelCard:
        """Return the card of the weights in `folder`."""
        return model_card(self.job, folder)

    def _save(self, folder: Path) -> None:
        save_weights(self.trainer, folder, adapter_of=self.job.adapter_of)

    def _loss(self) -> float:
        import datasets

        rows = list(self.rows())
        held_out = datasets.Dataset.from_list(rows)
        return float(self.trainer.evaluate(eval_dataset=held_out)["eval_loss"])

    def rows(self) -> Iterator[dict[str, list[int]]]:
        """Yield the rows that the loss is taken on."""
        encoder, recipe = self.prepared.encoder, self.job.recipe
        parts = [
            supervised_part(component, recipe.data, recipe.seed)
            for component in self.components()
        ]
        told = conversations_of(parts, recipe, 0, Counter())
        yield from packed_rows(
            (example for one in told for example in encoder.examples(one, Counter())),
            recipe.format.max_length,
            packing=recipe.format.packing,
            seed="dev",
        )

    def components(self) -> list[Component]:
        """Return the parts that the loss is taken on.

        Raises:
            TrainingError: they would be of a test split.
        """
        split = self.wanted.split
        if split == "test":
            raise TrainingError("'evaluation.metric: loss' needs 'split: dev'")
        return [
            Component(subset=subset, split=split, limit=self.wanted.limit)
            for subset in self.wanted.subsets
        ]

    def _f1(self, step: int) -> float:
        """Return the mean strict F1, in percent, of the weights as they are."""
        folder = self.job.work.file("dev") / f"step-{step}"
        self._save(folder)
        card = located(self.card(folder), folder.parent)
        adapter = build_adapter(card, f"{self.job.name} at step {step}")
        found = []
        with ResponseStore(folder / "responses.sqlite") as store:
            for subset in self.wanted.subsets:
                prepared = load_prepared(subset, self.wanted.split)
                plan = plan_subset(
                    prepared, adapter.types_per_query, limit=self.wanted.limit
                )
                answers = ask(adapter, plan.queries, store, None)
                predictions = read_all(adapter, plan.queries, answers)
                cases = cases_of(
                    prepared,
                    plan.passages,
                    predictions,
                    {},
                    answer_form=answer_form_of(card.adapter),
                )
                (score,) = scores_of(cases, (PROFILE,)).values()
                found.append(100 * score.f1)
        shutil.rmtree(folder)
        return sum(found) / len(found)


def _so_far(job: Job, wanted: EvaluationRecipe) -> tuple[int | None, float | None, int]:
    """Return the best step, its value and the times since, from the log."""
    best_step, best, worse = None, None, 0
    for row in read_log(job.work.path):
        if row.dev is None:
            continue
        better = best is None or (
            row.dev < best if wanted.metric == "loss" else row.dev > best
        )
        if better:
            best_step, best, worse = row.step, row.dev, 0
        else:
            worse += 1
    return best_step, best, worse
