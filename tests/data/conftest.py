"""A small dataset of one's own: two YAML files on UNIBENCH_PATH, and its raw files."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

CARD: dict[str, Any] = {
    "title": "Toy",
    "domain": "General",
    "license": "cc0-1.0",
    "homepage": "https://toy.example",
    "citation": "none",
    "format": {"name": "columns"},
    "splits": {"train": "data/train.txt", "test": "data/test.txt"},
}
MAP: dict[str, Any] = {
    "labels": {
        "PER": {
            "name": "person",
            "definition": "A named individual.",
            "paraphrases": ["individual", "human being"],
            "released": "Person",
        },
        "LOC": "location",
    },
    "dropped": {"MISC": "it means everything"},
}
TRAIN = "Ann\tB-PER\nran\tO\n\nOslo\tB-LOC\n\n"
TEST = "in\tO\nRome\tB-LOC\n\nAnn\tB-PER\nLee\tI-PER\nate\tO\npasta\tB-MISC\n\nno\tO\n"


class Toy:
    """A dataset in a folder: its card can be changed, its files can be written."""

    def __init__(self, root: Path, name: str = "toy") -> None:
        self.root, self.name = root, name
        self.raw = root / "raw"
        self.card: dict[str, Any] = deepcopy(CARD)
        self.map: dict[str, Any] = deepcopy(MAP)
        self.save()

    def save(self, **card: Any) -> None:
        """Write card and map, with these keys of the card changed."""
        self.card |= card
        for folder, values in (
            ("dataset_cards", self.card),
            ("label_maps", self.map),
        ):
            path = self.root / "cards" / folder / f"{self.name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump(values, sort_keys=False), "utf-8")

    def write(self, files: Mapping[str, str | bytes]) -> Path:
        """Write raw files; return the folder for --from."""
        for name, content in files.items():
            path = self.raw / name
            path.parent.mkdir(parents=True, exist_ok=True)
            data = content.encode() if isinstance(content, str) else content
            path.write_bytes(data)
        return self.raw

    def usual(self) -> Path:
        """Write the usual two files."""
        return self.write({"data/train.txt": TRAIN, "data/test.txt": TEST})


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """The dataset `toy`, found by name."""
    made = Toy(tmp_path)
    monkeypatch.setenv("UNIBENCH_PATH", str(tmp_path / "cards"))
    return made
