"""Prepare an invented distribution through the command line, and show what it holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from unibench.cli import cli
from unibench.data.api import load_dataset
from unibench.schema.text import Passage

HERE = Path(__file__).parent
Show = Callable[..., list[str]]


@pytest.fixture
def prepare() -> Callable[..., Show]:
    """`prepare(subset, folder)` runs the command; its result shows a split.

    A passage is shown as its text, then each mention as `type: words`, `+` between
    the pieces of a discontinuous one; a line end is shown as `/`.
    """

    def run(subset: str, folder: str = "", *options: str) -> Show:
        where = str(HERE / (folder or subset))
        args = ["data", "prepare", subset, "--from", where, *options]
        result = CliRunner().invoke(cli, args)
        assert result.exit_code == 0, (result.output, result.exception)
        return lambda split, protocol="corrected": [
            shown(passage) for passage in load_dataset(subset, split, protocol)
        ]

    return run


def shown(passage: Passage) -> str:
    mentions = [
        f"{m.entity_type}: "
        + " + ".join(passage.text[span.start : span.end] for span in m.spans)
        for m in passage.mentions
    ]
    return " | ".join([passage.text, *mentions]).replace("\n", "/")
