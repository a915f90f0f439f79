"""The oracle round trip finds the losses of each form, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unibench.adapters.load import build_adapter
from unibench.adapters.oracle import ceiling
from unibench.errors import AdapterError
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.text import Mention, Passage, Span

TEXT = "In Rome, Italy, None of St. Paul's; choir and orchestra (1984) sang."
HARD = Passage(
    "hard",
    TEXT,
    (
        Mention("place", "Rome, Italy", (Span(3, 14),)),
        Mention("place", "Italy", (Span(9, 14),)),
        Mention("group", "None", (Span(16, 20),)),
        Mention("group", "St. Paul's; choir", (Span(24, 41),)),
        Mention("group", "St. Paul's; orchestra", (Span(24, 35), Span(46, 55))),
        Mention("year", "1984", (Span(57, 61),)),
        Mention("year", "19", (Span(57, 59),)),
    ),
)
EASY = Passage("easy", "Bo sang .", (Mention("group", "Bo", (Span(0, 2),)),))


def made(adapter: str, **options: Any) -> Any:
    backend = {} if adapter == "gliner" else {"name": "replay", "file": "none"}
    return build_adapter(
        ModelCard(
            adapter=adapter,
            checkpoint=Checkpoint(id="x"),
            backend=backend,
            options=options,
        )
    )


@pytest.mark.parametrize(
    ("adapter", "options", "reasons"),
    [
        pytest.param("uniner", {}, {}, id="uniner"),
        pytest.param("json_types", {}, {}, id="json_types"),
        pytest.param("gollie", {}, {}, id="gollie"),
        pytest.param("knowcoder", {}, {}, id="knowcoder"),
        pytest.param("slimer", {}, {}, id="slimer"),
        pytest.param("uniner", {"query": "all_in_one"}, {}, id="all_in_one"),
        pytest.param(
            "type_bar", {}, {"delimiter ', '": 1, "none_word": 1}, id="type_bar"
        ),
        pytest.param(
            "type_bar", {"comma": "passage"}, {"none_word": 1}, id="type_bar_passage"
        ),
        pytest.param(
            "instructuie",
            {},
            {"delimiter ';'": 1, "discontinuous": 1, "none_word": 1},
            id="instructuie",
        ),
        pytest.param(
            "gner",
            {},
            {"discontinuous": 1, "overlapping": 2},
            id="gner",
        ),
        pytest.param(
            "gliner",
            {"overlap": "nested"},
            {"discontinuous": 1, "overlapping": 1},
            id="gliner",
        ),
    ],
)
def test_each_form_loses_what_it_must(
    adapter: str, options: dict[str, Any], reasons: dict[str, int]
) -> None:
    found = ceiling(made(adapter, **options), [HARD, EASY], ["place", "group", "year"])
    assert found.reasons == reasons
    assert found.gold == 8
    assert found.kept == 8 - sum(reasons.values())
    if not reasons:
        assert found.f1 == 1.0
        assert found.flags == {}


def test_a_type_that_cannot_be_asked_is_refused_and_counted() -> None:
    gold = Mention("drug(s)", "Bo", (Span(0, 2),))
    passage = Passage("p", "Bo sang .", (gold, *EASY.mentions))
    found = ceiling(made("gner"), [passage], ["drug(s)", "group"])
    assert found.reasons == {"type_not_expressible": 1}
    assert list(found.refused) == ["drug(s)"]
    assert (found.gold, found.kept) == (2, 1)
    assert found.f1 == pytest.approx(2 / 3)


def test_no_gold_has_no_ceiling_to_miss() -> None:
    assert ceiling(made("gner"), [Passage("e", "x")], ["group"]).f1 == 1.0


def test_an_adapter_without_an_answer_form_says_so() -> None:
    from unibench.adapters.base import GenerativeAdapter
    from unibench.schema.query import Message, Prompt, Query, Response

    class Mute(GenerativeAdapter):
        def render(self, query: Query) -> Prompt:
            return Prompt((Message("user", query.passage.text),))

        def parse(self, response: Response, query: Query) -> list[Mention]:
            return []

    card = ModelCard(adapter="mute", checkpoint=Checkpoint(id="x"))
    backend = made("uniner").backend
    with pytest.raises(AdapterError, match="'mute' states no answer form"):
        ceiling(Mute(card, backend), [EASY], ["group"])


@pytest.mark.realdata
@pytest.mark.parametrize("adapter", ["uniner", "json_types", "gollie", "knowcoder"])
def test_nothing_is_lost_of_a_real_set(adapter: str, real_data: Path) -> None:
    lines = next(real_data.glob("crossner_ai/**/test.txt"), None)
    if lines is None:
        pytest.skip("no CrossNER file here")
    passages = list(_conll(lines))
    types = sorted({m.entity_type for p in passages for m in p.mentions})
    found = ceiling(made(adapter), passages, types)
    assert len(passages) > 400
    assert (found.f1, found.losses) == (1.0, ())


def _conll(path: Path) -> Any:
    """Read a CoNLL file of two columns as plainly as can be."""
    for number, block in enumerate(path.read_text("utf-8").strip().split("\n\n")):
        rows = [line.split("\t") for line in block.splitlines()]
        mentions: list[Mention] = []
        at = 0
        previous = "O"
        text = " ".join(row[0] for row in rows)
        for word, tag in rows:
            end = at + len(word)
            name = tag[2:]
            if tag.startswith("I-") and previous[2:] == name:
                start = mentions[-1].spans[0].start
                mentions[-1] = Mention(name, text[start:end], (Span(start, end),))
            elif name:
                mentions.append(Mention(name, word, (Span(at, end),)))
            at, previous = end + 1, tag
        yield Passage(str(number), text, tuple(mentions))
