"""Ids that are unique within a split although documents may repeat."""

from __future__ import annotations


class UniqueIds:
    """Hands out each name once: a name that comes again gets `#2`, `#3`, ..."""

    def __init__(self) -> None:
        """Begin without any name taken."""
        self._taken: dict[str, int] = {}

    def take(self, name: str) -> str:
        """Return `name`, or its next free variant."""
        unique = name
        while unique in self._taken:
            self._taken[name] += 1
            unique = f"{name}#{self._taken[name]}"
        self._taken[unique] = 1
        return unique
