"""GLiNER's real class, tiny and random, through its package."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from unibench.adapters.gliner import GlinerModel
from unibench.errors import BackendError, CardError
from unibench.schema.model_card import Checkpoint, ModelCard
from unibench.schema.query import Query
from unibench.schema.text import Passage

TEXT = "Ann Lee met Bo in Rome."
TYPES = ("Person", "location", "event")


def model(folder: Path, **options: Any) -> GlinerModel:
    checkpoint = Checkpoint(id=str(folder))
    settings = {"window_words": 16, "overlap_words": 4, "device": "cpu"} | options
    card = ModelCard(
        adapter="gliner", title="Tiny", checkpoint=checkpoint, options=settings
    )
    return GlinerModel(card)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"floor": 0.6}, "0 <= floor <=", id="floor"),
        pytest.param({"overlap_words": 16}, "overlap_words must be less", id="overlap"),
        pytest.param({"threshhold": 0.3}, "unknown field `threshhold`", id="unknown"),
    ],
)
def test_options_are_read_strictly(options: dict[str, Any], message: str) -> None:
    with pytest.raises(CardError, match=message):
        model(Path("x"), **options)


def test_the_threshold_is_no_part_of_the_request() -> None:
    query = Query(Passage("p", TEXT), TYPES)
    keys = {model(Path("x"), threshold=t).request_key(query) for t in (0.3, 0.5)}
    assert len(keys) == 1
    assert model(Path("x"), floor=0.2).request_key(query) not in keys


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GLiNER over a BERT of one layer, its words the letters of ASCII."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gliner = pytest.importorskip(
            "gliner", reason="needs unibench[gliner]", exc_type=ImportError
        )
        return save_gliner(gliner, tmp_path_factory.mktemp("gliner"))


def save_gliner(gliner: Any, folder: Path) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    letters = [chr(c) for c in range(33, 127)]
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *letters,
        *(f"##{x}" for x in letters),
    ]
    vocabulary = {piece: at for at, piece in enumerate(pieces)}
    words = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"))  # noqa: S106
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="[PAD]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
    )
    torch.manual_seed(0)
    encoder = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    home = folder / "encoder"
    BertModel(encoder).save_pretrained(home)
    tokenizer.save_pretrained(home)
    config = gliner.GLiNERConfig(
        model_name=str(home),
        encoder_config=encoder,
        hidden_size=32,
        max_width=3,
        max_len=64,
        vocab_size=-1,
        span_mode="markerV0",
    )
    made = gliner.GLiNER.from_config(config)
    made.save_pretrained(folder / "model")
    return folder / "model"


def test_a_real_model_marks_spans(checkpoint: Path) -> None:
    queries = [Query(Passage("p", TEXT), TYPES), Query(Passage("e", ""), TYPES)]
    made = model(checkpoint, threshold=0.0, floor=0.0, overlap="free", multi_label=True)
    answers = dict(made.respond(queries))
    free = made.read(answers[0], queries[0])
    assert {m.entity_type for m in free.mentions} == set(TYPES)
    assert all(m.score is not None and 0 <= m.score <= 1 for m in free.mentions)
    assert made.read(answers[1], queries[1]).mentions == ()
    flat = model(checkpoint, threshold=0.0, floor=0.0).read(answers[0], queries[0])
    ends = [m.spans[0].end for m in flat.mentions]
    starts = [m.spans[0].start for m in flat.mentions]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    assert flat.dropped["overlap"] > 0


def test_flat_choice_equals_the_packages_own(checkpoint: Path) -> None:
    made = model(checkpoint, threshold=0.4, floor=0.0)
    query = Query(Passage("p", TEXT), TYPES)
    ((_, response),) = made.respond([query])
    ours = {
        (m.spans[0].start, m.spans[0].end, m.entity_type.lower())
        for m in made.read(response, query).mentions
    }
    (theirs,) = made.model.inference(
        [TEXT], ["person", "location", "event"], threshold=0.4
    )
    assert ours == {(e["start"], e["end"], e["label"]) for e in theirs}


def test_many_types_and_long_passages_are_asked_in_parts(checkpoint: Path) -> None:
    types = tuple(f"kind {i}" for i in range(60))
    made = model(checkpoint, threshold=0.0, floor=0.0)
    query = Query(Passage("p", " ".join([TEXT] * 5)), types)
    ((_, response),) = made.respond([query])
    read = made.read(response, query)
    assert read.flags == ("windows",)
    assert max(m.spans[0].end for m in read.mentions) > 90
    with pytest.raises(BackendError, match="reads 64 words at once; set options"):
        list(model(checkpoint, window_words=384).respond([query]))
