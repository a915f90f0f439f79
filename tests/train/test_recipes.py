"""Every recipe that is shipped: valid, about what there is, and startable."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.backends.tiny_models import save_llama
from unibench.adapters.load import build_adapter, load_card
from unibench.data import catalogue
from unibench.data.plan import plan_of
from unibench.distill.recipes import read_recipe as read_distillation
from unibench.resources import files
from unibench.schema.distillation import Component
from unibench.schema.model_card import Checkpoint, ModelCard, located
from unibench.schema.strict_yaml import read_yaml
from unibench.schema.training import LoraRecipe, TrainingRecipe
from unibench.train.job import job_of, read_recipe
from unibench.train.log import read_log
from unibench.train.output import model_card
from unibench.train.run import train
from unibench.train.tagger import check_recipe

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")

SILENT: Any = lambda _: None  # noqa: E731
ALL = files("training")
RECIPES: dict[str, TrainingRecipe] = {
    name: read_recipe(path)
    for name, path in ALL.items()
    if read_yaml(path).get("kind") == "training"
}
PAPER = {
    "uniner-7b-type",
    "uniner-13b-type",
    "uniner-7b-definition",
    "uniner-7b-all-in-one",
    "uniner-7b-negatives-none",
    "uniner-7b-negatives-uniform",
    "uniner-7b-sup-only",
    "uniner-7b-type-sup",
    "uniner-7b-type-then-sup",
    "uniner-7b-in-domain",
    "uniner-7b-in-domain-plain",
}
HELD_OUT = {"mit_movie", "mit_restaurant"}


def ways() -> Iterator[Any]:
    """Recipes that train in the same way once, named by the first of them."""
    seen: dict[Any, str] = {}
    for name, recipe in sorted(RECIPES.items()):
        if recipe.method == "instruction":
            way = msgspec.json.encode((recipe.format, recipe.tuning, recipe.optimizer))
            if way not in seen:
                yield pytest.param(recipe, id=name)
            seen[way] = name


@functools.cache
def splits_of(subset: str) -> set[str]:
    plan = plan_of(subset)
    return {
        split
        for layout in plan.layouts
        for split in plan.for_protocol(layout, "corrected").split_names()
    }


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_names_what_there_is(name: str) -> None:
    recipe = RECIPES[name]
    base, card = load_card(recipe.base)
    assert base == recipe.base
    assert card.license
    for part in recipe.data.mixture:
        if part.file:
            made, _, rest = part.file.removeprefix("distilled/").partition("/")
            assert rest == "dataset/train.jsonl"
            data = read_distillation(ALL[made]).conversations
            assert data.query == recipe.data.query
        else:
            assert part.split in splits_of(part.subset), part.subset
    if recipe.method == "token_classification":
        check_recipe(recipe)


@pytest.mark.parametrize("name", sorted(PAPER))
def test_the_papers_recipes_have_the_published_settings(name: str) -> None:
    recipe = RECIPES[name]
    optimizer = recipe.optimizer
    assert recipe.data.epochs == 3
    assert (optimizer.learning_rate, optimizer.schedule) == (2e-5, "cosine")
    assert (optimizer.warmup, optimizer.weight_decay) == (0.04, 0)
    assert 8 * optimizer.rows * optimizer.accumulate == 256
    assert (recipe.format.max_length, recipe.format.layout) == (1024, "turns")
    assert (recipe.tuning, optimizer.sharding) == ("full", "fsdp")
    assert (optimizer.precision, recipe.format.packing) == ("bfloat16", False)


@pytest.mark.parametrize(
    "name", ["uniner-7b-sup-only", "uniner-7b-type-sup", "uniner-7b-type-then-sup"]
)
def test_table_2_holds_crossner_and_mit_out(name: str) -> None:
    subsets = {p.subset for p in RECIPES[name].data.mixture if p.subset}
    assert len(subsets) == 42
    assert not {s for s in subsets if s.startswith("crossner")} | subsets & HELD_OUT
    assert subsets | HELD_OUT == set(suite("uniner_43")) - set(suite("crossner"))


def suite(name: str) -> list[str]:
    return catalogue.resolve([name])


def test_table_3_is_the_suite() -> None:
    for name in ("uniner-7b-in-domain", "uniner-7b-in-domain-plain"):
        subsets = [part.subset for part in RECIPES[name].data.mixture]
        assert sorted(subsets) == sorted(suite("supervised_20"))


def without(recipe: TrainingRecipe, *, names: bool, strategy: bool) -> Any:
    """A recipe's values without what an ablation varies and what it is called."""
    values = msgspec.to_builtins(recipe)
    values.pop("title")
    values["card"].pop("title")
    if strategy:
        values["data"].pop("negatives")
        values["max_tokens"] = None
    for part in values["data"]["mixture"]:
        if names:
            part.pop("dataset_name")
        if strategy and part["file"]:
            part["file"] = ""
    return values


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uniner-7b-in-domain", "uniner-7b-in-domain-plain"),
        ("smol-template-on", "smol-template-off"),
    ],
)
def test_figure_7_differs_in_the_dataset_field_only(one: str, other: str) -> None:
    first, second = RECIPES[one], RECIPES[other]
    assert without(first, names=True, strategy=False) == without(
        second, names=True, strategy=False
    )
    assert all(part.dataset_name for part in first.data.mixture)
    assert not any(part.dataset_name for part in second.data.mixture)


