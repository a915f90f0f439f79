"""What `training/*.yaml` declares of kind `training`: one model from prepared data."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from unibench.schema.distillation import ConversationRecipe
from unibench.schema.model_card import Decoding, TrainingData

Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of recipes: an unknown key is an error."""


class FormatRecipe(_Strict, frozen=True, kw_only=True):
    """How a conversation becomes tokens.

    `conversation` is `wire`, the released text form of UniNER (`end` closes the
    assistant's turns; the tokenizer's own end token when empty), or `chat`, the
    tokenizer's chat template. `layout` is `turns`, the paper's: each query sees the
    queries and answers before it; or `branches`: each query sees the passage only,
    at the positions where it stands when it is asked alone. A conversation longer
    than `max_length` tokens is `split` into several with the same passage, or an
    `error`. `packing` puts several conversations into one row; they do not see one
    another.
    """

    conversation: Literal["wire", "chat"] = "wire"
    end: str = ""
    layout: Literal["turns", "branches"] = "turns"
    max_length: Count = 1024
    too_long: Literal["split", "error"] = "split"
    packing: bool = True


class LoraRecipe(_Strict, frozen=True, kw_only=True):
    """Low-rank adaptation: which matrices, and how wide.

    `layers` are the first and the last layer that are adapted; all when absent.
    """

    rank: Count = 16
    alpha: Count = 32
    dropout: Share = 0.0
    targets: tuple[str, ...] = (
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    )
    layers: tuple[int, int] | None = None


class OptimizerRecipe(_Strict, frozen=True, kw_only=True):
    """How weights are changed.

    The defaults are the paper's (section 4.1 and the released script): AdamW, 2e-5,
    cosine, warm-up 0.04, no weight decay. A step takes `rows` rows on each device,
    `accumulate` times. `sharding` spreads weights over the processes of torchrun or
    accelerate; a single process has nothing to spread.
    """

    learning_rate: Positive = 2e-5
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    warmup: Share = 0.04
    weight_decay: Share = 0.0
    rows: Count = 8
    accumulate: Count = 1
    clip: Positive = 1.0
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    checkpointing: bool = False
    sharding: Literal["none", "fsdp"] = "none"


class EvaluationRecipe(_Strict, frozen=True, kw_only=True):
    """What is measured during training, and when training ends early.

    `f1` runs the model as it is on `limit` passages of each subset's `split`, through
    the bench's own runner; `loss` takes the loss on conversations about them. It is
    measured `times` times, evenly spread; training ends when it did not get better
    `patience` times in a row, and the best weights are kept.
    """

    subsets: tuple[str, ...]
    split: Literal["dev", "test"] = "dev"
    metric: Literal["f1", "loss"] = "f1"
    limit: Count = 50
    times: Count = 4
    patience: Count | None = None


class TrainedCard(_Strict, frozen=True, kw_only=True):
    """What the card of the trained model says beside what follows from the recipe.

    `training_data.subsets` is filled from the mixture; `kind` must be declared,
    because a file of conversations does not tell who labelled it.
    """

    training_data: TrainingData
    title: str = ""
    license: str = ""
    parameters: str = ""
    homepage: str = ""
    decoding: Decoding = Decoding(max_tokens=256)
    notes: tuple[str, ...] = ()


class TrainingRecipe(_Strict, frozen=True, kw_only=True):
    """A recipe: from a base model and conversations to a model that can be evaluated.

    `base` is a model card whose checkpoint is tuned. `method` `instruction` learns
    answers in conversations; `token_classification` learns BIO tags (the BERT-base
    baseline of Table 3). `data` is as in distillation recipes, epochs included.
    `max_tokens` ends the data early: the same recipe at a smaller budget.
    """

    kind: Literal["training"]
    title: str
    base: str
    card: TrainedCard
    data: ConversationRecipe
    method: Literal["instruction", "token_classification"] = "instruction"
    seed: int = 0
    format: FormatRecipe = FormatRecipe()
    tuning: LoraRecipe | Literal["full"] = "full"
    optimizer: OptimizerRecipe = OptimizerRecipe()
    max_tokens: Count | None = None
    evaluation: EvaluationRecipe | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be trained on."""
        if any(part.distilled for part in self.data.mixture):
            raise ValueError(
                "a training recipe names distilled data by file, such as `file:"
                " distilled/pile_ner_type/dataset/train.jsonl`"
            )
        files = [part.file for part in self.data.mixture if part.file]
        if self.method == "token_classification" and files:
            raise ValueError(
                f"token classification needs spans, and conversations have none:"
                f" {files[0]}; name prepared subsets instead"
            )
