"""Token classifiers: a real BERT class whose weights say what each letter is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unibench.adapters.token_classifier import TokenClassifier
from unibench.errors import BackendError, CardError
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Prediction, Query
from unibench.schema.text import Passage

pytest.importorskip("torch", reason="needs unibench[local]")
LABELS = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT whose label follows from the first letter of a word.

    A opens a person, L goes on with one, R opens a location; all else is O.
    """
    return save_bert(tmp_path_factory.mktemp("bert"), LABELS)


def save_bert(folder: Path, labels: dict[int, str]) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import (
        BertConfig,
        BertForTokenClassification,
        PreTrainedTokenizerFast,
    )

    letters = [chr(c) for c in range(33, 127)]
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *letters,
        *(f"##{x}" for x in letters),
    ]
    numbers = {piece: at for at, piece in enumerate(pieces)}
    words = Tokenizer(models.WordPiece(vocab=numbers, unk_token="[UNK]"))  # noqa: S106
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="[PAD]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=8,
        num_hidden_layers=0,
        num_attention_heads=1,
        max_position_embeddings=40,
        id2label=labels,
        label2id={name: at for at, name in labels.items()},
    )
    model = BertForTokenClassification(config)
    with torch.no_grad():
        embeddings = model.bert.embeddings
        embeddings.position_embeddings.weight.zero_()
        embeddings.token_type_embeddings.weight.zero_()
        embeddings.word_embeddings.weight.zero_()
        for letter, label in (("A", 1), ("L", 2), ("R", 3)):
            embeddings.word_embeddings.weight[numbers[letter], label] = 9.0
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))
        for label in (1, 2, 3):
            model.classifier.weight[label, label] = 2.0
    model.save_pretrained(folder)
    return folder


def classifier(folder: Path, **options: Any) -> TokenClassifier:
    types = {"person": ["PER"], "location": ["LOC"]}
    return TokenClassifier(
        ModelCard(
            adapter="token_classifier",
            title="Tiny",
            checkpoint=Checkpoint(id=str(folder)),
            options={"types": types, "device": "cpu", **options},
        )
    )


def ask(model: TokenClassifier, text: str, *types: str) -> Prediction:
    query = Query(Passage("p", text), types or ("person", "location"))
    ((_, response),) = model.respond([query])
    return model.read(response, query)


def texts(read: Prediction) -> list[tuple[str, str]]:
    return [(m.entity_type, m.text) for m in read.mentions]


def test_words_are_read_by_their_first_piece(checkpoint: Path) -> None:
    read = ask(classifier(checkpoint), "Ann Lee met Bo in Rome.", "person", "location")
    assert texts(read) == [("person", "Ann Lee"), ("location", "Rome")]
    assert read.repairs == ()


def test_orphans_and_unknown_types_are_counted(checkpoint: Path) -> None:
    read = ask(classifier(checkpoint), "Lee ran. Rome", "person", "city")
    assert texts(read) == [("person", "Lee")]
    assert read.repairs == ("orphan_i",)
    assert read.unknown_types == ("city",)
    assert read.dropped == {"unasked_type": 1}


def test_long_passages_are_read_in_windows(checkpoint: Path) -> None:
    text = "x y z Ann Lee x y Rome z x"
    whole = ask(classifier(checkpoint), text)
    parts = ask(classifier(checkpoint, window_words=4, overlap_words=2), text)
    assert texts(parts) == texts(whole)
    assert parts.flags == ("windows",)
    with pytest.raises(BackendError, match=r"has 52 sub-words, the model reads 40"):
        ask(classifier(checkpoint), "a " * 50)


def test_what_does_not_fit_is_named(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(CardError, match="no label 'ORG'; its labels are LOC, PER"):
        ask(classifier(checkpoint, types={"organization": ["ORG"]}), "x")
    unnamed = save_bert(tmp_path, {at: f"LABEL_{at}" for at in range(4)})
    with pytest.raises(BackendError, match="does not say what its labels mean"):
        ask(classifier(unnamed), "x")
    with pytest.raises(BackendError, match="cannot be loaded as a token classifier"):
        ask(classifier(tmp_path / ".."), "x")
    with pytest.raises(CardError, match="overlap_words must be less"):
        classifier(checkpoint, window_words=3, overlap_words=3)
