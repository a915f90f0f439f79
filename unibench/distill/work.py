"""The working folder of a recipe: files, manifests, and what may be done again.

A stage writes its files first and its manifest last, each all or nothing, so a stage
with a manifest is complete. The manifest holds the settings that the stage was run
with and the hashes of its files; a stage is done again only on purpose.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from unibench.errors import RunError
from unibench.schema.query import content_hash

STAGES = ("passages", "label", "filter", "stats", "conversations")
_BLOCK = 1 << 20
_SHOWN = 5


class StageFile(msgspec.Struct, frozen=True):
    """A file that a stage wrote; `rows` where it is JSON lines."""

    sha256: str
    rows: int | None = None


class StageManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage was run with, what it made, and everything it counted."""

    stage: str
    recipe: str
    created: str
    seconds: float
    unibench_version: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, str] = {}
    files: Mapping[str, StageFile] = {}
    counts: Mapping[str, Any] = {}


class Progress:
    """Told how far a stage is; this one shows nothing."""

    def start(self, what: str, total: int | None, unit: str) -> None:
        """Begin a step with a known or unknown number of units."""

    def advance(self, count: int) -> None:
        """So many more units are done."""

    def note(self, text: str) -> None:
        """Say something that the user should know now."""

    def close(self) -> None:
        """End the step."""


class WorkFolder:
    """The folder where the stages of one recipe leave their files."""

    def __init__(self, path: Path, recipe: str) -> None:
        """Take the folder and the recipe's name or path, for messages."""
        self.path, self.recipe = path, recipe

    def file(self, name: str) -> Path:
        """Return the path of a file in the folder."""
        return self.path / name

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out for as long as a stage works.

        Raises:
            RunError: another process works in the folder.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self.file(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunError(
                    f"{self.path}: another process works in this folder; wait for it,"
                    " or choose another one with --output"
                ) from error
            yield

    def manifest(self, stage: str) -> StageManifest | None:
        """Return the manifest of a stage, None if it was not completed."""
        path = self._manifest_file(stage)
        try:
            return msgspec.json.decode(path.read_bytes(), type=StageManifest)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise RunError(
                f"{path} is damaged ({error}); run the stage with --again"
            ) from error

    def required(self, stage: str) -> StageManifest:
        """Return the manifest of a stage that must have been run, and is whole."""
        found = self.manifest(stage)
        if found is None:
            raise RunError(
                f"{self.path}: the stage {stage!r} is not done yet; run 'unibench"
                f" distill {stage} {self.recipe}' first"
            )
        self._check_files(found)
        return found

    def done(
        self, stage: str, settings: Mapping[str, Any], inputs: Mapping[str, str]
    ) -> StageManifest | None:
        """Return the manifest if the stage was done with just these settings.

        Raises:
            RunError: it was done with others, from other files, or its files changed.
        """
        found = self.manifest(stage)
        if found is None:
            return None
        check_settings(self.file(stage), found.settings, settings)
        if dict(found.inputs) != dict(inputs):
            changed = sorted(k for k in inputs if found.inputs.get(k) != inputs[k])
            raise RunError(
                f"{self.path}: the stage {stage!r} was made from another"
                f" {', '.join(changed)}; run it again with --again"
            )
        self._check_files(found)
        return found

    def finish(
        self,
        stage: str,
        *,
        settings: Mapping[str, Any],
        inputs: Mapping[str, str],
        rows: Mapping[str, int | None],
        counts: Mapping[str, Any],
        seconds: float,
    ) -> StageManifest:
        """Write the manifest of a stage whose files are written."""
        files = {n: StageFile(file_hash(self.file(n)), r) for n, r in rows.items()}
        manifest = StageManifest(
            stage=stage,
            recipe=self.recipe,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(seconds, 3),
            unibench_version=version("unibench"),
            settings=settings,
            inputs=inputs,
            files=files,
            counts=counts,
        )
        content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        write_whole(self._manifest_file(stage), content + b"\n")
        return manifest

    def forget(self, stage: str, files: Sequence[str] = ()) -> None:
        """Remove what says that a stage is done or begun, so that it is done again."""
        self._manifest_file(stage).unlink(missing_ok=True)
        for name in files:
            self.file(name).unlink(missing_ok=True)

    def _manifest_file(self, stage: str) -> Path:
        return self.file(f"{stage}.manifest.json")

    def _check_files(self, manifest: StageManifest) -> None:
        for name, file in manifest.files.items():
            path = self.file(name)
            if not path.is_file() or file_hash(path) != file.sha256:
                state = "was changed" if path.is_file() else "is gone"
                raise RunError(
                    f"{path} {state} since the stage {manifest.stage!r} wrote it; put"
                    f" it back, or run 'unibench distill {manifest.stage}"
                    f" {self.recipe} --again'"
                )


def plain(value: Any) -> Any:
    """Return a struct as the plain values that a manifest holds."""
    return msgspec.json.decode(msgspec.json.encode(value))


def check_settings(where: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Refuse to go on with other settings than those that a stage was begun with.

    Raises:
        RunError: they differ; the message names each setting with both values.
    """
    before, after = _flat(old), _flat(plain(new))
    changed = [
        f"{key} was {before.get(key, 'absent')!r} and is {after.get(key, 'absent')!r}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    if changed:
        more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        raise RunError(
            f"{where.parent}: the recipe has changed since the stage {where.name!r} was"
            f" run there: {'; '.join(changed[:_SHOWN])}{more}; choose another folder"
            " with --output, or run the stage again with --again"
        )


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file all or nothing."""
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def settings_hash(settings: Mapping[str, Any]) -> str:
    """Return the identity of a stage's settings."""
    return content_hash(plain(settings))


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return nested values as dotted name -> leaf."""
    if isinstance(value, Mapping) and value:
        items = [(str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list) and value:
        items = [(str(at), inner) for at, inner in enumerate(value)]
    else:
        return {name: value}
    flat: dict[str, Any] = {}
    for key, inner in items:
        flat |= _flat(inner, f"{name}.{key}" if name else key)
    return flat
