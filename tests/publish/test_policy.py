"""What may not be published, each refusal with its reason; and what is taken out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.publish.conftest import MakeRun
from unibench.errors import PublishError
from unibench.publish.files import PlannedFile, Repo, guard, safe_path
from unibench.publish.policy import publishable
from unibench.publish.results.runs import run_file, run_id
from unibench.schema.record import Tally
from unibench.schema.score import Counts


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"model_revision": ""}, "not pinned", id="no-revision"),
        pytest.param({"model_revision_pinned": False}, "not pinned", id="unpinned"),
        pytest.param({"model_revision": "main"}, "moves", id="branch"),
        pytest.param({"model_revision": "v1.0"}, "no commit", id="tag-of-a-hub-model"),
        pytest.param(
            {"model_checkpoint": "/home/ann/model"}, "folder of one machine", id="local"
        ),
        pytest.param(
            {"tally": Tally(parse_errors={"not JSON: Zorvath Quill": 1})},
            "no name of a reason",
            id="text-in-the-tally",
        ),
        pytest.param(
            {"model_details": {"prompt": "x" * 1000}}, "model.details", id="long-detail"
        ),
        pytest.param({"model_title": "x" * 1001}, "a text of 1001", id="long-text"),
        pytest.param({"entity_types": ("person",)}, "was not asked", id="strange-type"),
    ],
)
def test_a_run_that_may_not_be_published(
    make_run: MakeRun, changes: dict[str, Any], said: str
) -> None:
    record = make_run(**changes)
    with pytest.raises(PublishError, match=said):
        publishable(record)


def test_no_fingerprint_no_publication(make_run: MakeRun) -> None:
    record = make_run()
    data = msgspec.structs.replace(record.data, fingerprint="")
    with pytest.raises(PublishError, match="no fingerprint"):
        publishable(msgspec.structs.replace(record, data=data))


def test_impossible_counts_are_refused(make_run: MakeRun) -> None:
    record = make_run()
    score = msgspec.structs.replace(
        record.scores["uniner"], counts=Counts(9, predicted=4, gold=3)
    )
    made_up = msgspec.structs.replace(record, scores={"uniner": score})
    with pytest.raises(PublishError, match="9 correct of 4 predicted"):
        publishable(made_up)


def test_home_folder_and_file_names_are_taken_out(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ann"))
    record = make_run(model_name="/home/ann/cards/tiny.yaml")
    command = "unibench evaluate -m /home/ann/cards/tiny.yaml -o /home/ann/runs"
    environment = msgspec.structs.replace(record.environment, command=command)
    public = publishable(msgspec.structs.replace(record, environment=environment))
    assert public.model.name == "tiny"
    assert public.path == ""
    assert "/home/ann" not in run_file(public).read().decode()


def test_the_id_holds_no_time_machine_or_name(make_run: MakeRun) -> None:
    one = make_run()
    other = msgspec.structs.replace(
        one,
        created="2027-01-01T00:00:00+00:00",
        unibench_version="9",
        environment=msgspec.structs.replace(one.environment, hardware="another"),
        model=msgspec.structs.replace(one.model, name="my-name", title="Mine"),
    )
    assert run_id(one) == run_id(other)
    assert run_id(one) != run_id(msgspec.structs.replace(one, limit=2))
    assert run_id(one) != run_id(msgspec.structs.replace(one, scoring_version=2))


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/passwd", "a/../../b", "a\\b", "", "a//b", ".git/hooks", "a\x00b",
     "./a", "C:/x", " a"],
)  # fmt: skip
def test_paths_that_leave_their_folder(path: str) -> None:
    with pytest.raises(PublishError, match="would leave its folder"):
        safe_path(path, "the Hub")


@pytest.mark.parametrize(
    "content",
    ["hf_" + "a" * 34, "sk-proj-" + "b" * 40, "-----BEGIN RSA PRIVATE KEY-----"],
    ids=["hub", "openai", "key"],
)
def test_a_secret_is_never_sent_and_never_shown(content: str) -> None:
    files = [PlannedFile("runs/a.json", f'{{"command": "x {content}"}}'.encode())]
    with pytest.raises(PublishError, match="looks like a key") as refused:
        guard(files)
    assert content not in str(refused.value)


def test_the_token_in_use_is_found_whatever_it_looks_like() -> None:
    with pytest.raises(PublishError, match="looks like a key"):
        guard([PlannedFile("README.md", b"my secret-of-mine here")], "secret-of-mine")


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.truncate(21 * 2**30)  # sparse: takes no room
    with pytest.raises(PublishError, match="shards"):
        guard([PlannedFile(path.name, path)])


@pytest.mark.parametrize("name", ["nobody", "a/b/c", "a/../b", "-a/b", "a/b c", ""])
def test_names_of_repositories(name: str) -> None:
    with pytest.raises(PublishError, match="OWNER/NAME"):
        Repo(name, "dataset")
