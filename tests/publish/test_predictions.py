"""Predictions as places: no text goes out, and the very file comes back."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.publish.conftest import SECRET_WORDS, MakeRun
from unibench.errors import PublishError
from unibench.publish.results.gather import gather
from unibench.publish.results.predictions import (
    PlacedMention,
    PlacedPrediction,
    digest,
    placed,
    predictions_file,
    read_predictions_file,
    restored,
)
from unibench.runner.store import read_predictions
from unibench.schema.query import Prediction
from unibench.schema.text import Mention, Span

TEXTS = {"p": "Ann met Bo, and Bo met Ann."}


@pytest.mark.parametrize(
    ("mention", "expected"),
    [
        pytest.param(
            Mention("person", "Bo"),
            PlacedMention("person", at=Span(8, 10)),
            id="text-that-stands-there",
        ),
        pytest.param(
            Mention("person", "Bo", (Span(16, 18),)),
            PlacedMention("person", spans=(Span(16, 18),)),
            id="own-offsets",
        ),
        pytest.param(
            Mention("person", "Ann Bo", (Span(0, 3), Span(8, 10))),
            PlacedMention("person", spans=(Span(0, 3), Span(8, 10))),
            id="discontinuous",
        ),
        pytest.param(
            Mention("person", "ann", (), 0.5),
            PlacedMention("person", text="ann", score=0.5),
            id="the-model's-own-words",
        ),
        pytest.param(
            Mention("person", "Bob", (Span(8, 10),)),
            PlacedMention("person", text="Bob", spans=(Span(8, 10),)),
            id="offsets-that-disagree",
        ),
    ],
)
def test_a_mention_becomes_a_place(mention: Mention, expected: PlacedMention) -> None:
    row = placed(Prediction("p", ("person",), (mention,)), TEXTS)
    assert row.mentions == (expected,)
    assert restored(row, TEXTS).mentions == (mention,)


words = st.text(st.sampled_from("AnBo met,é\u2028😀"), max_size=30)


@given(words, st.lists(st.tuples(words, st.booleans())), words)
def test_every_prediction_comes_back(
    text: str, said: list[tuple[str, bool]], error: str
) -> None:
    mentions = tuple(
        Mention("t", word, (Span(0, len(text)),) if spans and text else ())
        for word, spans in said
    )
    row = Prediction("p", ("t",), mentions, parse_error=error, dropped={"x": 1})
    assert restored(placed(row, {"p": text}), {"p": text}) == row


def test_the_file_holds_no_text_and_gives_the_hash_back(make_run: MakeRun) -> None:
    record = make_run(wrong="Ann")
    (run,) = gather([record], predictions=True).runs
    assert run.predictions is not None
    content = gzip.decompress(run.predictions.read())
    for word in SECRET_WORDS:
        assert word.encode() not in content
    assert b"Ann" in content  # the model's own word
    texts = {
        "a": "Zorvath Quill visited Mimbledon.",
        "b": "Nobody came.",
        "c": "Mimbledon sleeps.",
    }
    back = read_predictions_file("x", run.predictions.read(), texts)
    assert digest(back) == record.predictions_sha256


def test_predictions_under_an_agreement_are_never_published(make_run: MakeRun) -> None:
    for subset in ("closedcorpus", "hospitalcorpus"):
        record = make_run(subset)
        found = gather([record], predictions=True, gated=True)
        assert found.runs[0].predictions is None
        assert not found.gated
        assert subset in found.notes[0]
        with pytest.raises(PublishError, match="cannot be published"):
            predictions_file(record, read_predictions(record), {})


def test_text_goes_to_a_gated_repository_only_under_its_licence(
    make_run: MakeRun,
) -> None:
    free = gather([make_run("freecorpus")], gated=True).gated[0]
    assert b"Zorvath Quill" in gzip.decompress(free.read())
    silent = gather([make_run("silentcorpus")], gated=True).gated[0]
    assert b"Zorvath" not in gzip.decompress(silent.read())
    record = make_run("silentcorpus")
    with pytest.raises(PublishError, match="does not allow"):
        predictions_file(record, read_predictions(record), {}, with_text=True)


def test_predictions_that_are_not_the_record_s_own(make_run: MakeRun) -> None:
    record = make_run()
    texts = {"a": "Zorvath Quill visited Mimbledon.", "b": "", "c": ""}
    with pytest.raises(PublishError, match="not those that it was scored from"):
        predictions_file(record, read_predictions(record)[:1], texts)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"no gzip", "no file of predictions", id="not-packed"),
        pytest.param(gzip.compress(b"{}")[:-4], "no file of predictions", id="cut"),
        pytest.param(gzip.compress(b"[1]\n"), "no file of predictions", id="a-list"),
        pytest.param(
            gzip.compress(b'{"id": "z", "entity_types": []}\n'),
            "no passage 'z'",
            id="other-passages",
        ),
        pytest.param(
            gzip.compress(
                b'{"id":"p","entity_types":["t"],"mentions":'
                b'[{"entity_type":"t","at":[20,99]}]}\n'
            ),
            "lies outside its text",
            id="place-outside",
        ),
        pytest.param(
            gzip.compress(
                b'{"id":"p","entity_types":["t"],"mentions":[{"entity_type":"t"}]}\n'
            ),
            "lies outside its text",
            id="no-place",
        ),
    ],
)
def test_damaged_files(content: bytes, said: str) -> None:
    with pytest.raises(PublishError, match=said):
        read_predictions_file("predictions/x.jsonl.gz", content, TEXTS)


def test_places_that_the_published_type_holds_are_those_of_predictions() -> None:
    assert (
        PlacedPrediction.__struct_fields__ == Prediction.__struct_fields__
    )  # a new field of a prediction must be published too
