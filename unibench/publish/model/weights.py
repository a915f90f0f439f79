"""Weights that we trained: an adapter or a checkpoint, with its model card."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import yaml

from unibench.errors import PublishError
from unibench.publish.files import PlannedFile, Publication
from unibench.publish.hub.client import Snapshot
from unibench.publish.model.eval_results import comparable, percent
from unibench.publish.model.model_index import results_of
from unibench.publish.results.card import CARD, MARK, front_matter, is_ours
from unibench.schema.record import RunRecord

_TAKEN = (
    "*.safetensors", "*.safetensors.index.json", "*.json", "*.txt", "*.model",
    "*.jinja", "*.yaml", "*.yml", "*.gguf", "*.png", "*.tiktoken",
)  # fmt: skip
_LEFT = (
    "checkpoint-*", "optimizer*", "scheduler*", "rng_state*", "training_args.bin",
    "events.out.*", "runs", "wandb", "__pycache__", ".*", "*.lock", "*.log",
    "trainer_state.json", "global_step*", "zero_to_fp32.py", "latest",
)  # fmt: skip
_WEIGHTS = ("*.safetensors", "*.gguf")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of weights: files to send, what is left, and what its files declare."""

    files: tuple[PlannedFile, ...]
    left: tuple[str, ...]
    card: str = ""
    adapter: Mapping[str, Any] = {}


def read_weights(folder: Path) -> Weights:
    """Return what of a folder is published: weights, tokenizer, settings, card.

    Raises:
        PublishError: there are no weights, they are pickled, or a file is unknown: a
            log or a data file could hold text that may not be published.
    """
    files, left = [], []
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if any(fnmatch.fnmatch(part, p) for part in name.split("/") for p in _LEFT):
            left.append(name)
        elif name == CARD:
            continue
        elif any(fnmatch.fnmatch(path.name, pattern) for pattern in _TAKEN):
            files.append(PlannedFile(name, path))
        else:
            raise PublishError(_refused(folder, name))
    if not any(fnmatch.fnmatch(f.path, p) for f in files for p in _WEIGHTS):
        raise PublishError(
            f"{folder} holds no weights ({', '.join(_WEIGHTS)}); give the folder that"
            " 'unibench train' wrote"
        )
    card = folder / CARD
    settings = folder / "adapter_config.json"
    return Weights(
        files=tuple(files),
        left=tuple(left),
        card=_text(card) if card.is_file() else "",
        adapter=_json(settings) if settings.is_file() else {},
    )


def plan_weights(
    snapshot: Snapshot,
    weights: Weights,
    *,
    license_: str,
    records: Sequence[RunRecord] = (),
) -> Publication:
    """Return weights and card as one commit.

    The trainer's own card is kept and completed; without one, a card is written. The
    scores of `records`, which must have been made with these weights, stand in it.

    Raises:
        PublishError: no licence is known.
    """
    card = _card(snapshot, weights, license_, [r for r in records if not comparable(r)])
    present = snapshot.read_if_there(CARD)
    files = list(weights.files)
    if present is None or is_ours(present) or MARK not in card:
        files.append(PlannedFile(CARD, card.encode()))
    return Publication(
        title=f"Publish weights ({len(weights.files)} files)",
        files=tuple(files),
        notes=tuple(f"{name} is left out" for name in weights.left),
    )


def _card(
    snapshot: Snapshot, weights: Weights, license_: str, records: Sequence[RunRecord]
) -> str:
    given, body = split_card(weights.card, "the folder's README.md")
    licensed = license_ or str(given.get("license") or "")
    if not licensed:
        raise PublishError(
            "the weights have no licence; add --license ID, usually that of the base"
            " model (its card on the Hub says which)"
        )
    base = str(weights.adapter.get("base_model_name_or_path") or "")
    if re.match(r"^(/|~|\.|[A-Za-z]:)", base):
        raise PublishError(
            f"adapter_config.json names a base model on this machine ({base}); put its"
            " Hub id there, so that others can load the adapter"
        )
    name = snapshot.repo.id
    metadata: dict[str, Any] = {
        "license": licensed,
        "language": ["en"],
        "library_name": "peft" if weights.adapter else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["named-entity-recognition", "unibench"],
        **({"base_model": base} if base else {}),
        **{key: value for key, value in given.items() if key != "license"},
    }
    if records:
        index = {"name": name.partition("/")[2], "results": results_of(records)}
        metadata["model-index"] = [index]
    text = body.strip() or _body(name, base)
    return f"{front_matter(metadata)}{text.rstrip()}\n{_scores(records)}"


def split_card(card: str, where: str) -> tuple[dict[str, Any], str]:
    """Return the metadata and the text of a card.

    Raises:
        PublishError: the metadata are no YAML mapping.
    """
    found = re.match(r"\A---\s*\n(.*?)^---\s*(?:\n|\Z)", card, re.S | re.M)
    if found is None:
        return {}, card
    try:
        values = yaml.safe_load(found[1]) or {}
    except yaml.YAMLError as error:
        raise PublishError(f"the metadata of {where} is no YAML: {error}") from error
    if not isinstance(values, dict):
        raise PublishError(f"the metadata of {where} is no mapping")
    return values, card[found.end() :]


def _body(name: str, base: str) -> str:
    what = (
        f"An adapter of [{base}](https://huggingface.co/{base})" if base else "Weights"
    )
    return (
        f"{MARK}\n\n# {name}\n\n{what} for open named entity recognition, trained and"
        f" published with unibench {version('unibench')}.\n"
    )


def _scores(records: Sequence[RunRecord]) -> str:
    if not records:
        return ""
    lines = [
        "\n## Results\n",
        "Measured with unibench; strict and partial micro-F1 x100.\n",
        "| subset | strict F1 | partial F1 | command |",
        "| --- | ---: | ---: | --- |",
    ]
    for record in sorted(records, key=lambda r: r.subset):
        strict, partial = percent(record.strict.f1), percent(record.partial.f1)
        command = record.environment.command.replace("|", "\\|")
        lines.append(f"| {record.subset} | {strict} | {partial} | `{command}` |")
    return "\n".join(lines) + "\n"


def _refused(folder: Path, name: str) -> str:
    if any(fnmatch.fnmatch(name.rpartition("/")[2], pattern) for pattern in _PICKLES):
        return (
            f"{folder / name} is a pickle, which can run code when it is loaded; save"
            " the weights as safetensors (save_pretrained does)"
        )
    return (
        f"{folder / name} is no file of weights; move it away. Logs and data files are"
        " not published with weights, since they could hold text of a dataset"
    )


def _walk(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise PublishError(f"{folder} is no folder of weights")
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            raise PublishError(
                f"{path} points out of the folder; copy what it means there"
            )
        if path.is_file():
            yield path


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise PublishError(f"{path} is no UTF-8: {error}") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise PublishError(f"{path} is no JSON object: {error}") from error
