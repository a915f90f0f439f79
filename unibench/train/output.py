"""The finished model: its card, and the record of how it was made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from unibench.distill.work import plain, write_whole
from unibench.runner.environment import environment
from unibench.schema.model_card import Checkpoint, Lora, ModelCard
from unibench.schema.record import Environment
from unibench.train.data import RowsManifest, subsets_of
from unibench.train.job import Job

RECORD = "training.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
_STOPS = ("USER:",)


class TrainingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How a model was made: everything that is needed to make it again.

    `seconds` are of training only, over all its interruptions; `tokens_per_second`
    counts tokens of the rows, not padding. `energy_joules` is what the processor's
    own counter says, None where it cannot be read.
    """

    recipe: Mapping[str, Any]
    recipe_name: str
    data: RowsManifest
    steps: int
    steps_planned: int
    processes: int
    trained_parameters: int
    parameters: int
    seconds: float
    tokens_per_second: float
    final_loss: float | None
    best_step: int | None
    energy_joules: float | None
    created: str
    environment: Environment


def write_record(job: Job, record: TrainingRecord) -> None:
    """Write the record beside the log; a job with a record is done."""
    content = msgspec.json.format(msgspec.json.encode(record), indent=1)
    write_whole(job.work.file(RECORD), content + b"\n")


def read_record(job: Job) -> TrainingRecord | None:
    """Return the record of a job that is done."""
    path = job.work.file(RECORD)
    if not path.is_file():
        return None
    return msgspec.json.decode(path.read_bytes(), type=TrainingRecord)


def model_card(job: Job, weights: Path) -> ModelCard:
    """Return the card of the trained model; it lies beside the folder `weights`."""
    recipe, said = job.recipe, job.recipe.card
    data = said.training_data
    subsets = tuple(dict.fromkeys((*data.subsets, *subsets_of(recipe))))
    end = recipe.format.end
    options: dict[str, Any] = {}
    if recipe.data.query == "all_types":
        options["query"] = "all_in_one"
    elif recipe.data.ask_by == "definition":
        options["query"] = "definition"
    if end:
        options["end"] = end
    names = {p.subset: p.dataset_name for p in recipe.data.mixture if p.dataset_name}
    if names:
        options |= {"dataset_names": names, "unnamed_datasets": "omit"}
    return ModelCard(
        adapter="uniner",
        backend={"name": "transformers"},
        checkpoint=_checkpoint(job, weights),
        title=said.title or job.name,
        options=options,
        decoding=said.decoding,
        license=said.license,
        parameters=said.parameters or job.base.parameters,
        context_length=job.base.context_length,
        training_data=msgspec.structs.replace(data, subsets=subsets),
        homepage=said.homepage,
        notes=said.notes,
    )


def _checkpoint(job: Job, weights: Path) -> Checkpoint:
    if job.recipe.tuning == "full":
        return Checkpoint(id=str(weights.resolve()))
    lora = Lora(folder=weights.name, sha256=file_sha256(weights / ADAPTER_WEIGHTS))
    return msgspec.structs.replace(job.base.checkpoint, lora=lora)


def write_card(card: ModelCard, path: Path) -> None:
    """Write a card as YAML, what is left at its default left out."""
    shown = _without_defaults(card)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=88)
    write_whole(path, text.encode())


def _without_defaults(value: msgspec.Struct) -> dict[str, Any]:
    kind = type(value)
    fields = msgspec.structs.fields(kind)
    shown: dict[str, Any] = {}
    for field in fields:
        held = getattr(value, field.name)
        if held is msgspec.UNSET or held == field.default:
            continue
        if field.default_factory is not msgspec.NODEFAULT and not held:
            continue
        shown[field.name] = (
            _without_defaults(held) if isinstance(held, msgspec.Struct) else plain(held)
        )
    return shown


def file_sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def made_here() -> Environment:
    """Return the machine and the exact command."""
    return environment()


def energy_joules() -> float | None:
    """Return the processor's energy counter, None where it cannot be read."""
    path = Path("/sys/class/powercap/intel-rapl:0/energy_uj")
    try:
        return int(path.read_text()) / 1e6
    except (OSError, ValueError):
        return None