@pytest.mark.parametrize(
    ("one", "others"),
    [
        ("uniner-7b-type", ["uniner-7b-negatives-none", "uniner-7b-negatives-uniform"]),
        (
            "smol-negatives-frequency",
            ["smol-negatives-none", "smol-negatives-uniform", "uniner-smol-135m"],
        ),
    ],
)
def test_table_4_differs_in_the_strategy_only(one: str, others: list[str]) -> None:
    def shaped(name: str) -> Any:
        values = without(RECIPES[name], names=False, strategy=True)
        values["card"].pop("notes")
        return values

    for other in others:
        assert shaped(other) == shaped(one)


def test_table_4_in_small_has_one_budget() -> None:
    small = [RECIPES[f"smol-negatives-{s}"] for s in ("none", "uniform", "frequency")]
    assert {recipe.max_tokens for recipe in small} == {110_000}
    assert [recipe.data.negatives.strategy for recipe in small] == [
        "none",
        "uniform",
        "frequency",
    ]


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_the_card_of_the_model_will_be_right(name: str, tmp_path: Path) -> None:
    recipe = RECIPES[name]
    if recipe.method != "instruction":
        return
    recipe = msgspec.structs.replace(recipe, tuning="full")
    job = job_of(name, recipe, tmp_path, tmp_path)
    card = model_card(job, tmp_path / name)
    adapter: Any = build_adapter(card, name)
    assert card.training_data is not None
    human = bool(card.training_data.subsets)
    assert (card.training_data.kind == "other_human_labels") == human
    assert not set(card.training_data.subsets) & {*HELD_OUT, *suite("crossner")} or (
        name.startswith("uniner-7b-in-domain")
    )
    fields = [part.dataset_name for part in recipe.data.mixture if part.dataset_name]
    assert sorted(adapter.options.dataset_names.values()) == sorted(fields)
    if "definition" in name:
        assert adapter.options.query == "definition"
    assert (adapter.options.query == "all_in_one") == ("all-in-one" in name)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny LLaMA, and conversations to tune it on, each a row of its own."""
    pytest.importorskip("trl", reason="needs unibench[train]")
    folder = tmp_path_factory.mktemp("tiny")
    save_llama(folder / "base", length=1024)
    rows = []
    for n in range(40):
        turns = ["Text: " + f"Ann {n} met Bo. " * 8, "I've read this text."]
        for kind, answer in (("person", ["Bo"]), ("city", [])):
            turns += [f"What describes {kind} in the text?", json.dumps(answer)]
        speakers = ["human", "gpt"] * (len(turns) // 2)
        told = [
            {"from": who, "value": what}
            for who, what in zip(speakers, turns, strict=True)
        ]
        rows.append(json.dumps({"id": str(n), "conversations": told}) + "\n")
    (folder / "talks.jsonl").write_text("".join(rows))
    return folder


@pytest.mark.parametrize("recipe", list(ways()))
def test_every_way_of_training_starts(
    recipe: TrainingRecipe, tiny: Path, tmp_path: Path
) -> None:
    """Two steps on a tiny shape; the layers of a deep model's adapter are left out."""
    optimizer = recipe.optimizer
    accumulate = min(2, optimizer.accumulate)
    rows = 2 * optimizer.rows * accumulate
    mixture = (Component(file="talks.jsonl", limit=rows),)
    tuning = recipe.tuning
    if isinstance(tuning, LoraRecipe):
        tuning = msgspec.structs.replace(tuning, layers=None)
    small = msgspec.structs.replace(
        recipe,
        tuning=tuning,
        max_tokens=None,
        optimizer=msgspec.structs.replace(optimizer, accumulate=accumulate),
        data=msgspec.structs.replace(recipe.data, epochs=1, mixture=mixture),
    )
    base = ModelCard(
        adapter="uniner",
        backend={"name": "transformers"},
        checkpoint=Checkpoint(id=str(tiny / "base")),
    )
    job = job_of("tiny", small, tiny, tmp_path)
    job = msgspec.structs.replace(job, base=base)
    record = train(job, SILENT)
    assert record.steps == 2
    assert len(read_log(job.work.path)) == 2
    card = located(msgspec.convert(read_yaml(job.card), ModelCard), job.card.parent)
    build_adapter(card)
    assert (card.checkpoint.lora is msgspec.UNSET) == (recipe.tuning == "full")


def test_every_recipe_stands_on_the_page() -> None:
    page = Path(__file__).parents[2] / "docs" / "training.md"
    if not page.is_file():
        pytest.skip("docs/ is not in this installation")
    text = page.read_text("utf-8")
    assert not [name for name in RECIPES if f"`{name}`" not in text]
