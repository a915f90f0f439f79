"""Statistics as in the paper's Table 1, and the picture of the long tail."""

from __future__ import annotations

from pathlib import Path

import pytest

from unibench.distill.filtering import DistilledPair
from unibench.distill.plot import plot_long_tail
from unibench.distill.statistics import all_statistics, frequency_ranges
from unibench.errors import RunError
from unibench.schema.text import Mention


def pair(name: str, source: str, *types: str) -> DistilledPair:
    entities = tuple(Mention(t, f"e{n}") for n, t in enumerate(types))
    return DistilledPair(
        id=name, text="x" * 10, entities=entities, source=source, document="d",
        teacher="t", answer="a",
    )  # fmt: skip


def test_ranges_of_200_types() -> None:
    """Ranks 1-2, 3-20 and 21-200; type n has 201 - n entities."""
    ranges = frequency_ranges({f"t{n:03}": 201 - n for n in range(1, 201)})
    assert [(r.name, r.types, r.entities) for r in ranges] == [
        ("top 1 %", 2, 200 + 199),
        ("1-10 %", 18, sum(range(181, 199))),
        ("10-100 %", 180, sum(range(1, 181))),
    ]
    assert ranges[0].examples == ("t001", "t002")
    assert ranges[1].examples == tuple(f"t{n:03}" for n in range(3, 13))
    assert sum(r.share for r in ranges) == pytest.approx(1)


def test_the_papers_number_of_types_is_divided_as_expected() -> None:
    ranges = frequency_ranges({f"t{n}": 1 for n in range(13_020)})
    assert [r.types for r in ranges] == [131, 1302 - 131, 13_020 - 1302]


def test_few_types_and_none() -> None:
    assert [r.types for r in frequency_ranges({"a": 1, "b": 2})] == [1, 0, 1]
    assert [r.share for r in frequency_ranges({})] == [0, 0, 0]


def test_overall_and_by_source() -> None:
    found = all_statistics(
        [
            pair("1", "logs", "ship", "ship", "person"),
            pair("2", "news"),
            pair("3", "logs", "ship"),
        ]
    )
    whole = found.all
    assert (whole.pairs, whole.entities, whole.types, whole.once) == (3, 4, 2, 1)
    assert (whole.without_entities, whole.frequencies) == (1, (3, 1))
    assert whole.entities_per_pair == pytest.approx(4 / 3)
    assert whole.types_per_pair == pytest.approx(1)
    assert {s: (d.pairs, d.entities) for s, d in found.by_source.items()} == {
        "logs": (2, 4), "news": (1, 0),
    }  # fmt: skip


@pytest.mark.parametrize("types", [1, 2, 99, 5000])
def test_the_picture_is_a_png(tmp_path: Path, types: int) -> None:
    frequencies = [max(1, 9000 // (n + 1)) for n in range(types)]
    ranges = [("top 1 %", 1, 0.5), ("1-10 %", 9, 0.3), ("10-100 %", 90, 0.2)]
    plot_long_tail(frequencies, ranges, "Types", tmp_path / "t.png")
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")


def test_without_entities_there_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no entity in the data"):
        plot_long_tail([], [], "Types", tmp_path / "t.png")
