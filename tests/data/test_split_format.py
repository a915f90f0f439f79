"""A split whose files are of another kind than the rest has a format of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from unibench.data.api import load_prepared
from unibench.data.prepare import prepare_from
from unibench.data.raw.locate import RawFolder

CARD = """
title: Toy
domain: Law
license: MIT
homepage: https://example.org
citation: nobody
format: {name: columns}
splits:
  train: train.tsv
  test: {files: [test.jsonl], format: jsonl}
"""


def test_each_split_is_read_in_its_own_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, content in (("dataset_cards", CARD), ("label_maps", "labels: {A: a}")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "toy.yaml").write_text(content)
    monkeypatch.setenv("UNIBENCH_PATH", str(tmp_path))
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "train.tsv").write_text("Riga\tB-A\n")
    (raw / "test.jsonl").write_text('{"tokens": ["So", "Riga"], "tags": ["O", "B-A"]}')
    prepare_from("toy", "corrected", RawFolder(raw))
    texts = {
        split: [p.text for p in load_prepared("toy", split).passages]
        for split in ("train", "test")
    }
    assert texts == {"train": ["Riga"], "test": ["So Riga"]}
