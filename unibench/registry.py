"""Find components by name: built-in ones and those of installed plugins."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from unibench.errors import PluginError, UnibenchError, UnknownNameError


class Registry:
    """The names of one kind of component, each imported only when it is asked for."""

    def __init__(self, kind: str, group: str, builtin: Mapping[str, str]) -> None:
        """Take the word for one component, its entry-point group, our own targets."""
        self.kind, self.group, self.builtin = kind, group, builtin

    @cached_property
    def targets(self) -> dict[str, EntryPoint]:
        """Every known name and where its object lives; nothing is imported yet."""
        targets = {n: EntryPoint(n, v, self.group) for n, v in self.builtin.items()}
        for point in entry_points(group=self.group):
            taken = targets.get(point.name)
            if taken is not None and taken.value != point.value:
                raise PluginError(
                    f"two {self.kind}s are called {point.name!r}: {taken.value}"
                    f" and {point.value}; uninstall one of the two packages"
                )
            targets[point.name] = point
        return targets

    def load(self, name: str) -> Any:
        """Import and return the component called `name`.

        Raises:
            UnknownNameError: no component has that name.
            PluginError: the module that holds it cannot be imported.
        """
        if name not in self.targets:
            raise UnknownNameError(self.kind, name, self.targets)
        target = self.targets[name]
        try:
            return target.load()
        except UnibenchError:
            raise
        except (ImportError, AttributeError) as error:
            raise PluginError(
                f"the {self.kind} {name!r} ({target.value}) cannot be imported: {error}"
            ) from error
