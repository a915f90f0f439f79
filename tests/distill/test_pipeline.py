"""The five stages in order, again, after a change, and after a kill at any point."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.distill.conftest import CONCURRENCY, invented_documents, write_files
from tests.distill.stub_teacher import StubTeacher, behaviour, stub_teacher
from unibench.distill.corpus.sample import SampledPassage
from unibench.distill.filtering import DistilledPair, RejectedAnswer
from unibench.distill.label import Asking, TeacherAnswer
from unibench.distill.recipes import estimate_labels, load_job, run_stage
from unibench.distill.work import STAGES, Progress, StageManifest, WorkFolder
from unibench.errors import BackendError, CardError, DataError, RunError
from unibench.schema.conversation import read_conversations
from unibench.schema.jsonl import read_rows

WriteRecipe = Callable[..., Path]
NOBODY = "http://127.0.0.1:9/v1"
ERROR_SHARE = 0.3


def run(
    recipe: Path, stage: str, url: str = "", *, again: bool = False
) -> StageManifest:
    job = load_job(
        str(recipe), recipe.parent / "work", again=again,
        base_urls=[url] if url else [],
    )  # fmt: skip
    return run_stage(stage, job, Progress())


def run_all(recipe: Path, url: str) -> dict[str, StageManifest]:
    return {stage: run(recipe, stage, url) for stage in STAGES}


def tree(folder: Path, *, manifests: bool = True) -> dict[str, str]:
    """Every file below a folder with the hash of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (manifests or "manifest" not in path.name)
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A recipe all of whose stages are done, and how often its teacher was asked."""
    folder = tmp_path_factory.mktemp("finished") / "recipe"
    with pytest.MonkeyPatch.context() as patch, stub_teacher(0.3) as server:
        patch.setenv("UNIBENCH_CACHE", str(folder.parent / "cache"))
        run_all(write_files(folder), server.url)
        return folder, len(server.requests)


@pytest.fixture
def done(finished: tuple[Path, int], tmp_path: Path) -> Path:
    """The recipe of a finished run, in a folder of the test's own."""
    shutil.copytree(finished[0], tmp_path / "recipe")
    return tmp_path / "recipe" / "ships.yaml"


def test_all_stages_in_order_and_again(done: Path, finished: tuple[Path, int]) -> None:
    assert finished[1] == 60
    work = done.parent / "work"
    before = tree(work)
    made = run_all(done, NOBODY)  # nobody is asked
    assert list(made) == list(STAGES)
    assert tree(work) == before

    passages = list(read_rows(work / "passages.jsonl", SampledPassage))
    assert len(passages) == len({p.text for p in passages}) == 60
    assert {p.source for p in passages} == {"letters", "logs", "news"}
    assert max(p.tokens for p in passages) <= 48
    answers = list(read_rows(work / "answers.jsonl", TeacherAnswer))
    assert [a.id for a in answers] == [p.id for p in passages]
    assert made["label"].counts["prompt_tokens"] > 60 * 60


def test_every_kind_of_bad_answer_is_counted(done: Path) -> None:
    work = done.parent / "work"
    made = run_all(done, NOBODY)
    passages = read_rows(work / "passages.jsonl", SampledPassage)
    kinds = Counter(behaviour(p.text, ERROR_SHARE) for p in passages)
    expected = {
        "prose": kinds["prose"], "refusal": kinds["refusal"], "cut": kinds["half"],
        "quotes": kinds["quotes"], "too_many": kinds["flood"], "empty": kinds["empty"],
    }  # fmt: skip
    counts = made["filter"].counts
    assert counts["rejected"] == {k: n for k, n in expected.items() if n}
    assert counts["dropped_entities"] == {
        k: n
        for k, n in (
            ("absent_from_passage", kinds["absent"]),
            ("type_without_latin_letters", kinds["foreign"]),
        )
        if n
    }
    pairs = list(read_rows(work / "pairs.jsonl", DistilledPair))
    rejected = list(read_rows(work / "rejected.jsonl", RejectedAnswer))
    assert len(pairs) + len(rejected) == counts["answers"] == 60
    assert all(m.text in pair.text for pair in pairs for m in pair.entities)
    assert all(
        m.entity_type == m.entity_type.lower() for p in pairs for m in p.entities
    )


