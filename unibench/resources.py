"""Where the YAML and CSV files of the data folders are found."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from unibench.errors import CardError, PluginError, UnknownNameError

_PACKAGE = Path(__file__).parent
FOLDERS = ("dataset_cards", "label_maps", "models", "training", "reports")


def data_root() -> Path:
    """Return the folder that holds the five data folders: wheel or checkout."""
    packed = _PACKAGE / "_data"
    return packed if packed.is_dir() else _PACKAGE.parent


def cache_root() -> Path:
    """Return the cache folder: `UNIBENCH_CACHE`, else `~/.cache/unibench`."""
    named = os.environ.get("UNIBENCH_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "unibench"


def roots() -> Iterator[Path]:
    """Yield every folder that may hold data folders: ours, plugins', the user's."""
    yield data_root()
    for point in entry_points(group="unibench.cards"):
        spec = find_spec(point.value.partition(":")[0])
        if spec is None or not spec.submodule_search_locations:
            raise PluginError(
                f"the entry point {point.name!r} of unibench.cards names"
                f" {point.value!r}, which is no installed package"
            )
        yield Path(next(iter(spec.submodule_search_locations)))
    for folder in os.environ.get("UNIBENCH_PATH", "").split(os.pathsep):
        if folder:
            if not Path(folder).is_dir():
                raise CardError(f"UNIBENCH_PATH names {folder!r}, which is no folder")
            yield Path(folder)


def files(folder: str, suffix: str = ".yaml") -> dict[str, Path]:
    """Return name -> path of every file with `suffix` in one of the data folders.

    Raises:
        CardError: two places hold a file of the same name.
    """
    found: dict[str, Path] = {}
    for root in roots():
        for path in sorted((root / folder).glob(f"*{suffix}")):
            name = path.name.removesuffix(suffix)
            if name in found and not path.samefile(found[name]):
                raise CardError(
                    f"{name!r} stands in two places: {found[name]} and {path};"
                    " rename or remove one"
                )
            found[name] = path
    return found


def find(folder: str, name: str, kind: str) -> Path:
    """Return the YAML file of `name`, which may also be a path to such a file.

    Raises:
        UnknownNameError: no data folder holds it.
        CardError: `name` is a path and there is no such file.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.is_file():
            raise CardError(f"{name}: there is no such file")
        return path
    known = files(folder)
    if name not in known:
        raise UnknownNameError(kind, name, known)
    return known[name]
