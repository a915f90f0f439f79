"""Token classification: the BERT baseline of the paper's Table 3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from unibench.adapters.token_classifier import TokenOptions
from unibench.backends.weight_package import quietly
from unibench.backends.weights import weights_folder
from unibench.errors import BackendError, TrainingError
from unibench.schema.distillation import Component, ConversationRecipe
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import content_hash
from unibench.schema.training import FormatRecipe, TrainingRecipe
from unibench.train.data import load_rows, rows_identity, subsets_of
from unibench.train.dev import Watch
from unibench.train.instruct import (
    arguments,
    explained,
    first_process_first,
    last_checkpoint,
    save_weights,
)
from unibench.train.job import Job
from unibench.train.log import LogRow, logger
from unibench.train.output import TrainingRecord
from unibench.train.session import (
    Clock,
    Tell,
    begin,
    finish,
    is_first_process,
    record_of,
    replace_folder,
)
from unibench.train.tagger_rows import (
    TagEncoder,
    TaggedPart,
    TaggerManifest,
    label_numbers,
    make_tagger_rows,
    tagged,
    tagger_parts,
    types_of,
)

MULTIPLE = 8
"""Batches are padded to a multiple of so many sub-words."""


def train_tagger(job: Job, tell: Tell, *, again: bool = False) -> TrainingRecord:
    """Train, or go on with, the token classifier of a job; return how it was made.

    Raises:
        TrainingError: the recipe asks for what a tagger does not have.
        UnavailableError: a subset of the mixture is not prepared.
        RunError: another process trains in the same folder.
    """
    check_recipe(job.recipe)
    if is_first_process():
        with job.work.locked():
            return _train(job, tell, again=again)
    return _train(job, lambda _: None, again=again)


def check_recipe(recipe: TrainingRecipe) -> None:
    """Refuse settings that would be ignored.

    Raises:
        TrainingError: one of them is not at its default; the message names it.
    """
    named = [f"data.{name}" for name in _set(recipe.data, {"mixture", "epochs"})]
    named += [f"format.{name}" for name in _set(recipe.format, {"max_length"})]
    for component in recipe.data.mixture:
        named += [
            f"data.mixture: {component.subset}: {name}"
            for name in _set(component, {"subset", "split", "labels", "empty"} | _SIZE)
        ]
    if recipe.tuning != "full":
        named.append("tuning")
    if recipe.optimizer.sharding != "none":
        named.append("optimizer.sharding")
    if named:
        raise TrainingError(
            f"token classification has no {named[0]!r}; leave it out of the recipe"
        )


_SIZE = {"weight", "limit"}


def _set(
    value: ConversationRecipe | FormatRecipe | Component, known: set[str]
) -> list[str]:
    fields = msgspec.structs.fields(type(value))
    return [
        field.name
        for field in fields
        if field.name not in known and getattr(value, field.name) != field.default
    ]


class PreparedTagger:
    """A job's tokenizer, labels and rows."""

    def __init__(self, job: Job) -> None:
        """Load the tokenizer and make the rows, unless they are there.

        Raises:
            TrainingError: the tokenizer does not tell words apart.
        """
        self.folder = weights_folder(job.base.checkpoint)
        self.tokenizer = _tokenizer(job, self.folder)
        with first_process_first():
            parts = tagger_parts(job.recipe)
            self.labels = label_numbers(types_of(parts))
            width = job.recipe.format.max_length
            self.encoder = TagEncoder(self.tokenizer, self.labels, width)
            identity = rows_identity(
                job.recipe,
                [part.part for part in parts],
                content_hash(self.tokenizer.get_vocab()),
            )
            self.manifest: TaggerManifest = make_tagger_rows(
                job.recipe, parts, self.encoder, job.rows, content_hash(identity)
            )
        self.rows = load_rows(job.rows)


def _tokenizer(job: Job, folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, add_prefix_space=True)
    except (OSError, ValueError, KeyError) as error:
        raise BackendError(
            f"{job.recipe.base}: no usable tokenizer: {error}"
        ) from error
    if not tokenizer.is_fast:
        raise TrainingError(
            f"the tokenizer of {job.recipe.base} does not tell which word a piece is"
            " of (it has no tokenizer.json)"
        )
    if tokenizer.pad_token is None:
        raise TrainingError(
            f"the tokenizer of {job.recipe.base} has no padding token; add one to its"
            " tokenizer_config.json"
        )
    return tokenizer