def test_the_dataset_is_ready_to_push(done: Path) -> None:
    made = run_all(done, NOBODY)
    dataset = done.parent / "work" / "dataset"
    assert sorted(p.name for p in dataset.iterdir()) == [
        "README.md", "statistics.json", "train.jsonl", "types.png",
    ]  # fmt: skip
    conversations = list(read_conversations(dataset / "train.jsonl"))
    counts = made["conversations"].counts
    assert counts["files"] == {"dataset/train.jsonl": len(conversations)}
    queries = [pair for c in conversations for pair in c.pairs]
    empty = sum(json.loads(answer.value) == [] for _, answer in queries)
    assert counts["positive_queries"] == len(queries) - empty
    assert counts["negative_queries"] == empty == 3 * len(conversations)
    _, front, text = (dataset / "README.md").read_text("utf-8").split("---\n", 2)
    metadata = yaml.safe_load(front)
    assert metadata["license"] == "cc0-1.0"
    assert metadata["configs"][0]["data_files"][0]["path"] == "train.jsonl"
    assert metadata["size_categories"] == ["n<1K"]
    assert "helpful information extraction system" in text
    assert "stub/teacher at 1" in text


def test_the_published_loader_reads_it(done: Path, tmp_path: Path) -> None:
    import datasets

    datasets.disable_progress_bars()
    rows = datasets.load_dataset(
        str(done.parent / "work" / "dataset"),
        split="train",
        cache_dir=str(tmp_path / "hf"),
    )
    assert rows.column_names == ["id", "conversations", "answers"]
    assert rows[0]["conversations"][1] == {
        "from": "gpt",
        "value": "I've read this text.",
    }


@pytest.mark.parametrize("stage", STAGES[1:])
def test_a_stage_needs_the_one_before(write_recipe: WriteRecipe, stage: str) -> None:
    recipe = write_recipe()
    with pytest.raises(RunError, match=r"is not done yet; run 'unibench distill"):
        run(recipe, stage)


@pytest.mark.parametrize(
    ("stage", "changes", "reason"),
    [
        pytest.param(
            "passages",
            {"seed": 3},
            "seed was 0 and is 3",
            id="seed",
        ),
        pytest.param(
            "label",
            {"teacher": {"model": "teacher.yaml", "prompt": "definitions"}},
            r"teacher.prompt.1.text was .* define their type using a short sentence",
            id="prompt",
        ),
        pytest.param(
            "filter",
            {"filter": {"case": "keep"}},
            "filter.case was 'lower' and is 'keep'",
            id="filter",
        ),
        pytest.param(
            "conversations",
            {"conversations": {"negatives": {"strategy": "uniform", "count": 3}}},
            "negatives.strategy was 'frequency' and is 'uniform'",
            id="negatives",
        ),
    ],
)
def test_a_changed_recipe_is_refused_with_the_reason(
    done: Path,
    write_recipe: WriteRecipe,
    teacher: StubTeacher,
    stage: str,
    changes: dict[str, Any],
    reason: str,
) -> None:
    before = tree(done.parent / "work")
    recipe = write_recipe(**changes)
    assert recipe == done
    with pytest.raises(RunError, match=rf"the recipe has changed .*{reason}"):
        run(recipe, stage, teacher.url)
    assert tree(recipe.parent / "work") == before
    run(recipe, stage, teacher.url, again=True)
    after = tree(recipe.parent / "work")
    assert after != before


def test_a_stage_made_anew_makes_the_next_one_stale(
    done: Path, write_recipe: WriteRecipe
) -> None:
    recipe = write_recipe(filter={"max_entities": 4})
    assert recipe == done
    run(recipe, "filter", again=True)
    with pytest.raises(RunError, match=r"'stats' was made from another pairs\.jsonl"):
        run(recipe, "stats")


def test_a_changed_file_is_noticed(done: Path) -> None:
    with (done.parent / "work" / "pairs.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n")
    with pytest.raises(RunError, match=r"pairs\.jsonl was changed since the stage"):
        run(done, "stats")


def test_two_processes_cannot_work_in_one_folder(write_recipe: WriteRecipe) -> None:
    recipe = write_recipe()
    work = WorkFolder(recipe.parent / "work", "x")
    with work.locked(), pytest.raises(RunError, match="another process works in this"):
        run(recipe, "passages")


