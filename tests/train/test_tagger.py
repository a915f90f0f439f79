"""Token classification: tags, windows, and a tiny BERT from recipe to F1."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from unibench.adapters.load import load_card
from unibench.cli import main
from unibench.errors import TrainingError
from unibench.schema.text import Mention, Passage, Span, mention_at
from unibench.train.job import Job, load_job
from unibench.train.log import read_log
from unibench.train.run import train
from unibench.train.tagger import check_recipe
from unibench.train.tagger_rows import label_numbers, tagged, windows_of

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")

SILENT: Any = lambda _: None  # noqa: E731
TEXT = "Ann Lee met Bo in Rome ."


def passage(*mentions: Mention) -> Passage:
    return Passage("p", TEXT, mentions)


def at(kind: str, *spans: tuple[int, int]) -> Mention:
    return mention_at(TEXT, kind, *(Span(*span) for span in spans))


@pytest.mark.parametrize(
    ("mentions", "tags", "counted"),
    [
        pytest.param([], "O O O O O O O", {}, id="none"),
        pytest.param(
            [at("person", (0, 7)), at("city", (18, 22))],
            "B-person I-person O O O B-city O",
            {"mentions": 2},
            id="two",
        ),
        pytest.param(
            [at("name", (0, 3)), at("person", (0, 7)), at("name", (4, 7))],
            "B-person I-person O O O O O",
            {"mentions": 1, "mentions_overlapping": 2},
            id="longest-of-nested",
        ),
        pytest.param(
            [at("b", (4, 11)), at("a", (0, 7))],
            "B-a I-a O O O O O",
            {"mentions": 1, "mentions_overlapping": 1},
            id="first-of-crossing",
        ),
        pytest.param(
            [at("person", (0, 3), (12, 14))],
            "O O O O O O O",
            {"mentions_discontinuous": 1},
            id="discontinuous",
        ),
        pytest.param(
            [at("part", (18, 20))],
            "O O O O O B-part O",
            {"mentions_widened": 1},
            id="part-of-a-word",
        ),
    ],
)
def test_mentions_become_tags(
    mentions: list[Mention], tags: str, counted: dict[str, int]
) -> None:
    counts: Counter[str] = Counter()
    assert tagged(passage(*mentions), counts).tags == tuple(tags.split())
    assert {name: n for name, n in counts.items() if n} == counted


@pytest.mark.parametrize(
    ("sizes", "tags", "windows"),
    [
        pytest.param([], "", [], id="nothing"),
        pytest.param([1, 1], "O O", [(0, 2)], id="fits"),
        pytest.param([2, 2, 2], "O O O", [(0, 2), (2, 3)], id="full"),
        pytest.param([2, 2, 2], "O B-x I-x", [(0, 1), (1, 3)], id="before-a-mention"),
        pytest.param([2, 2, 2], "B-x I-x I-x", [(0, 2), (2, 3)], id="mention-too-long"),
        pytest.param([9, 1], "O O", [(0, 1), (1, 2)], id="word-too-long"),
    ],
)
def test_windows(sizes: list[int], tags: str, windows: list[tuple[int, int]]) -> None:
    assert windows_of(sizes, tags.split(), 4) == windows


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["O", "B-x", "I-x"]))),
    st.integers(1, 12),
)
def test_windows_hold_every_word_once(words: list[tuple[int, str]], room: int) -> None:
    sizes, tags = [size for size, _ in words], [tag for _, tag in words]
    cuts = windows_of(sizes, tags, room)
    assert [n for cut in cuts for n in range(*cut)] == list(range(len(words)))
    for first, last in cuts:
        assert last - first == 1 or sum(sizes[first:last]) <= room


def test_labels_are_numbered_outside_first() -> None:
    assert label_numbers(["a", "b"]) == {"O": 0, "B-a": 1, "I-a": 2, "B-b": 3, "I-b": 4}


def save_bert(folder: Path) -> Path:
    """A BERT with random weights that reads letters, without labels."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    letters = [chr(c) for c in range(33, 127)]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    pieces = [*special, *letters, *(f"##{x}" for x in letters)]
    numbers = {piece: n for n, piece in enumerate(pieces)}
    made = Tokenizer(models.WordPiece(vocab=numbers, unk_token="[UNK]"))  # noqa: S106
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="[PAD]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def toy_set(root: Path) -> None:
    """A dataset in which words with A are persons and words with R are places."""
    card = {
        "title": "Toy",
        "domain": "General",
        "license": "cc0-1.0",
        "homepage": "https://toy.example",
        "citation": "none",
        "format": {"name": "columns"},
        "splits": {name: f"{name}.txt" for name in ("train", "dev", "test")},
    }
    labels = {"labels": {"PER": "person", "LOC": "place"}}
    for folder, values in (("dataset_cards", card), ("label_maps", labels)):
        (root / folder).mkdir(parents=True)
        (root / folder / "toy.yaml").write_text(yaml.safe_dump(values))
    sentence = "A{n}\tB-PER\nA{n}\tI-PER\nsaw\tO\nR{n}\tB-LOC\n\n"
    long = "A1\tB-PER\n" + "saw\tO\n" * 40 + "\n"
    for split, count in (("train", 24), ("dev", 4), ("test", 6)):
        text = "".join(sentence.format(n=n) for n in range(count))
        (root / f"{split}.txt").write_text(text + long)


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The recipe of a tiny tagger, its set prepared and its base made."""
    pytest.importorskip("torch", reason="needs unibench[local]")
    toy_set(tmp_path)
    monkeypatch.setenv("UNIBENCH_PATH", str(tmp_path))
    run("data", "prepare", "toy", "--from", str(tmp_path))
    weights = save_bert(tmp_path / "bert")
    base = {
        "adapter": "token_classifier",
        "checkpoint": {"id": str(weights)},
        "options": {"types": {}},
    }
    (tmp_path / "tiny-bert.yaml").write_text(yaml.safe_dump(base))
    values = {
        "kind": "training",
        "title": "a tiny tagger",
        "base": str(tmp_path / "tiny-bert.yaml"),
        "method": "token_classification",
        "data": {"epochs": 20, "mixture": [{"subset": "toy"}]},
        "format": {"max_length": 48},
        "optimizer": {"learning_rate": 0.02, "rows": 10, "precision": "float32"},
        "evaluation": {"subsets": ["toy"], "times": 2},
        "card": {"training_data": {"kind": "other_human_labels"}},
    }
    path = tmp_path / "tiny-tagger.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def run(*arguments: str) -> None:
    """Run a command line that must succeed."""
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert not end.value.code


def job(path: Path, folder: Path) -> Job:
    return load_job(str(path), folder / "trained")


def test_a_recipe_becomes_a_tagger_that_evaluate_loads(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = train(job(recipe, tmp_path), SILENT)
    assert record.data.counts == {
        "conversations.toy": 25 * 20,
        "mentions": 49 * 20,
        "passages_in_windows": 20,
    }
    assert record.data.rows > 25 * 20
    assert record.steps == record.steps_planned
    done = job(recipe, tmp_path)
    assert [row.dev for row in read_log(done.work.path) if row.dev is not None]
    _, card = load_card(str(done.card))
    assert card.adapter == "token_classifier"
    assert card.options["types"] == {"person": ["person"], "place": ["place"]}
    assert card.options["window_words"] < 64
    assert card.training_data is not None
    assert card.training_data.subsets == ("toy",)
    capsys.readouterr()
    asked = (
        "evaluate",
        "-m",
        str(done.card),
        "-d",
        "toy",
        "-o",
        str(tmp_path / "runs"),
    )
    run(*asked, "--json")
    (row,) = json.loads(capsys.readouterr().out)["records"]
    counts = row["scores"]["uniner"]["counts"]
    assert counts["gold"] == 13  # six pairs, and one in the long passage
    assert counts["correct"] >= 12


def test_an_interrupted_tagger_goes_on_as_if_nothing_happened(
    recipe: Path, tmp_path: Path
) -> None:
    values = yaml.safe_load(recipe.read_text())
    del values["evaluation"]
    recipe.write_text(yaml.safe_dump(values))
    whole = load_job(str(recipe), tmp_path / "whole")
    train(whole, SILENT)
    cut = load_job(str(recipe), tmp_path / "cut")

    class Cut(Exception):  # noqa: N818
        pass

    def stop(line: str) -> None:
        if len(read_log(cut.work.path)) == 15:
            raise Cut

    with pytest.raises(Cut):
        train(cut, stop)
    train(cut, SILENT)
    steps = [(row.step, row.loss) for row in read_log(whole.work.path)]
    assert [(row.step, row.loss) for row in read_log(cut.work.path)] == steps
    weights = "model.safetensors"
    assert (cut.weights / weights).read_bytes() == (
        whole.weights / weights
    ).read_bytes()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        pytest.param({"tuning": {"rank": 4}}, "'tuning'", id="lora"),
        pytest.param({"format": {"packing": False}}, "'format.packing'", id="packing"),
        pytest.param(
            {"data": {"query": "all_types", "mixture": [{"subset": "mini_law"}]}},
            "'data.query'",
            id="query",
        ),
        pytest.param(
            {"data": {"mixture": [{"subset": "mini_law", "dataset_name": "Mini"}]}},
            "'data.mixture: mini_law: dataset_name'",
            id="dataset-field",
        ),
        pytest.param(
            {"optimizer": {"sharding": "fsdp"}}, "'optimizer.sharding'", id="fsdp"
        ),
    ],
)
def test_what_a_tagger_does_not_have_is_refused(
    changed: dict[str, Any], named: str
) -> None:
    from unibench.schema.strict_yaml import convert
    from unibench.schema.training import TrainingRecipe

    values = {
        "kind": "training",
        "title": "t",
        "base": "bert-base-cased",
        "method": "token_classification",
        "data": {"mixture": [{"subset": "mini_law"}]},
        "card": {"training_data": {"kind": "other_human_labels"}},
    }
    with pytest.raises(TrainingError, match=f"has no {named}"):
        check_recipe(convert(values | changed, TrainingRecipe, "r"))
