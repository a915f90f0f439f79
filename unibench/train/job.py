"""What is trained, where it is kept, and which recipe the files there belong to."""

from __future__ import annotations

from pathlib import Path

import msgspec

from unibench.adapters.load import load_card
from unibench.distill.work import WorkFolder, check_settings, plain, write_whole
from unibench.errors import CardError, RunError, TrainingError
from unibench.resources import find
from unibench.schema.model_card import ModelCard
from unibench.schema.strict_yaml import convert, read_yaml
from unibench.schema.training import TrainingRecipe

KIND = "training"
IDENTITY = "recipe.json"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe, its base model, and the folders that it reads and writes.

    `folder` is where the recipe lies; `work` holds rows, checkpoints and the log,
    `models` the finished model with its card.
    """

    name: str
    recipe: TrainingRecipe
    base: ModelCard
    folder: Path
    work: WorkFolder
    models: Path

    @property
    def rows(self) -> Path:
        """Where the rows lie that are trained on."""
        return self.work.file("rows")

    @property
    def checkpoints(self) -> Path:
        """Where the states lie that a training can go on from."""
        return self.work.file("checkpoints")

    @property
    def card(self) -> Path:
        """The card of the finished model."""
        return self.models / f"{self.name}.yaml"

    @property
    def weights(self) -> Path:
        """The adapter, or the checkpoint, of the finished model."""
        return self.models / self.name

    @property
    def adapter_of(self) -> str:
        """The id of the base model of an adapter, empty for a whole checkpoint."""
        return "" if self.recipe.tuning == "full" else self.base.checkpoint.id


def load_job(
    name_or_path: str,
    output: Path = Path("trained"),
    *,
    base: str = "",
    max_tokens: int | None = None,
) -> Job:
    """Return the job of a recipe; everything it writes lies below `output`.

    `base` is another base model than the recipe's, `max_tokens` another budget.

    Raises:
        UnknownNameError: no recipe, or no base model, has that name.
        CardError: the file is no training recipe, or not a right one.
    """
    path = find("training", name_or_path, "recipe")
    recipe = read_recipe(path)
    if base:
        recipe = msgspec.structs.replace(recipe, base=base)
    if max_tokens:
        recipe = msgspec.structs.replace(recipe, max_tokens=max_tokens)
    return job_of(path.name.rsplit(".", 1)[0], recipe, path.parent, output)


def job_of(name: str, recipe: TrainingRecipe, folder: Path, output: Path) -> Job:
    """Return the job of a recipe that is not in a file."""
    return Job(
        name=name,
        recipe=recipe,
        base=load_card(recipe.base)[1],
        folder=folder,
        work=WorkFolder(output / name, name),
        models=output / "models",
    )


def read_recipe(path: Path) -> TrainingRecipe:
    """Return the recipe in a file.

    Raises:
        CardError: it is none; the message names the file and the key.
    """
    values = read_yaml(path)
    kind = values.get("kind") if isinstance(values, dict) else None
    if kind == "distillation":
        raise CardError(
            f"{path} is a distillation recipe: run its stages with 'unibench distill'"
        )
    if kind != KIND:
        raise CardError(f"{path} is no training recipe: it lacks 'kind: {KIND}'")
    return convert(values, TrainingRecipe, str(path))


def claim(job: Job, *, again: bool) -> None:
    """Note whose files lie in the working folder; refuse those of another recipe.

    Raises:
        TrainingError: a training of another recipe was begun there.
    """
    path = job.work.file(IDENTITY)
    settings = plain({"recipe": job.recipe, "checkpoint": job.base.checkpoint})
    if path.is_file() and not again:
        try:
            check_settings(job.work.file("train"), _read(path), settings)
        except RunError as error:
            raise TrainingError(str(error)) from error
        return
    job.work.path.mkdir(parents=True, exist_ok=True)
    write_whole(path, msgspec.json.format(msgspec.json.encode(settings), indent=1))


def _read(path: Path) -> dict[str, object]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise TrainingError(
            f"{path} is damaged ({error}); train again with --again"
        ) from error