def test_an_interrupted_teacher_is_asked_only_the_rest(
    write_recipe: WriteRecipe, teacher: StubTeacher
) -> None:
    recipe = write_recipe()
    run(recipe, "passages")
    card = recipe.parent / "teacher.yaml"
    values = yaml.safe_load(card.read_text("utf-8"))
    values["backend"] |= {"retries": 0, "max_wait_s": 0.1}
    card.write_text(yaml.safe_dump(values), "utf-8")
    with pytest.raises(BackendError):
        run(recipe, "label", NOBODY)
    run(recipe, "label", teacher.url)
    assert len(teacher.requests) == 60


def test_the_price_is_told_before_and_after(
    write_recipe: WriteRecipe, teacher: StubTeacher
) -> None:
    recipe = write_recipe()
    card = recipe.parent / "teacher.yaml"
    values = yaml.safe_load(card.read_text("utf-8"))
    values["checkpoint"] = {"id": "gpt-4o-mini"}
    card.write_text(yaml.safe_dump(values), "utf-8")
    passages = run(recipe, "passages")
    expected = estimate_labels(load_job(str(recipe), recipe.parent / "work"))
    assert expected.requests == 60
    assert expected.answer_tokens == 60 * 150
    assert expected.prompt_tokens > passages.counts["tokens"] + 60 * 40
    assert expected.cost_usd == pytest.approx(
        (expected.prompt_tokens * 0.15 + 9000 * 0.60) / 1e6
    )
    asking = Asking(base_urls=(teacher.url,), budget_usd=0.001)
    job = load_job(str(recipe), recipe.parent / "work", asking=asking)
    with pytest.raises(RunError, match=r"more than --budget 0\.001, so nothing"):
        run_stage("label", job, Progress())
    assert teacher.requests == []
    counts = run(recipe, "label", teacher.url).counts
    tokens = counts["prompt_tokens"] * 0.15 + counts["answer_tokens"] * 0.60
    assert counts["cost_usd"] == pytest.approx(tokens / 1e6)
    assert estimate_labels(load_job(str(recipe), recipe.parent / "work")).stored == 60


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("title: x\n", "no distillation recipe", id="kind"),
        pytest.param(
            "kind: distillation\ntitle: x\nnegatives: 3\n", "unknown field", id="key"
        ),
        pytest.param(
            "kind: distillation\ntitle: x\npassages: {corpus: [], tokenizer: words}\n",
            "must list sources",
            id="no-corpus",
        ),
        pytest.param(
            "kind: distillation\ntitle: x\npassages:\n  tokenizer: words\n"
            "  corpus: [{name: pile, hub: a/b}]\n",
            "a/b needs a `revision`",
            id="unpinned",
        ),
    ],
)
def test_a_wrong_recipe_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(CardError, match=rf"r\.yaml.*{problem}"):
        load_job(str(path))


def test_a_corpus_without_any_usable_text(write_recipe: WriteRecipe) -> None:
    recipe = write_recipe()
    corpus = recipe.parent / "corpus" / "part-1.jsonl"
    corpus.write_text('{"text": " "}\n' * 5, "utf-8")
    with pytest.raises(DataError, match="the corpus gave no passage"):
        run(recipe, "passages")


