"""Records made by hand: a model, a subset, some counts, nothing from a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from unibench.reporting.catalogue import Catalogue, SubsetInfo
from unibench.schema.dataset_card import Table6
from unibench.schema.record import (
    DataIdentity,
    Environment,
    ModelIdentity,
    RunRecord,
    Tally,
    Usage,
)
from unibench.schema.score import Counts, Interval, Score

MakeRecord = Callable[..., RunRecord]


@pytest.fixture
def make_record() -> MakeRecord:
    """Return a function that makes the record of a run; F1 is correct of 100 + 100."""

    def make(
        model: str = "shout",
        subset: str = "crossner_ai",
        correct: float = 50,
        *,
        half_width: float | None = 0.02,
        **changes: Any,
    ) -> RunRecord:
        record = RunRecord(
            unibench_version="0.1.0",
            scoring_version=1,
            created="2026-01-02T03:04:05+00:00",
            model=ModelIdentity(
                name=model, title=model.title(), adapter="lines", backend="replay",
                checkpoint="org/shout", revision="a" * 40, revision_pinned=True,
                card_sha256="c" * 64, prompt_sha256="b" * 64, prompt_origin="ours",
            ),
            data=DataIdentity(
                dataset="crossner" if subset.startswith("crossner") else subset,
                subset=subset, split="test", protocol="corrected", domain="General",
                access="open", license="MIT", fingerprint="f" * 64,
                card_sha256="d" * 64, label_map_sha256="e" * 64,
            ),
            entity_types=("person", "city"),
            scores={
                name: score(name, correct + plus, half_width)
                for name, plus in (("uniner", 0), ("partial", 5), ("strict_span", -1))
            },
            tally=Tally(passages=10, queries=20, unparsed=1, invented=2),
            usage=Usage(seconds=4.0, requests=20, cost_usd=0.5),
            environment=Environment(
                command="unibench evaluate -m shout", python="3.11", platform="Linux",
                hardware="2 cores", packages={"unibench": "0.1.0"},
            ),
            path=f"runs/{model}/{subset}/record.json",
        )  # fmt: skip
        return changed(record, changes)

    return make


def score(profile: str, correct: float, half_width: float | None) -> Score:
    """A score of 100 predicted and 100 gold mentions in two types."""
    f1 = correct / 100
    interval = Interval(f1 - half_width, f1 + half_width) if half_width else None
    return Score(
        profile=profile,
        profile_version=1,
        counts=Counts(correct, 100, 100),
        by_type={
            "person": Counts(correct / 2, 50, 50),
            "city": Counts(correct / 2, 50, 50),
        },
        interval=interval,
    )


def changed(record: RunRecord, changes: Mapping[str, Any]) -> RunRecord:
    """Replace fields of the record, or with `data__protocol` those inside it."""
    for name, value in changes.items():
        outer, _, inner = name.partition("__")
        if inner:
            value = msgspec.structs.replace(getattr(record, outer), **{inner: value})
        record = msgspec.structs.replace(record, **{outer: value})
    return record


@pytest.fixture
def catalogue() -> Catalogue:
    """Three subsets of two datasets in two domains, and one suite of them all."""
    infos = [
        SubsetInfo(
            subset=subset, dataset=dataset, title=subset.title(), domain=domain,
            access=access, license="MIT", homepage="https://example.org",
            table6=Table6(train=10, dev=20, test=30, types=2, tokens=20, entities=1.5),
        )
        for subset, dataset, domain, access in (
            ("crossner_ai", "crossner", "General", "open"),
            ("crossner_music", "crossner", "General", "open"),
            ("mit_movie", "mit_movie", "Social media", "open"),
        )
    ]  # fmt: skip
    subsets = {info.subset: info for info in infos}
    return Catalogue(subsets=subsets, suites={"three": tuple(subsets)})


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on UNIBENCH_PATH whose `models/` the test may fill."""
    folder = tmp_path / "cards"
    (folder / "models").mkdir(parents=True)
    monkeypatch.setenv("UNIBENCH_PATH", str(folder))
    return folder
