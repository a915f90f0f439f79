"""The benchmark dataset: only what may be there, and it loads everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.publish.hub_stub import HubStub
from tests.publish.test_hub_faults import Connect
from unibench.errors import PublishError
from unibench.publish.benchmark.manifest import MANIFEST, build, read_manifest
from unibench.publish.benchmark.plan import plan_benchmark, plan_eval
from unibench.publish.benchmark.tables import content_sha256, read_split, split_bytes
from unibench.publish.benchmark.tasks import benchmark_subsets, suites
from unibench.publish.files import Repo
from unibench.publish.hub.client import Snapshot
from unibench.publish.hub.send import Sent, publish
from unibench.schema.text import Mention, Passage, Span, mention_at

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
REPO = Repo("owner/bench", "dataset")
TEXT = "Ann and Bo Lee of Rome"
PASSAGES = [
    Passage("0", "", ()),
    Passage(
        "1",
        TEXT,
        (
            mention_at(TEXT, "person", Span(0, 3), Span(11, 14)),
            mention_at(TEXT, "person", Span(8, 14)),
            mention_at(TEXT, "person", Span(8, 14)),
            mention_at(TEXT, "place, or »Ort«", Span(18, 22)),
        ),
        "doc",
        (Span(0, 3), Span(4, 7)),
    ),
]


def test_passages_come_back_as_they_were() -> None:
    assert read_split(split_bytes(PASSAGES)) == PASSAGES
    assert split_bytes(PASSAGES) == split_bytes(PASSAGES)


def test_what_it_says_has_one_hash() -> None:
    assert content_sha256(PASSAGES) == content_sha256(iter(PASSAGES))
    assert content_sha256(PASSAGES) != content_sha256(PASSAGES[::-1])


def test_a_text_that_is_not_at_its_spans_is_refused() -> None:
    wrong = Passage("1", "Bo left", (Mention("person", "Ann", (Span(0, 2),)),))
    with pytest.raises(PublishError, match="stands 'Bo'"):
        read_split(split_bytes([wrong]))


@pytest.mark.parametrize(
    ("subset", "said"),
    [
        ("closedcorpus", "its access is 'licensed'"),
        ("hospitalcorpus", "its access is 'registration'"),
        ("silentcorpus", "'none stated' does not allow it"),
    ],
)
def test_what_may_not_be_redistributed(
    corpora: dict[str, str], subset: str, said: str
) -> None:
    with pytest.raises(PublishError, match=said):
        build(subset, "corrected")


def test_the_card_the_licences_and_the_manifest(corpora: dict[str, str]) -> None:
    snapshot = Snapshot(repo=REPO)
    built = [build("freecorpus", "corrected")]
    plan = plan_benchmark(snapshot, built, {"closedcorpus": "licensed"}, REPO.id)
    files = {file.path: file.read() for file in plan.files}
    assert sorted(files) == [
        "LICENSES.md", "README.md", "freecorpus/test.parquet", "manifest.json",
    ]  # fmt: skip
    card = files["README.md"].decode()
    values = yaml.safe_load(card.split("---\n")[1])
    assert values["license"] == "cc-by-4.0"
    assert values["configs"] == [
        {
            "config_name": "freecorpus",
            "default": True,
            "data_files": [{"split": "test", "path": "freecorpus/test.parquet"}],
        }
    ]
    for words in ("| closedcorpus | licensed |", "The makers of freecorpus", "General"):
        assert words in card
    config = read_manifest(files[MANIFEST]).configs["freecorpus"]
    assert config.entity_types == ("person", "place")
    entry = config.splits["test"]
    assert (entry.passages, entry.mentions) == (3, 3)
    assert entry.sha256 == plan.files[0].sha256()
    assert "creativecommons.org/licenses/by/4.0" in files["LICENSES.md"].decode()


def test_the_tasks_name_configs_that_are_there(corpora: dict[str, str]) -> None:
    (file,) = plan_eval(Snapshot(repo=REPO), suites(), benchmark_subsets()).files
    declared = yaml.safe_load(file.read())
    ids = [task["id"] for task in declared["tasks"]]
    assert len(ids) == len(set(ids))
    assert set(benchmark_subsets()) <= set(ids)
    assert not any("config" in task for task in declared["tasks"])
    assert {"name", "description", "evaluation_framework"} <= declared.keys()


def published(
    hub: HubStub, connect: Connect, subsets: tuple[str, ...] = ("freecorpus",)
) -> Sent:
    built = [build(subset, "corrected") for subset in subsets]
    return publish(
        connect(), REPO, lambda s: plan_benchmark(s, built, {}, REPO.id), create=True
    )


def test_publishing_again_is_a_no_op(
    hub: HubStub, connect: Connect, corpora: dict[str, str]
) -> None:
    assert published(hub, connect).commit is not None
    assert published(hub, connect).commit is None


def test_a_licence_that_was_withdrawn_takes_the_files_away(
    hub: HubStub,
    connect: Connect,
    corpora: dict[str, str],
    tmp_path: Path,
) -> None:
    published(hub, connect)
    card = tmp_path / "cards" / "dataset_cards" / "freecorpus.yaml"
    card.write_text(card.read_text().replace("CC-BY-4.0", "none stated"))
    publish(connect(), REPO, lambda s: plan_benchmark(s, [], {}, REPO.id))
    files = hub.repos["dataset", REPO.id].files()
    assert not [path for path in files if path.endswith(".parquet")]
    assert not read_manifest(files[MANIFEST]).configs


_LOAD = """
import sys, warnings
warnings.simplefilter("ignore")
from datasets import load_dataset
whole = load_dataset("owner/bench", "freecorpus", split="test")
row = whole[0]
assert row["text"].startswith("Zorvath"), row
assert row["entities"][0]["spans"] == [{"start": 0, "end": 13}], row
first = next(iter(load_dataset("owner/bench", "freecorpus", split="test",
                               streaming=True)))
assert first == row, first
assert len(load_dataset("owner/bench")["test"]) == 3
print("loaded")
"""


@pytest.mark.slow
def test_the_real_datasets_library_loads_and_streams_it(
    hub: HubStub,
    connect: Connect,
    corpora: dict[str, str],
    tmp_path: Path,
) -> None:
    published(hub, connect)
    environment = {
        **os.environ, **hub.environment(), "HF_HOME": str(tmp_path / "hf"),
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _LOAD], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "loaded", done.stderr[-3000:]


def test_a_split_that_is_not_whole_is_no_benchmark(
    corpora: dict[str, str], tmp_path: Path
) -> None:
    cards = tmp_path / "cards" / "dataset_cards"
    card = cards / "freecorpus.yaml"
    card.write_text(card.read_text().replace("{test: test", "{train: test"))
    with pytest.raises(PublishError, match="its test split is not there"):
        build("freecorpus", "corrected")
