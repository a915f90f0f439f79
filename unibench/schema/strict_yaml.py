"""Read YAML cards strictly: no unknown key, no key given twice, no wrong type."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from unibench.errors import CardError

T = TypeVar("T")


class _Loader(yaml.CSafeLoader):
    """A safe loader that refuses a key given twice; PyYAML would keep the last."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key, _ in node.value:
        name = loader.construct_object(key)
        if isinstance(name, list | dict):
            line = key.start_mark.line + 1
            raise CardError(f"line {line}: a list or mapping cannot be a key")
        if name in seen:
            raise CardError(f"line {key.start_mark.line + 1}: {name!r} is given twice")
        seen.add(name)
    return dict(loader.construct_pairs(node, deep=True))


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_yaml(path: Path) -> Any:
    """Return the plain values that `path` holds; raise CardError naming the file."""
    try:
        return yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506
    except (CardError, ValueError, yaml.YAMLError) as error:
        raise CardError(f"{path}: {error}") from error
    except OSError as error:
        raise CardError(f"{path}: cannot be read: {error.strerror}") from error


def read_card(path: Path, card_type: type[T]) -> T:
    """Return the `card_type` that `path` declares; raise CardError naming the file."""
    return convert(read_yaml(path) or {}, card_type, str(path))


def convert(values: Any, card_type: type[T], where: str) -> T:
    """Return plain `values` as a `card_type`; the error names `where` and the keys."""
    try:
        return msgspec.convert(values, card_type)
    except (msgspec.ValidationError, ValueError) as error:
        hint = _allowed(card_type) if "unknown field" in str(error) else ""
        raise CardError(f"{where}: {error}{hint}") from error


def _allowed(card_type: Any) -> str:
    """The keys of a struct; for a nested one, msgspec's `$.path` tells the place."""
    if not isinstance(card_type, type) or not issubclass(card_type, msgspec.Struct):
        return ""
    names = sorted(field.encode_name for field in msgspec.structs.fields(card_type))
    return f"; allowed at the top are {', '.join(names)}"
