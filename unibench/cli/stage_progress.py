"""Show on stderr how far a stage of work is."""

from __future__ import annotations

from typing import Any

import click

from unibench.distill.work import Progress


class StageProgress(Progress):
    """A bar for each step; silent for a stage that has nothing to do."""

    def __init__(self, stage: str) -> None:
        """Take the name of the stage."""
        self.stage = stage
        self.worked = False
        self._bar: Any = None

    def start(self, what: str, total: int | None, unit: str) -> None:
        """Begin a bar."""
        from tqdm import tqdm

        self.worked = True
        self._bar = tqdm(
            total=total, desc=f"{self.stage}: {what}", unit=unit, dynamic_ncols=True
        )

    def advance(self, count: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(count)

    def note(self, text: str) -> None:
        """Say something above the bar."""
        click.echo(f"{self.stage}: {text}", err=True)

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
