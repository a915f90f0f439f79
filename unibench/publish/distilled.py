"""Distilled data: the dataset folder that `unibench distill conversations` wrote."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from unibench.data import catalogue
from unibench.errors import PublishError
from unibench.publish.files import PlannedFile, Publication
from unibench.publish.licenses import may_redistribute, rights_of, why_not
from unibench.publish.model.weights import split_card
from unibench.publish.results.card import CARD

FOLDER = "dataset"
MANIFEST = "conversations.manifest.json"
_TAKEN = ("*.jsonl", "*.parquet", "*.json", "*.png", CARD)


class _File(msgspec.Struct, frozen=True):
    sha256: str


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the stage `conversations` says of itself; the other fields do not matter."""

    stage: str
    settings: Mapping[str, Any] = {}
    files: Mapping[str, _File] = {}


def plan_distilled(folder: Path) -> Publication:
    """Return the files of a distilled dataset, each checked against the manifest.

    Raises:
        PublishError: a file is not what the stage wrote, the licence does not allow
            redistribution, or the mixture holds data that may not be published.
    """
    work = folder.parent if folder.name == FOLDER else folder
    manifest = _manifest(work / MANIFEST)
    _require_mixture(manifest)
    files = []
    for name, entry in sorted(manifest.files.items()):
        path = work / name
        inside = name.removeprefix(f"{FOLDER}/")
        if inside == name or not any(fnmatch.fnmatch(inside, p) for p in _TAKEN):
            raise PublishError(f"{work / MANIFEST} lists {name}, which is no data file")
        if not path.is_file() or _sha256(path) != entry.sha256:
            raise PublishError(
                f"{path} is missing or was changed after it was made; run 'unibench"
                " distill conversations RECIPE --again'"
            )
        files.append(PlannedFile(inside, path))
    _require_license(work / FOLDER / CARD)
    return Publication(title=f"Publish {len(files)} files", files=tuple(files))


def _manifest(path: Path) -> _Manifest:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Manifest)
    except OSError as error:
        raise PublishError(
            f"{path} cannot be read ({error.strerror}); give the folder in which"
            " 'unibench distill conversations' was finished"
        ) from error
    except msgspec.MsgspecError as error:
        raise PublishError(f"{path} is damaged: {error}") from error
    if found.stage != "conversations":
        raise PublishError(f"{path} is of the stage {found.stage!r}")
    return found


def _require_mixture(manifest: _Manifest) -> None:
    """Refuse a mixture with human-labelled data that may not be redistributed."""
    mixture = list(_parts(manifest.settings))
    if not mixture:
        raise PublishError(
            "the manifest does not say what the data were mixed from; run the stage"
            " again with this unibench"
        )
    for part in mixture:
        if subset := part.get("subset"):
            _require_subset(str(subset))
        elif part.get("file"):
            raise PublishError(
                f"the mixture holds conversations made elsewhere ({part['file']}),"
                " whose licence is not known here; publish what is your own without"
                " them"
            )


def _parts(settings: Any) -> list[Mapping[str, Any]]:
    """Find the parts of the mixture, wherever the settings hold them."""
    if isinstance(settings, Mapping):
        found = settings.get("mixture")
        if isinstance(found, list):
            return [part for part in found if isinstance(part, Mapping)]
        for value in settings.values():
            if parts := _parts(value):
                return parts
    return []


def _require_subset(subset: str) -> None:
    dataset = catalogue.subsets().get(subset)
    card = catalogue.card(dataset) if dataset else None
    if card is None or not may_redistribute(card):
        why = why_not(card) if card else "it has no card on this machine"
        raise PublishError(
            f"the mixture holds the training set of {subset}, which cannot be"
            f" redistributed: {why}; take it out of the recipe's mixture"
        )


def _require_license(card: Path) -> None:
    values, _ = split_card(card.read_text("utf-8"), str(card))
    license_ = values.get("license")
    if not isinstance(license_, str) or not rights_of(license_).redistribute:
        raise PublishError(
            f"{card} has the licence {license_!r}, which does not allow to publish the"
            " passages of the corpus; write the licence of the corpus into the recipe"
            " (`license:`) if it does"
        )


def _sha256(path: Path) -> str:
    return PlannedFile(path.name, path).sha256()
