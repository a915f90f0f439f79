"""Helpers for the tests of parsers: read files from memory, and what must hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from unibench.data.formats.base import Format, RawFile, raw_file
from unibench.errors import UnibenchError
from unibench.schema.text import Passage

Files = Mapping[str, str | bytes]


class Read:
    """Reads files from memory with one parser."""

    def __call__(self, kind: type[Format], files: Files, **options: Any) -> list[Any]:
        return self.noted(kind, files, **options)[0]

    def noted(
        self, kind: type[Format], files: Files, **options: Any
    ) -> tuple[list[Passage], Counter[str]]:
        """Return the passages and the parser's repairs; check what always holds."""
        parser = kind(msgspec.convert(options, kind.Options))
        raw = [raw_file(name, content) for name, content in files.items()]
        passages = list(parser.read(raw))
        sound(passages)
        return passages, parser.repairs

    def broken(self, kind: type[Format], files: Files, **options: Any) -> None:
        """Read damaged files: a sound result, or an error that is explained."""
        try:
            self(kind, files, **options)
        except UnibenchError as error:
            assert any(name in str(error) for name in files) or not files, error

    def paths(
        self, kind: type[Format], paths: list[Path], **options: Any
    ) -> tuple[list[Passage], Counter[str]]:
        """Read real files, named by their paths."""
        parser = kind(msgspec.convert(options, kind.Options))
        passages = list(parser.read([RawFile(str(p), opener(p)) for p in paths]))
        sound(passages)
        return passages, parser.repairs


def opener(path: Path) -> Callable[[], Any]:
    """Return what opens `path`, unpacked if its name ends in .xz."""
    if path.suffix == ".xz":
        import lzma

        return lambda: lzma.open(path)
    return lambda: path.open("rb")


def sound(passages: list[Passage]) -> None:
    """Check what holds of all passages: ids differ, spans cut the mentions' text."""
    assert len({passage.id for passage in passages}) == len(passages)
    for passage in passages:
        for mention in passage.mentions:
            if mention.spans:
                pieces = [passage.text[s.start : s.end] for s in mention.spans]
                assert " ".join(pieces) == mention.text, (passage.id, mention)
            assert mention.entity_type
            assert mention.text


@pytest.fixture(scope="session")
def read() -> Read:
    """Reads files from memory: `read(Parser, {"name": content}, option=...)`."""
    return Read()
