"""unibench models: list, show, check, fetch."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from unibench.adapters.catalogue import parameter_count, state_of
from unibench.adapters.load import list_models, load_card
from unibench.cli.models import command
from unibench.data.catalogue import subsets
from unibench.errors import UnknownNameError
from unibench.resources import data_root
from unibench.schema.model_card import ModelCard

PAPER = {
    "llama-7b", "alpaca-7b", "vicuna-7b", "vicuna-13b", "gpt-3.5-turbo-0301",
    "instructuie-11b", "bert-base-supervised", "uniner-7b-type", "uniner-13b-type",
    "uniner-7b-definition", "uniner-7b-all-in-one", "uniner-7b-type-sup",
    "uniner-7b-all", "uniner-7b-sup-only",
}  # fmt: skip
DOMAINS = ("ai", "literature", "music", "politics", "science")


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_list_shows_every_system_of_the_paper() -> None:
    rows = json.loads(run("list", "--json").stdout)
    by_name = {row["model"]: row for row in rows}
    assert set(by_name) >= PAPER
    assert by_name["uniner-7b-type"]["state"] in {"needs GPU", "runnable once fetched"}
    assert by_name["uniner-13b-type"]["state"] == "weights not published"
    assert by_name["gpt-4o"]["state"] == "needs key OPENAI_API_KEY"
    assert by_name["uniner-7b-type"]["revision"] == "not pinned"
    assert "uniner-7b-type" in run("list").stdout


def test_show_prints_the_prompt() -> None:
    assert "USER: What describes person in the text? ASSISTANT:" in (
        run("show", "uniner-7b-type").stdout
    )
    shown = json.loads(run("show", "instructuie-11b", "--json").stdout)
    assert shown["prompt_origin"] == "paraphrase"
    assert shown["rendered_prompt"].endswith("by a single vote. \nAnswer:")


def test_show_tells_what_was_measured() -> None:
    shown = json.loads(run("show", "spacy-en-sm", "--json").stdout)["measured"]
    folder = data_root() / "reports" / "runs" / "spacy-en-sm"
    suite = [*(f"crossner_{d}" for d in DOMAINS), "mit_movie", "mit_restaurant"]
    found = []
    for subset in suite:
        record = json.loads((folder / f"{subset}-test" / "record.json").read_text())
        counts = record["scores"]["uniner"]["counts"]
        found.append(200 * counts["correct"] / (counts["predicted"] + counts["gold"]))
    assert shown["ood_7"] == pytest.approx(sum(found) / 7, abs=0.005)
    assert "uniner_43" not in shown  # not all of it was measured
    assert json.loads(run("show", "uniner-7b-type", "--json").stdout)["measured"] == {}


def test_check_prints_the_ceiling() -> None:
    rows = json.loads(
        run(
            "check", "gner-t5-base", "uniner-7b-type", "-d", "mini_general", "--json"
        ).stdout
    )
    gner, uniner = rows
    assert uniner["ceiling"] == 1.0
    assert gner["ceiling"] < 1.0
    assert set(gner["reasons"]) == {"overlapping", "not_whole_words", "discontinuous"}
    text = run("check", "gner-t5-base", "-d", "mini_general", "--cases", "2").stdout
    assert text.count("mini_general") == 3


def test_fetch_says_when_there_is_nothing_to_do() -> None:
    result = run("fetch", "uniner-7b-type")
    assert result.stdout == ""
    assert "nothing to fetch" in result.stderr


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(UnknownNameError, match=r"'uniner-7b-typ'\. Did you mean"):
        run("show", "uniner-7b-typ")


@pytest.mark.parametrize("name", sorted(list_models()))
def test_cards_are_complete_and_point_to_what_is_there(name: str) -> None:
    _, card = load_card(name)
    assert card.title
    assert card.license
    ours = card.checkpoint.lora is not msgspec.UNSET  # its home is this project
    assert ours or card.homepage.startswith("https://")
    assert card.training_data is not None
    assert set(card.training_data.subsets) <= set(subsets())
    assert set(card.published) <= published_names()


def published_names() -> set[str]:
    path = Path(__file__).parents[2] / "reports" / "published" / "results.csv"
    if not path.is_file():
        pytest.skip("the published figures are not in this checkout")
    with path.open(newline="", encoding="utf-8") as lines:
        return {row["model"] for row in csv.DictReader(lines)}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("7B", 7_000_000_000),
        ("1.5B", 1_500_000_000),
        ("135M", 135_000_000),
        ("12 MB", 0),
        ("", 0),
    ],
)
def test_parameter_counts(text: str, count: int) -> None:
    assert parameter_count(text) == count


def test_the_state_names_what_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    card: ModelCard = load_card("gpt-4o")[1]
    assert state_of(card) == "needs key OPENAI_API_KEY"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert state_of(card) == "runnable here"
    assert state_of(load_card("smollm2-135m-instruct")[1]) == "runnable here"