def tagger_card(
    job: Job, prepared: PreparedTagger, positions: int, weights: Path
) -> ModelCard:
    """Return the card of the trained model; it lies beside the folder `weights`.

    A window has so many words as the model reads of the densest passage it was
    trained on, at most the adapter's own 200.
    """
    recipe, said = job.recipe, job.recipe.card
    manifest = prepared.manifest
    usual = TokenOptions(types={})
    room = positions - len(prepared.encoder.before) - len(prepared.encoder.after)
    words = int(room / manifest.pieces_per_word)
    options: dict[str, Any] = {"types": {name: (name,) for name in manifest.types}}
    if words < usual.window_words:
        overlap = min(usual.overlap_words, words // 3)
        options |= {"window_words": max(1, words), "overlap_words": overlap}
    data = said.training_data
    subsets = tuple(dict.fromkeys((*data.subsets, *subsets_of(recipe))))
    return ModelCard(
        adapter="token_classifier",
        checkpoint=Checkpoint(id=str(weights.resolve())),
        title=said.title or job.name,
        options=options,
        license=said.license,
        parameters=said.parameters or job.base.parameters,
        context_length=job.base.context_length,
        training_data=msgspec.structs.replace(data, subsets=subsets),
        homepage=said.homepage,
        notes=said.notes,
    )


class TaggerWatch(Watch):
    """Measures a token classifier while it is trained."""

    def card(self, folder: Path) -> ModelCard:
        """Return the card of the weights in `folder`."""
        return tagger_card(self.job, self.prepared, positions_of(self.trainer), folder)

    def rows(self) -> Iterator[dict[str, list[int]]]:
        """Yield the rows that the loss is taken on.

        Raises:
            TrainingError: they have types that the model does not learn.
        """
        for component in self.components():
            part = TaggedPart(component, self.job.recipe)
            if unknown := sorted(set(part.types) - set(self.prepared.manifest.types)):
                raise TrainingError(
                    f"'evaluation.subsets': {component.subset} has the type"
                    f" {unknown[0]!r}, which is not in 'data.mixture'"
                )
            for passage in part.passages:
                counts: Counter[str] = Counter()
                yield from self.prepared.encoder.rows(tagged(passage, counts), counts)


def positions_of(trainer: Any) -> int:
    """Return how many sub-words the trainer's model reads at once."""
    return int(trainer.model.config.max_position_embeddings)


def make_tagger(job: Job, prepared: PreparedTagger, callbacks: list[Any]) -> Any:
    """Return the trainer of a job, its weights loaded and its head new.

    Raises:
        BackendError: the base is no model that can classify tokens.
        TrainingError: it reads fewer sub-words than a row may have.
    """
    from transformers import (
        DataCollatorForTokenClassification,
        PrinterCallback,
        Trainer,
    )
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    trainer = Trainer(
        model=_new_model(job, prepared),
        args=arguments(job, prepared.manifest.rows),
        train_dataset=prepared.rows,
        data_collator=DataCollatorForTokenClassification(
            prepared.tokenizer, pad_to_multiple_of=MULTIPLE
        ),
        processing_class=prepared.tokenizer,
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)  # standard output is for results
    return trainer


def _new_model(job: Job, prepared: PreparedTagger) -> Any:
    from transformers import AutoModelForTokenClassification, set_seed

    set_seed(job.recipe.seed)  # the head begins with random weights
    try:
        model = quietly(
            lambda: AutoModelForTokenClassification.from_pretrained(
                prepared.folder,
                label2id=prepared.labels,
                id2label={at: name for name, at in prepared.labels.items()},
            )
        )
    except (OSError, ValueError, KeyError) as error:
        raise BackendError(
            f"{job.recipe.base} cannot be loaded as a token classifier: {error}"
        ) from error
    width = job.recipe.format.max_length
    positions = model.config.max_position_embeddings
    if width > positions:
        raise TrainingError(
            f"format.max_length is {width} sub-words, and {job.recipe.base} reads at"
            f" most {positions}"
        )
    return model


def _train(job: Job, tell: Tell, *, again: bool) -> TrainingRecord:
    if (done := begin(job, again=again)) is not None:
        return done
    prepared = PreparedTagger(job)
    data = prepared.manifest
    tell(
        f"{data.rows:,} rows, {data.tokens:,} sub-words, {data.learnt_tokens:,} words,"
        f" {len(data.types)} types"
    )
    checkpoint = last_checkpoint(job)
    clock = Clock(job, checkpoint)
    callbacks = [logger(job.work.path, clock, lambda row: tell(_line(row)))]
    watch = None
    if job.recipe.evaluation is not None:
        watch = TaggerWatch(job, prepared, job.recipe.evaluation, clock, tell)
        callbacks.append(watch.callback())
    trainer = make_tagger(job, prepared, callbacks)
    if watch is not None:
        watch.trainer = trainer
    with explained(job):
        trainer.train(resume_from_checkpoint=checkpoint)
    best = watch.best_step if watch is not None else None
    if best is None:
        save_weights(trainer, job.weights)
    elif watch is not None and trainer.is_world_process_zero():
        replace_folder(watch.best_folder, job.weights)
    record = record_of(job, data, trainer, clock, best)
    if trainer.is_world_process_zero():
        card = tagger_card(job, prepared, positions_of(trainer), job.weights)
        finish(job, card, record)
    return record


def _line(row: LogRow) -> str:
    return f"step {row.step}: loss {row.loss:.4f}, {row.seconds or 0:,.0f} s"
