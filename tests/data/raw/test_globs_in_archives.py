"""A folder that is unpacked in part is completed from the archive beside it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from unibench.data.raw.locate import Finder, RawFolder


def pack(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:xz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_loose_files_come_first_and_the_archive_gives_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "toy" / "docs"
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "a.json").write_bytes(b"loose a")
    pack(
        folder / "train.tar.xz",
        {
            "train/a.json": b"packed a",
            "train/b.json": b"packed b",
            "else/train/c.json": b"of another folder",
        },
    )
    finder = Finder(RawFolder(tmp_path), ("toy",), frozenset())
    found = finder.find_all("docs/train/*.json")
    assert [(item.name, item.file.read()) for item in found] == [
        ("docs/train/a.json", b"loose a"),
        ("docs/train/b.json", b"packed b"),
    ]
