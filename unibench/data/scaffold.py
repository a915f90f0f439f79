"""Write the two files of a dataset of one's own, filled in as far as its files tell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from unibench.data.formats.base import RawFile
from unibench.data.formats.registry import make_format
from unibench.errors import CardError, DataError
from unibench.schema.dataset_splits import SPLITS

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SPLIT_WORDS = {
    "train": ("train",),
    "dev": ("dev", "devel", "valid", "validation", "val"),
    "test": ("test", "eval"),
}
_KNOWN = {".jsonl": "jsonl", ".json": "jsonl", ".parquet": "parquet_tokens"}


class Scaffold(msgspec.Struct, frozen=True):
    """The files that were written, and the raw labels that were found."""

    card: Path
    label_map: Path
    labels: tuple[str, ...]


def write_scaffold(
    name: str, root: Path, folder: Path | None, values: Mapping[str, str]
) -> Scaffold:
    """Write `root`/dataset_cards/NAME.yaml and `root`/label_maps/NAME.yaml.

    With `folder`, the files of the splits, their format and the raw labels are taken
    from what lies there. `values` are title, domain, license and homepage.

    Raises:
        CardError: the name cannot be one, or a file is there already.
        DataError: `folder` holds no files of any split.
        FormatError: a file there is not of the format that it looks like.
    """
    if not _NAME.fullmatch(name):
        raise CardError(f"{name!r}: a name is lower-case letters, digits and _")
    paths = [root / kind / f"{name}.yaml" for kind in ("dataset_cards", "label_maps")]
    for path in paths:
        if path.exists():
            raise CardError(f"{path} is there already; remove it, or take another name")
    splits = split_files_in(folder) if folder is not None else {}
    spec = guessed_format(list(splits.values())) if splits else {"name": "columns"}
    labels = labels_in(list(splits.values()), spec)
    names = {split: path.name for split, path in splits.items()}
    card = {
        **values,
        "citation": f"{values['title']}.",
        "format": spec,
        "splits": names or {split: f"{split}.txt" for split in SPLITS},
    }
    entries = {label: _entry(label) for label in labels} or {"PER": _entry("person")}
    for path, content in zip(paths, (card, {"labels": entries}), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=88)
        path.write_text(text, "utf-8")
    return Scaffold(paths[0], paths[1], tuple(labels))


def split_files_in(folder: Path) -> dict[str, Path]:
    """Return split -> file, by the words train, dev, valid, test in file names.

    Raises:
        DataError: there is none, or two for a split.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        words = set(re.split(r"[^a-z]+", path.stem.lower()))
        for split, names in _SPLIT_WORDS.items():
            if path.is_file() and words & set(names):
                if split in found:
                    raise DataError(
                        f"{folder}: {found[split].name} and {path.name} could both be"
                        f" {split}; keep one there"
                    )
                found[split] = path
    if not found:
        raise DataError(
            f"{folder}: no file name holds a word like train, dev, valid or test"
        )
    return {split: found[split] for split in SPLITS if split in found}


def guessed_format(paths: Sequence[Path]) -> dict[str, Any]:
    """Return a format and options that fit how the first file looks."""
    path = paths[0]
    if path.suffix in _KNOWN:
        return {"name": _KNOWN[path.suffix]}
    first = next(
        (
            line
            for _, line in _raw(path).lines()
            if line.strip() and "-DOCSTART-" not in line and not line.startswith("#")
        ),
        "",
    )
    separator = "\t" if "\t" in first else " "
    cells = first.split(separator)
    spec: dict[str, Any] = {"name": "columns"}
    if separator != "\t":
        spec["separator"] = separator
    if len(cells) > 1 and _is_tag(cells[0]) and not _is_tag(cells[-1]):
        spec |= {"token": 1, "tag": 0}
    elif len(cells) > 2 and cells[0] in {"0", "1"}:
        spec |= {"token": 1}
    return spec


def labels_in(paths: Sequence[Path], spec: Mapping[str, Any]) -> list[str]:
    """Return the raw labels of files, in order of occurrence."""
    found: dict[str, None] = {}
    parser = make_format(spec, "the guessed card")
    for passage in parser.read([_raw(path) for path in paths]):
        found |= dict.fromkeys(mention.entity_type for mention in passage.mentions)
    return list(found)


def _raw(path: Path) -> RawFile:
    return RawFile(str(path), lambda: path.open("rb"))


def _is_tag(cell: str) -> bool:
    return cell == "O" or bool(re.fullmatch(r"[BIES]-\S+", cell))


def _entry(label: str) -> dict[str, Any]:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-/]+", " ", label).strip().lower()
    return {"name": name or label, "definition": "", "paraphrases": []}
