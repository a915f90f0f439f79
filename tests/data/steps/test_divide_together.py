"""Documents that belong together go to one split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unibench.data.steps.divide import divided
from unibench.errors import CardError
from unibench.schema.dataset_splits import Partition
from unibench.schema.strict_yaml import convert
from unibench.schema.text import Passage


def test_the_notes_of_a_patient_stay_together(tmp_path: Path) -> None:
    notes = [
        Passage(f"{patient}-{note}.{line}", "x", (), f"{patient}-{note}")
        for patient in range(10)
        for note in ("01", "02")
        for line in range(3)
    ]
    part = Partition(
        files="*.xml",
        into={"train": 0.9, "dev": "rest"},
        by="documents",
        together=r"^\d+",
        seed=13,
    )
    patients: dict[str, set[str]] = {"train": set(), "dev": set()}
    for split, passage in divided(notes, part, tmp_path):
        patients[split].add(passage.document.partition("-")[0])
    assert len(patients["train"]) == 9
    assert len(patients["dev"]) == 1
    assert not patients["train"] & patients["dev"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"together": "x"}, "`together` needs `by: documents`"),
        ({"together": "(", "by": "documents"}, "unterminated"),
    ],
    ids=["of passages", "no expression"],
)
def test_a_wrong_partition_is_refused(options: dict[str, Any], problem: str) -> None:
    values = {"files": "a", "into": {"train": "rest"}, **options}
    with pytest.raises(CardError, match=problem):
        convert(values, Partition, "card")
