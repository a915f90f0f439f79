"""Instruction tuning: a recipe's model, trainer and one run of it."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from unibench.backends.local.loading import load_tokenizer, load_weights
from unibench.backends.local.options import TransformersOptions
from unibench.errors import MissingExtraError, TrainingError
from unibench.schema.query import content_hash
from unibench.train.data import RowsManifest, load_rows, make_rows, parts_of
from unibench.train.data import rows_identity as identity_of
from unibench.train.job import Job
from unibench.train.rows import RowCollator
from unibench.train.tokens import Encoder

SAVES = 10
"""A state to go on from is kept so many times, evenly spread."""


class Prepared:
    """A job's tokenizer and rows."""

    def __init__(self, job: Job) -> None:
        """Load the tokenizer and make the rows, unless they are there.

        Raises:
            TrainingError: the tokenizer does not fit, or nothing is to be learnt.
        """
        require_packages()
        self.options = TransformersOptions()
        self.tokenizer = load_tokenizer(job.base.checkpoint, self.options)
        if self.tokenizer.pad_token is None:
            raise TrainingError(
                f"the tokenizer of {job.recipe.base} has neither a padding nor an end"
                " token; add one to its tokenizer_config.json"
            )
        self.encoder = Encoder(job.recipe.format, self.tokenizer)
        with first_process_first():
            parts = parts_of(job.recipe, job.folder)
            vocabulary = content_hash(self.tokenizer.get_vocab())
            identity = content_hash(identity_of(job.recipe, parts, vocabulary))
            self.manifest: RowsManifest = make_rows(
                job.recipe, parts, self.encoder, job.rows, identity
            )
        self.rows = load_rows(job.rows)
        self.collator = RowCollator(self.tokenizer.pad_token_id)


def first_process_first() -> AbstractContextManager[None]:
    """Return a context that the first process leaves before the others enter it."""
    require_packages()
    import torch
    from accelerate import PartialState

    # Without a GPU accelerate sees one process only, unless it is told.
    state = PartialState(cpu=not torch.cuda.is_available())
    return state.main_process_first()  # type: ignore[no-any-return]


def require_packages() -> None:
    """Raise MissingExtraError unless what training needs is installed."""
    try:
        import accelerate  # noqa: F401
        import peft  # noqa: F401
        import trl  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("training", "train") from error


def make_trainer(job: Job, prepared: Prepared, callbacks: list[Any]) -> Any:
    """Return the trainer of a job, its weights loaded."""
    from transformers import PrinterCallback
    from transformers.utils import logging

    from unibench.train.sft import RowTrainer

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    model = _base_model(job, prepared)
    with warnings.catch_warnings():
        # PEFT still asks for the attribute that transformers 5 renames.
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        trainer = RowTrainer(
            model=model,
            args=arguments(job, prepared.manifest.rows),
            train_dataset=prepared.rows,
            data_collator=prepared.collator,
            processing_class=prepared.tokenizer,
            peft_config=lora_config(job),
            callbacks=callbacks,
        )
    trainer.remove_callback(PrinterCallback)  # standard output is for results
    return trainer


def _base_model(job: Job, prepared: Prepared) -> Any:
    """The frozen base of an adapter is kept in the precision of the computation."""
    import torch

    bfloat16 = job.recipe.optimizer.precision == "bfloat16"
    half = bfloat16 and job.recipe.tuning != "full"
    options = TransformersOptions(dtype="bfloat16" if half else "float32")
    model = load_weights(job.base.checkpoint, options, "cpu").train()
    window = getattr(model.config, "max_position_embeddings", None)
    if window and job.recipe.format.max_length > window:
        raise TrainingError(
            f"format.max_length is {job.recipe.format.max_length} tokens, and"
            f" {job.recipe.base} reads at most {window}"
        )
    return model.to(torch.device("cpu"))


