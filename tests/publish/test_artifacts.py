"""The Space, exports, trained weights, distilled data: plans from folders."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.publish.conftest import MakeRun
from tests.publish.hub_stub import HubStub
from tests.publish.test_hub_faults import Connect
from unibench.errors import PublishError, UnknownNameError
from unibench.publish.distilled import plan_distilled
from unibench.publish.export import FORMATS, every_eval_ever, export
from unibench.publish.files import Repo
from unibench.publish.hub.client import Snapshot
from unibench.publish.hub.send import publish
from unibench.publish.model.weights import plan_weights, read_weights
from unibench.publish.policy import publishable
from unibench.publish.space import LIST, WORKFLOW, SpaceSource, plan_space

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
SPACE = Repo("owner/board", "space")
MODEL = Snapshot(repo=Repo("owner/adapter", "model"))
SOURCE = SpaceSource(results="owner/results", commit="a" * 40)


# --- the Space ----------------------------------------------------------------------


def test_the_space_is_a_static_site_that_is_ours(
    hub: HubStub, connect: Connect, make_run: MakeRun
) -> None:
    records = [publishable(make_run())]

    def planner(snapshot: Snapshot) -> Any:
        return plan_space(snapshot, records, SOURCE, printed=False)

    publish(connect(), SPACE, planner, create=True)
    repo = hub.repos["space", SPACE.id]
    files = repo.files()
    front = yaml.safe_load(files["README.md"].decode().split("---\n")[1])
    assert (front["sdk"], front["app_file"]) == ("static", "index.html")
    assert front["datasets"] == ["owner/results"]
    assert b"tiny-ner" in files["index.html"]
    assert publish(connect(), SPACE, planner).commit is None

    # A page without a place any more goes; a file of the owner's stays.
    changed = dict(files)
    changed["mine.txt"] = b"notes"
    changed["models/old.html"] = b"gone model"
    listed = json.loads(changed[LIST])
    listed["files"] += ["models/old.html", "README.md"]
    changed[LIST] = json.dumps(listed).encode()
    repo.commit(changed, repo.at("main"), "later", "main")
    publish(connect(), SPACE, planner)
    assert {"mine.txt", "README.md"} <= repo.files().keys()
    assert "models/old.html" not in repo.files()


def test_the_workflow_is_valid_and_names_the_repositories(make_run: MakeRun) -> None:
    records = [publishable(make_run())]
    plan = plan_space(Snapshot(repo=SPACE), records, SOURCE, printed=False)
    (file,) = [f for f in plan.files if f.path == WORKFLOW]
    values = yaml.safe_load(file.read())
    steps = values["jobs"]["refresh"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    assert runs[1].endswith('--rebuild --repo "owner/results" --yes')
    assert runs[2].startswith('unibench publish space --repo "owner/board"')
    assert steps[-1]["env"]["HF_TOKEN"] == "${{ secrets.HF_TOKEN }}"  # noqa: S105


def test_nothing_to_show_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="nothing to show"):
        plan_space(Snapshot(repo=SPACE), [], SpaceSource(), printed=False)


def test_html_of_names_is_escaped(make_run: MakeRun) -> None:
    record = make_run(model_title="<script>alert(1)</script>", model_name="<b>x</b>")
    records = [publishable(record)]
    plan = plan_space(Snapshot(repo=SPACE), records, SOURCE, printed=False)
    for file in plan.files:
        assert b"<script>alert" not in file.read(), file.path
        assert b"<b>x" not in file.read() or not file.path.endswith(".html")


# --- exports ------------------------------------------------------------------------


def test_every_format_has_files_and_holds_the_number(make_run: MakeRun) -> None:
    record = make_run()
    files = {f.path: f.read() for f in export([record], list(FORMATS), "o/bench")}
    rows = list(csv.DictReader(io.StringIO(files["results.csv"].decode())))
    assert [row["profile"] for row in rows] == ["partial", "strict_span", "uniner"]
    assert float(rows[2]["f1"]) == pytest.approx(6 / 7)
    folder = f"guest__ner/{'a' * 12}"
    index = yaml.safe_load(files[f"{folder}/model-index.yaml"])
    assert index["model-index"][0]["results"][0]["metrics"][0]["value"] == 85.71
    (entry,) = yaml.safe_load(files[f"{folder}/.eval_results/unibench.yaml"])
    assert entry["dataset"] == {"id": "o/bench", "task_id": "freecorpus"}


def test_every_eval_ever_has_what_its_schema_requires(make_run: MakeRun) -> None:
    values = every_eval_ever(make_run())
    required = {
        "schema_version", "evaluation_id", "retrieved_timestamp", "source_metadata",
        "model_info", "eval_library", "evaluation_results",
    }  # fmt: skip
    assert required <= values.keys() <= required | {"evaluation_timestamp"}
    assert values["retrieved_timestamp"] == "1767323045"  # 2026-01-02T03:04:05 UTC
    for result in values["evaluation_results"]:
        assert {"evaluation_name", "source_data", "metric_config", "score_details"} <= (
            result.keys()
        )
        config = result["metric_config"]
        assert (config["min_score"], config["max_score"]) == (0.0, 1.0)
        assert 0 <= result["score_details"]["score"] <= 1
        interval = result["score_details"]["uncertainty"]["confidence_interval"]
        assert interval["lower"] <= result["score_details"]["score"]
        assert all(
            isinstance(value, str)
            for value in result["score_details"]["details"].values()
        )
        allowed = {"temperature", "max_tokens", "execution_command"}
        assert result["generation_config"]["generation_args"].keys() == allowed


def test_a_formula_in_a_name_is_inert_in_csv(make_run: MakeRun) -> None:
    (file,) = export([make_run(model_title="=cmd|' /C calc'!A0")], ["csv"], "o/b")
    (row, *_) = csv.DictReader(io.StringIO(file.read().decode()))
    assert row["title"].startswith("'=")


def test_unknown_formats_and_unpinned_runs(make_run: MakeRun) -> None:
    with pytest.raises(UnknownNameError, match="csv"):
        export([make_run()], ["cvs"], "o/b")
    with pytest.raises(PublishError, match="not pinned"):
        export([make_run(model_revision="")], ["csv"], "o/b")


# --- weights ------------------------------------------------------------------------


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    (folder / "checkpoint-10").mkdir(parents=True)
    (folder / "checkpoint-10" / "optimizer.pt").write_bytes(b"x")
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    settings = {"base_model_name_or_path": "org/base", "peft_type": "LORA"}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    (folder / "training_args.bin").write_bytes(b"pickle")
    return folder


def test_an_adapter_with_its_card(adapter: Path, make_run: MakeRun) -> None:
    weights = read_weights(adapter)
    record = make_run(checkpoint="owner/adapter")
    plan = plan_weights(MODEL, weights, license_="apache-2.0", records=[record])
    assert sorted(file.path for file in plan.files) == [
        "README.md", "adapter_config.json", "adapter_model.safetensors",
    ]  # fmt: skip
    assert "training_args.bin is left out" in plan.notes
    card = next(f for f in plan.files if f.path == "README.md").read().decode()
    front = yaml.safe_load(card.split("---\n")[1])
    assert (front["license"], front["base_model"]) == ("apache-2.0", "org/base")
    assert front["library_name"] == "peft"
    assert "| freecorpus | 85.71 |" in card


def test_the_trainer_s_own_card_is_kept(adapter: Path) -> None:
    text = "---\nlicense: mit\ntags: [mine]\n---\n# How it was trained\n"
    (adapter / "README.md").write_text(text)
    plan = plan_weights(MODEL, read_weights(adapter), license_="")
    card = next(f for f in plan.files if f.path == "README.md").read().decode()
    assert "# How it was trained" in card
    assert yaml.safe_load(card.split("---\n")[1])["tags"] == ["mine"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pytorch_model.bin", "is a pickle"),
        ("train.jsonl", "no file of weights"),
        ("data.parquet", "no file of weights"),
        ("predictions.tsv", "no file of weights"),
    ],
)
def test_what_does_not_belong_to_weights(adapter: Path, name: str, said: str) -> None:
    (adapter / name).write_bytes(b"x")
    with pytest.raises(PublishError, match=said):
        read_weights(adapter)


def test_weights_need_a_licence_and_a_public_base(adapter: Path) -> None:
    with pytest.raises(PublishError, match="no licence"):
        plan_weights(MODEL, read_weights(adapter), license_="")
    settings = {"base_model_name_or_path": "/home/ann/base"}
    (adapter / "adapter_config.json").write_text(json.dumps(settings))
    with pytest.raises(PublishError, match="on this machine"):
        plan_weights(MODEL, read_weights(adapter), license_="mit")


def test_a_link_out_of_the_folder_is_not_followed(
    adapter: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    (adapter / "tokenizer.json").symlink_to(secret)
    with pytest.raises(PublishError, match="points out of the folder"):
        read_weights(adapter)


def test_a_folder_without_weights(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(PublishError, match="holds no weights"):
        read_weights(tmp_path)


# --- distilled data -----------------------------------------------------------------


def distilled(
    folder: Path, mixture: list[dict[str, Any]], license_: str = "cc-by-4.0"
) -> Path:
    data = folder / "dataset"
    data.mkdir(parents=True, exist_ok=True)
    (data / "train.jsonl").write_text('{"id": "1", "conversations": []}\n')
    (data / "README.md").write_text(f"---\nlicense: {license_}\n---\n# data\n")
    files = {
        f"dataset/{path.name}": {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "rows": None,
        }
        for path in data.iterdir()
    }
    manifest = {
        "stage": "conversations",
        "settings": {"seed": 0, "conversations": {"mixture": mixture}},
        "files": files,
    }
    (folder / "conversations.manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_distilled_dataset(tmp_path: Path, corpora: dict[str, Any]) -> None:
    work = distilled(tmp_path / "w", [{"distilled": True}, {"subset": "freecorpus"}])
    for folder in (work, work / "dataset"):
        plan = plan_distilled(folder)
        assert [file.path for file in plan.files] == ["README.md", "train.jsonl"]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"subset": "closedcorpus"}, "closedcorpus, which cannot be redistributed"),
        ({"subset": "silentcorpus"}, "silentcorpus, which cannot be redistributed"),
        ({"subset": "nosuchcorpus"}, "has no card on this machine"),
        ({"file": "pile.jsonl"}, "conversations made elsewhere"),
    ],
)
def test_a_mixture_that_may_not_be_published(
    tmp_path: Path, corpora: dict[str, Any], part: dict[str, str], said: str
) -> None:
    work = distilled(tmp_path / "w", [{"distilled": True}, part])
    with pytest.raises(PublishError, match=said):
        plan_distilled(work)


def test_a_corpus_without_a_licence(tmp_path: Path) -> None:
    work = distilled(tmp_path / "w", [{"distilled": True}], license_="other")
    with pytest.raises(PublishError, match="does not allow to publish the passages"):
        plan_distilled(work)


def test_a_data_file_that_was_changed(tmp_path: Path) -> None:
    work = distilled(tmp_path / "w", [{"distilled": True}])
    (work / "dataset" / "train.jsonl").write_text("something else\n")
    with pytest.raises(PublishError, match="was changed after it was made"):
        plan_distilled(work)


def test_a_folder_that_is_no_work_folder(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="cannot be read"):
        plan_distilled(tmp_path)
