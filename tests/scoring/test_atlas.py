"""Every kind of error, and the atlas that counts them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from unibench.schema.score import Case
from unibench.scoring.errors.atlas import make_atlas
from unibench.scoring.errors.findings import Kind, find_errors

TEXT = "The Royal Bank of Perth opened in Perth near Ann Lee"


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        pytest.param("o 1-4", "o 1-4", [], id="right"),
        pytest.param("o 1-4", "o 1-2", [Kind.SHORT], id="short"),
        pytest.param("o 1-4", "o 0-4", [Kind.LONG], id="long"),
        pytest.param("o 1-4", "o 2-5", [Kind.SHIFTED], id="shifted"),
        pytest.param("o 1-4", "l 1-4", [Kind.TYPE], id="type"),
        pytest.param("o 1-4", "l 4", [Kind.BOUNDARY_AND_TYPE], id="boundary-and-type"),
        pytest.param("o 1-4", "", [Kind.MISSED], id="missed"),
        pytest.param("o 1-4, l 4", "o 1-4", [Kind.NESTED], id="nested-inside"),
        pytest.param("o 1-4, l 4", "l 4", [Kind.NESTED], id="nested-around"),
        pytest.param("", 'o "Oslo"', [Kind.INVENTED], id="invented"),
        pytest.param("p 9", "p 9, p 9", [Kind.DUPLICATE], id="duplicate"),
        pytest.param("p 9", "p 9, l 7", [Kind.SPURIOUS], id="spurious"),
        pytest.param(
            "l 4, l 7", "l 7, p 0-7", [Kind.BOUNDARY_AND_TYPE], id="exact-first"
        ),
        pytest.param(
            "p 9", "p 8-10, p 9-10", [Kind.LONG, Kind.SPURIOUS], id="one-each"
        ),
    ],
)
def test_kinds(
    make_case: Callable[..., Case], gold: str, predicted: str, kinds: list[Kind]
) -> None:
    case = make_case(TEXT, gold, predicted, types=("o", "l", "p"))
    assert [finding.kind for finding in find_errors(case)] == kinds
    turned = msgspec.structs.replace(case, predicted=case.predicted[::-1])
    assert [finding.kind for finding in find_errors(turned)] == kinds


def test_missed_gold_of_an_unreadable_answer(make_case: Callable[..., Case]) -> None:
    case = make_case(TEXT, "o 1-4, l 7", unparsed=("o",))
    assert [f.kind for f in find_errors(case)] == [Kind.UNPARSABLE, Kind.MISSED]


def test_atlas(make_case: Callable[..., Case]) -> None:
    types = ("o", "l", "p")
    cases = {
        "news": [
            make_case(
                TEXT, "o 1-4, l 4, l 7, p 9-10", "l 1-4, l 7", id="1", types=types
            ),
            make_case("Perth", "l 0", "l 0", id="2", types=types),
        ],
        "law": [make_case("Ann left Perth", "p 0, l 2", "p 0-1", id="3", types=types)],
    }
    atlas = make_atlas(cases)
    assert (atlas.passages, atlas.gold) == (3, 7)
    wrong = {kind: times for kind, times in atlas.kinds.items() if times}
    assert wrong == {Kind.TYPE: 1, Kind.MISSED: 3, Kind.LONG: 1}
    assert atlas.by_domain["law"][Kind.LONG] == 1
    assert atlas.by_type["o"][Kind.TYPE] == 1
    assert atlas.by_length["4 words"][Kind.TYPE] == 1
    assert atlas.by_length["1 word"][Kind.MISSED] == 2
    assert atlas.by_rarity["2 to 5 times"][Kind.MISSED] == 2  # Perth, four times
    (confusion,) = atlas.confusions
    assert (confusion.gold_type, confusion.predicted_type) == ("o", "l")
    assert [(p.passage, p.errors) for p in atlas.costly] == [("1", 4), ("3", 3)]
    assert atlas.costly[0].text == TEXT
    assert len(make_atlas(cases, costly=1).costly) == 1
    assert msgspec.json.decode(msgspec.json.encode(atlas))["kinds"]["missed"] == 3