def lora_config(job: Job) -> Any:
    """Return PEFT's settings, None for full fine-tuning."""
    tuning = job.recipe.tuning
    if tuning == "full":
        return None
    from peft import LoraConfig

    layers = tuning.layers
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=tuning.rank,
        lora_alpha=tuning.alpha,
        lora_dropout=tuning.dropout,
        target_modules=list(tuning.targets),
        layers_to_transform=None if layers is None else [*range(*_span(layers))],
    )


def _span(layers: tuple[int, int]) -> tuple[int, int]:
    first, last = layers
    return first, last + 1


def arguments(job: Job, rows: int) -> Any:
    """Return TRL's settings for a recipe; all epochs are one pass over its rows."""
    import torch
    from trl.trainer.sft_config import SFTConfig

    recipe = job.recipe.optimizer
    world = int(os.environ.get("WORLD_SIZE", "1"))
    steps = -(-rows // (recipe.rows * recipe.accumulate * world))
    logged = max(1, min(10, steps // 20))
    sharded = job.recipe.optimizer.sharding == "fsdp" and world > 1
    more: dict[str, Any] = {"gradient_checkpointing": None}  # the older name
    if sharded:  # FSDP has its own way to compute activations again
        again = {"activation_checkpointing": recipe.checkpointing}
        more |= {"fsdp": True, "fsdp_config": {"version": 2, **again}}
    return SFTConfig(
        **more,
        output_dir=str(job.checkpoints),
        num_train_epochs=1,
        per_device_train_batch_size=recipe.rows,
        gradient_accumulation_steps=recipe.accumulate,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.clip,
        use_cpu=not torch.cuda.is_available(),
        bf16=recipe.precision == "bfloat16",
        activation_checkpointing=recipe.checkpointing and not sharded,
        train_sampling_strategy="sequential",
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        remove_unused_columns=False,
        seed=job.recipe.seed,
        save_strategy="steps",
        # A log row is a mean since the one before; a state between two would cut it.
        save_steps=logged * max(1, steps // SAVES // logged),
        save_total_limit=2,
        logging_steps=logged,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        dataloader_num_workers=0,
    )


def last_checkpoint(job: Job) -> str | None:
    """Return the newest state that a training can go on from."""
    from transformers.trainer_utils import get_last_checkpoint

    if not job.checkpoints.is_dir():
        return None
    found = get_last_checkpoint(str(job.checkpoints))
    return None if found is None else str(found)


@contextmanager
def explained(job: Job) -> Iterator[None]:
    """Say which setting to change when memory runs out."""
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        text = str(error)
        short = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not short and "can't allocate memory" not in text:
            raise
        recipe = job.recipe.optimizer
        raise TrainingError(
            f"out of memory with {recipe.rows} rows of {job.recipe.format.max_length}"
            f" tokens a step: lower 'optimizer.rows' and raise 'optimizer.accumulate'"
            " by the same factor (the result stays the same), set"
            " 'optimizer.checkpointing: true', or tune with LoRA instead of 'full'"
        ) from error


def save_weights(trainer: Any, folder: Path, *, adapter_of: str = "") -> None:
    """Write a whole checkpoint with its tokenizer, or an adapter, to `folder`.

    `adapter_of` is the id of the base model of an adapter, which brings the tokenizer.
    An adapter that was trained in bfloat16 is stored in it, at half the size.
    """
    trainer.save_model(str(folder))  # all processes give their shards, the first writes
    if not trainer.is_world_process_zero():
        return
    for name in ("training_args.bin", "README.md"):
        (folder / name).unlink(missing_ok=True)
    if not adapter_of:
        return
    for path in folder.iterdir():
        if not path.name.startswith("adapter_"):
            path.unlink()
    config = folder / "adapter_config.json"
    settings = json.loads(config.read_text("utf-8"))
    settings["base_model_name_or_path"] = adapter_of  # not where it lies here
    config.write_text(json.dumps(settings, indent=2) + "\n", "utf-8")
    if trainer.args.bf16:
        _to_bfloat16(folder / "adapter_model.safetensors")


def _to_bfloat16(path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    held = load_file(path)
    halved = {name: weight.to(torch.bfloat16) for name, weight in held.items()}
    save_file(halved, path, metadata={"format": "pt"})
