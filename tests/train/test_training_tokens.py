"""What is read and what is learnt of a conversation, token by token."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unibench.adapters.uniner import UniNER
from unibench.backends.replay import ReplayBackend
from unibench.errors import TrainingError
from unibench.schema.conversation import GPT, HUMAN, Conversation, Turn, with_pairs
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Query
from unibench.schema.text import Passage
from unibench.schema.training import FormatRecipe
from unibench.train.tokens import IGNORED, Encoder, Example

spec = importlib.util.spec_from_file_location(
    "tokenizers_made", Path(__file__).with_name("tokenizers_made.py")
)
assert spec is not None and spec.loader is not None
made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)

TEXT = "Ada Lovelace met Charles Babbage in London."
ASKED = {
    "person": '["Ada Lovelace", "Charles Babbage"]',
    "band": "[]",
    "city": '["London"]',
}


def conversation(asked: dict[str, str] = ASKED, text: str = TEXT) -> Conversation:
    opening = (Turn(HUMAN, f"Text: {text}"), Turn(GPT, "I've read this text."))
    pairs = [
        (Turn(HUMAN, f"What describes {name} in the text?"), Turn(GPT, answer))
        for name, answer in asked.items()
    ]
    return with_pairs("c1", opening, pairs)


@pytest.fixture(scope="module", params=list(made.ALL))
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return made.ALL[request.param]()


@pytest.fixture(scope="module")
def byte_bpe() -> Any:
    return made.byte_bpe()


def only(encoder: Encoder, said: Conversation) -> Example:
    (example,) = encoder.examples(said, Counter())
    return example


def runs(example: Example) -> list[list[int]]:
    """The stretches of tokens that are learnt."""
    found: list[list[int]] = [[]]
    for label in example.labels:
        if label == IGNORED:
            found.append([])
        else:
            found[-1].append(label)
    return [run for run in found if run]


@pytest.mark.parametrize("style", ["wire", "chat"])
@pytest.mark.parametrize("layout", ["turns", "branches"])
def test_the_loss_is_taken_on_each_answer_and_its_end(
    tokenizer: Any, style: Any, layout: Any
) -> None:
    encoder = Encoder(FormatRecipe(conversation=style, layout=layout), tokenizer)
    example = only(encoder, conversation())
    blank = " " if style == "wire" else ""
    for run, answer in zip(runs(example), ASKED.values(), strict=True):
        wanted = tokenizer(f"{blank}{answer}</s>", add_special_tokens=False)
        # LLaMA's tokenizer writes a first word with a mark for a blank before it.
        text = tokenizer.decode(run).replace(" ", "")
        assert text == f"{answer}</s>".replace(" ", "")
        assert run[-1] == tokenizer.eos_token_id
        assert abs(len(run) - len(wanted["input_ids"])) <= 1
    pairs = zip(example.ids, example.labels, strict=True)
    assert all(label in (IGNORED, token) for token, label in pairs)


def test_the_query_before_an_answer_is_what_the_adapter_sends(tokenizer: Any) -> None:
    encoder = Encoder(FormatRecipe(layout="branches"), tokenizer)
    example = only(encoder, conversation())
    card = ModelCard(adapter="uniner", checkpoint=Checkpoint(id="x"))
    adapter = UniNER(card, ReplayBackend.__new__(ReplayBackend))
    passage = Passage("1", TEXT, ())
    for number, name in enumerate(ASKED, start=1):
        prompt = adapter.render(Query(passage, (name,))).text
        asked = tokenizer(prompt)["input_ids"]
        if asked[-1] == tokenizer.eos_token_id:
            asked = asked[:-1]  # this tokenizer ends every text
        read = [
            token
            for token, label, branch in zip(
                example.ids, example.labels, example.branches, strict=True
            )
            if branch == 0 or (branch == number and label == IGNORED)
        ]
        assert read == asked


def test_positions_of_a_branch_go_on_from_the_passage(byte_bpe: Any) -> None:
    example = only(Encoder(FormatRecipe(layout="branches"), byte_bpe), conversation())
    trunk = example.branches.count(0)
    for number in (1, 2, 3):
        places = [
            position
            for position, branch in zip(
                example.positions, example.branches, strict=True
            )
            if branch == number
        ]
        assert places == list(range(trunk, trunk + len(places)))
    turns = only(Encoder(FormatRecipe(layout="turns"), byte_bpe), conversation())
    assert turns.positions == tuple(range(len(turns)))
    assert turns.ids == example.ids


def test_only_marked_answers_are_learnt(byte_bpe: Any) -> None:
    said = msgspec.structs.replace(conversation(), answers=(5,))
    example = only(Encoder(FormatRecipe(), byte_bpe), said)
    assert [byte_bpe.decode(run) for run in runs(example)] == [" []</s>"]


def test_a_long_conversation_is_split_and_counted(byte_bpe: Any) -> None:
    whole = only(Encoder(FormatRecipe(), byte_bpe), conversation())
    window = len(whole) - 1
    counts: Counter[str] = Counter()
    recipe = FormatRecipe(max_length=window)
    parts = list(Encoder(recipe, byte_bpe).examples(conversation(), counts))
    assert [len(runs(part)) for part in parts] == [2, 1]
    assert all(len(part) <= window for part in parts)
    assert counts == {"conversations_split": 1}


def test_a_query_that_fits_nowhere_is_left_out_and_counted(byte_bpe: Any) -> None:
    counts: Counter[str] = Counter()
    encoder = Encoder(FormatRecipe(max_length=20), byte_bpe)
    assert list(encoder.examples(conversation(), counts)) == []
    assert counts == {"queries_too_long": 3}


@pytest.mark.parametrize("short_by", [1, 60])
def test_too_long_can_be_an_error(byte_bpe: Any, short_by: int) -> None:
    window = len(only(Encoder(FormatRecipe(), byte_bpe), conversation())) - short_by
    encoder = Encoder(FormatRecipe(max_length=window, too_long="error"), byte_bpe)
    with pytest.raises(TrainingError, match=r"'c1' has \d+ tokens.*max_length"):
        list(encoder.examples(conversation(), Counter()))


REWRITING = (
    "{% for m in messages %}{% if not loop.last or m['role'] != 'assistant' %}"
    "[{{ m['content'] }}]{% else %}<{{ m['content'] }}</s>>{% endif %}{% endfor %}"
)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "no chat template"),
        ("{% for m in messages %}{{ m['content'] }};{% endfor %}", "end token '</s>'"),
        (REWRITING, "writes earlier turns differently"),
    ],
    ids=["none", "no end", "rewrites"],
)
def test_a_template_that_cannot_be_learnt_is_refused(
    template: str | None, message: str
) -> None:
    tokenizer = made.byte_bpe()
    tokenizer.chat_template = template
    with pytest.raises(TrainingError, match=message):
        only(Encoder(FormatRecipe(conversation="chat"), tokenizer), conversation())


def test_a_tokenizer_without_an_end_token_is_refused() -> None:
    tokenizer = made.byte_bpe()
    tokenizer.eos_token = None
    with pytest.raises(TrainingError, match=r"set 'format\.end'"):
        Encoder(FormatRecipe(), tokenizer)


def test_a_token_across_the_border_of_an_answer_is_refused() -> None:
    from tokenizers import Tokenizer, models

    whole = Tokenizer(models.BPE({"<": 0, "x": 1, "<x": 2}, [("<", "x")]))
    tokenizer = made.wrapped(whole)
    encoder = Encoder(FormatRecipe(), tokenizer)
    from unibench.train.rendering import Branch, Rendered

    rendered = Rendered("xx<x", 2, (Branch(2, 3, 4, 4),))
    encoder.render = lambda _: rendered
    with pytest.raises(TrainingError, match="lies across the border"):
        only(encoder, conversation())


words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30
)


@settings(max_examples=60, deadline=None)
@given(text=words, names=st.lists(words, min_size=1, max_size=4, unique=True))
def test_any_text_gives_the_answers_back(text: str, names: list[str]) -> None:
    encoder = Encoder(FormatRecipe(layout="branches"), _BPE)
    asked = {name: msgspec.json.encode([name]).decode() for name in names}
    example = only(encoder, conversation(asked, text))
    assert [_BPE.decode(run) for run in runs(example)] == [
        f" {answer}</s>" for answer in asked.values()
    ]


_BPE = made.byte_bpe()