def test_supervised_data_join_the_mixture(
    write_recipe: WriteRecipe,
    teacher: StubTeacher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own_dataset(tmp_path, monkeypatch)
    published = recipe_folder(write_recipe) / "elsewhere.json"
    row = {
        "id": "ner_0",
        "conversations": [
            {"from": "human", "value": "Text: Odo slept."},
            {"from": "gpt", "value": "I've read this text."},
            {"from": "human", "value": "What describes person in the text?"},
            {"from": "gpt", "value": '["Odo"]'},
        ],
    }
    published.write_text(json.dumps([row]), "utf-8")
    recipe = write_recipe(
        conversations={
            "ask_by": "definition",
            "negatives": {"strategy": "none"},
            "mixture": [
                {"distilled": True, "limit": 10},
                {"file": "elsewhere.json", "weight": 2},
                {
                    "subset": "piers",
                    "dataset_name": "Piers",
                    "negatives": {"count": "all"},
                },
            ],
        }
    )
    made = run_all(recipe, teacher.url)
    parts = made["conversations"].counts["parts"]
    assert {name: part["taken"] for name, part in parts.items()} == {
        "distilled": 10, "elsewhere.json": 2, "piers": 2,
    }  # fmt: skip
    rows = read_conversations(recipe.parent / "work" / "dataset" / "train.jsonl")
    by_id = {row.id: row for row in rows}
    first = by_id["piers/one"]
    assert first.conversations[0].value == "Dataset: Piers \n Text: Pier Nine is old."
    assert {(q.value, a.value) for q, a in first.pairs} == {
        ("What describes a landing place in the text?", '["Pier Nine"]'),
        ("What describes a named vessel in the text?", "[]"),
    }


def test_passages_that_overlap_a_prepared_test_set_are_left_out(
    write_recipe: WriteRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unibench.data.api import load_prepared

    own_dataset(tmp_path, monkeypatch)
    load_prepared("piers", "test")
    values = yaml.safe_load(write_recipe().read_text("utf-8"))["passages"]
    overlap = {"words": 6, "subsets": ["piers", "mini_law"]}
    recipe = write_recipe(passages=values | {"test_overlap": overlap})
    corpus = recipe.parent / "corpus" / "part-0.jsonl"
    row = {
        "text": "She wrote: the ferry never came to Quay again.",
        "meta": {"set": "logs"},
    }
    corpus.write_text(json.dumps(row), "utf-8")
    counts = run(recipe, "passages").counts
    assert counts["rejected_candidates"] == {"test_overlap": 1}
    assert counts["test_overlap"]["subsets"] == ["piers"]
    assert counts["test_overlap"]["not_prepared_here"] == ["mini_law"]


def test_languages_are_filtered(write_recipe: WriteRecipe) -> None:
    values = yaml.safe_load(write_recipe().read_text("utf-8"))["passages"]
    recipe = write_recipe(passages=values | {"languages": ["en"], "min_tokens": 9})
    german = (
        "Der alte Leuchtturm steht seit Jahren leer, und niemand pflegt den Garten."
    )
    corpus = recipe.parent / "corpus" / "part-0.jsonl"
    rows = [{"text": t, "meta": {"set": "logs"}} for t in (german, "Too short.")]
    corpus.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    counts = run(recipe, "passages").counts
    assert counts["rejected_candidates"]["other_language"] >= 1
    assert counts["rejected_candidates"]["too_short"] == 1


def test_an_unknown_language_is_refused(write_recipe: WriteRecipe) -> None:
    values = yaml.safe_load(write_recipe().read_text("utf-8"))["passages"]
    recipe = write_recipe(passages=values | {"languages": ["english"]})
    with pytest.raises(CardError, match=r"passages\.languages names 'english'"):
        run(recipe, "passages")


def recipe_folder(write_recipe: WriteRecipe) -> Path:
    return write_recipe().parent


def own_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dataset `piers` of the user's own, with a train and a test split."""
    root = tmp_path / "own"
    for folder in ("dataset_cards", "label_maps", "dataset_cards/piers"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    card = {
        "title": "Piers", "domain": "General", "license": "cc0-1.0", "homepage": "",
        "citation": "none", "sources": [{"title": "beside", "path": "piers"}],
        "format": {"name": "jsonl"},
        "splits": {"train": "train.jsonl", "test": "test.jsonl"},
    }  # fmt: skip
    labels = {
        "labels": {
            "PIER": {"name": "pier", "definition": "a landing place"},
            "SHIP": {"name": "ship", "definition": "a named vessel"},
        }
    }
    (root / "dataset_cards/piers.yaml").write_text(yaml.safe_dump(card), "utf-8")
    (root / "label_maps/piers.yaml").write_text(yaml.safe_dump(labels), "utf-8")
    pier = {"type": "PIER", "start": 0, "end": 9}
    rows: dict[str, list[dict[str, Any]]] = {
        "train": [
            {"id": "one", "text": "Pier Nine is old.", "mentions": [pier]},
            {"id": "two", "text": "It rains.", "mentions": []},
        ],
        "test": [
            {"id": "t", "text": "The ferry never came to Quay again.", "mentions": []}
        ],
    }
    for name, values in rows.items():
        text = "\n".join(map(json.dumps, values))
        (root / f"dataset_cards/piers/{name}.jsonl").write_text(text, "utf-8")
    monkeypatch.setenv("UNIBENCH_PATH", str(root))


STAGE = """
import sys
from pathlib import Path
from unibench.distill import passages, recipes
from unibench.distill.corpus import stream
from unibench.distill.work import Progress
passages.CHECKPOINT_S = 0.0
passages.make_passages.__kwdefaults__["checkpoint_s"] = 0.0
stream._BATCH_CHARACTERS = 2000
recipe, work, stage, *urls = sys.argv[1:]
job = recipes.load_job(recipe, Path(work), base_urls=urls)
recipes.run_stage(stage, job, Progress())
"""


def start(recipe: Path, work: Path, stage: str, *urls: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", STAGE, str(recipe), str(work), stage, *urls],
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)


def test_passages_killed_while_streaming_lose_nothing(
    write_recipe: WriteRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = write_recipe()
    monkeypatch.setattr("unibench.distill.corpus.stream._BATCH_CHARACTERS", 2000)
    corpus = recipe.parent / "corpus" / "part-1.jsonl"
    rows = [json.dumps(document) for document in invented_documents(6000)]
    corpus.write_text("\n".join(rows), "utf-8")
    work = tmp_path / "killed"
    process = start(recipe, work, "passages")
    wait_for(lambda: (work / "passages.state").exists() or process.poll() is not None)
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (work / "passages.manifest.json").exists()
    job = load_job(str(recipe), work)
    resumed = run_stage("passages", job, Progress())
    whole = run(recipe, "passages")
    assert resumed.counts == whole.counts
    assert resumed.files == whole.files
    assert not (work / "passages.state").exists()


def test_a_stream_begun_with_another_recipe_is_refused(
    write_recipe: WriteRecipe, tmp_path: Path
) -> None:
    recipe = write_recipe()
    corpus = recipe.parent / "corpus" / "part-1.jsonl"
    rows = [json.dumps(document) for document in invented_documents(6000)]
    corpus.write_text("\n".join(rows), "utf-8")
    work = tmp_path / "killed"
    process = start(recipe, work, "passages")
    wait_for(lambda: (work / "passages.state").exists() or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    write_recipe(seed=5)
    with pytest.raises(RunError, match="'passages' was run there: seed was 0 and is 5"):
        run_stage("passages", load_job(str(recipe), work), Progress())
    write_recipe()
    corpus.write_text("\n".join(rows[:-1]), "utf-8")
    with pytest.raises(
        RunError, match="files of the corpus have come, gone or changed"
    ):
        run_stage("passages", load_job(str(recipe), work), Progress())


def test_a_killed_teacher_run_repeats_only_what_was_under_way(
    write_recipe: WriteRecipe, tmp_path: Path
) -> None:
    recipe = write_recipe()
    run(recipe, "passages")
    work = recipe.parent / "work"
    with stub_teacher(error_share=0.3, delay_s=0.05) as slow:
        process = start(recipe, work, "label", slow.url)
        wait_for(lambda: len(slow.requests) >= 24)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        before = len(slow.requests)
        assert before < 60
        run(recipe, "label", slow.url)
        times = Counter(slow.requests)
    assert len(times) == 60
    # Under way at the server, or on the way from the socket to the store.
    assert sum(n - 1 for n in times.values()) <= 2 * CONCURRENCY


def test_leftovers_of_a_kill_do_no_harm(
    done: Path, finished: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its manifest is there, a stage has done nothing; whatever lies around."""
    monkeypatch.setenv("UNIBENCH_CACHE", str(finished[0].parent / "cache"))
    work = done.parent / "work"
    whole = tree(work, manifests=False)
    for stage in STAGES:
        manifest = json.loads((work / f"{stage}.manifest.json").read_bytes())
        (work / f"{stage}.manifest.json").unlink()
        for name in manifest["files"]:
            path = work / name
            path.with_name(path.name + ".part").write_bytes(b"half a fi")
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        run(done, stage, NOBODY)  # every answer is stored
        assert tree(work, manifests=False) == whole
