"""UniNER's prompt is the paper's, to the letter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from unibench.adapters.uniner import UniNER, wire_text
from unibench.errors import AdapterError, CardError
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Message, Prompt, Query, Response
from unibench.schema.text import Mention, Passage

PASSAGE = Passage("p", "Ann Lee met Bo in Rome.")
OPENING = (
    "A virtual assistant answers questions from a user based on the provided text."
    " USER: Text: Ann Lee met Bo in Rome. ASSISTANT: I've read this text.</s>"
)


class Silent:
    """A backend that is never asked."""

    def generate(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Response]]:
        raise AssertionError


def adapter(**options: object) -> UniNER:
    card = ModelCard(
        adapter="uniner", title="T", checkpoint=Checkpoint(id="x"), options=options
    )
    return UniNER(card, Silent())


def test_the_wire_format_is_the_released_one() -> None:
    prompt = adapter().render(Query(PASSAGE, ("person",)))
    assert prompt.text is not None
    assert prompt.text == (
        OPENING + "USER: What describes person in the text? ASSISTANT:"
    )
    assert len(prompt.text) == 200  # as rendered by the original code
    assert [m.role for m in prompt.messages] == ["system", "user", "assistant", "user"]
    assert prompt.messages[3].content == "What describes person in the text?"


def test_a_training_conversation_ends_each_answer() -> None:
    turns = [
        Message("user", "Text: Ann Lee met Bo in Rome."),
        Message("assistant", "I've read this text."),
        Message("user", "What describes person in the text?"),
        Message("assistant", '["Ann Lee", "Bo"]'),
        Message("user", "What describes location in the text?"),
        Message("assistant", '["Rome"]'),
    ]
    assert wire_text(turns) == (
        OPENING + "USER: What describes person in the text? ASSISTANT:"
        ' ["Ann Lee", "Bo"]</s>USER: What describes location in the text?'
        ' ASSISTANT: ["Rome"]</s>'
    )


def test_the_definition_stands_in_place_of_the_type() -> None:
    query = Query(PASSAGE, ("city",), {"city": "a large town"})
    prompt = adapter(query="definition").render(query)
    assert prompt.messages[3].content == "What describes a large town in the text?"
    with pytest.raises(AdapterError, match=r"none for 'city'.*definition:"):
        adapter(query="definition").render(Query(PASSAGE, ("city",)))


def test_the_dataset_field_of_figure_3() -> None:
    made = adapter(dataset_names={"conllpp": "CoNLL 2003"})
    prompt = made.render(Query(PASSAGE, ("person",), subset="conllpp"))
    assert prompt.messages[1].content == (
        "Dataset: CoNLL 2003 \n Text: Ann Lee met Bo in Rome."
    )
    with pytest.raises(AdapterError, match="does not name 'wnut'"):
        made.render(Query(PASSAGE, ("person",), subset="wnut"))
    open_ = adapter(dataset_names={"conllpp": "C"}, unnamed_datasets="omit")
    prompt = open_.render(Query(PASSAGE, ("person",), subset="wnut"))
    assert prompt == adapter().render(Query(PASSAGE, ("person",), subset="wnut"))


def test_variants_have_prompts_of_their_own() -> None:
    made = [adapter(), adapter(query="definition"), adapter(dataset_names={"a": "A"})]
    assert len({one.prompt_identity()[0] for one in made}) == 3
    origins = [one.prompt_identity()[1] for one in made]
    assert origins == ["published", "published", "paraphrase"]


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(CardError, match=r"options of T.*unknown field `dataset`"):
        adapter(dataset="x")


def test_an_answer_becomes_a_prediction() -> None:
    read = adapter().read(Response('["Bo"]'), Query(PASSAGE, ("person",)))
    assert read.mentions == (Mention("person", "Bo"),)
    long = Response("", "prompt_too_long")
    assert adapter().read(long, Query(PASSAGE, ("person",))).parse_error == (
        "prompt_too_long"
    )
