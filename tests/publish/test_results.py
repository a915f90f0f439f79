"""The plan of a results repository: pure, idempotent, complete."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping

import msgspec
import pyarrow.parquet
import pytest

from tests.publish.conftest import SECRET_WORDS, MakeRun
from unibench.errors import PublishError
from unibench.publish.files import Publication, RemoteFile, Repo
from unibench.publish.hub.client import Snapshot
from unibench.publish.results.card import MARK
from unibench.publish.results.gather import gather
from unibench.publish.results.index import INDEX, TABLE, columns, index_row, ordered
from unibench.publish.results.plan import plan_results, plan_runs
from unibench.publish.results.runs import read_run, run_file, run_path

REPO = Repo("owner/results", "dataset")


class Content:
    """Stands for the Hub where a snapshot reads: contents by path."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.read_paths: list[str] = []

    def read(self, repo: Repo, file: RemoteFile, sha: str) -> bytes:
        self.read_paths.append(file.path)
        return self.files[file.path]


def snapshot(files: Mapping[str, bytes]) -> Snapshot:
    import hashlib

    def remote(path: str, content: bytes) -> RemoteFile:
        blob = b"blob %d\0" % len(content) + content
        oid = hashlib.sha1(blob, usedforsecurity=False).hexdigest()
        return RemoteFile(path, len(content), oid)

    known = {path: remote(path, content) for path, content in files.items()}
    return Snapshot(repo=REPO, sha="a" * 40, files=known, hub=Content(files))


def contents(publication: Publication) -> dict[str, bytes]:
    return {file.path: file.read() for file in publication.files}


def test_the_path_names_model_revision_subset_and_content(make_run: MakeRun) -> None:
    record = make_run()
    parts = run_path(record).split("/")
    assert parts[:3] == ["runs", "guest__ner", "a" * 12]
    assert parts[3].startswith("freecorpus-test-")
    assert len(parts[3]) == len("freecorpus-test-.json") + 16


def test_first_publication_holds_runs_aggregates_schema_and_card(
    make_run: MakeRun,
) -> None:
    runs = gather([make_run(), make_run("silentcorpus")]).runs
    files = contents(plan_results(snapshot({}), runs, name="owner/results"))
    assert sorted(path for path in files if "/" not in path) == [
        "README.md", "leaderboard.jsonl", "leaderboard.parquet", "schema.json",
    ]  # fmt: skip
    lines = [json.loads(line) for line in files[INDEX].splitlines()]
    assert [line["subset"] for line in lines] == ["freecorpus", "silentcorpus"]
    # 3 gold mentions and one invented one: 2 * 3 / (4 + 3)
    assert lines[0]["scores"]["uniner"]["f1"] == pytest.approx(6 / 7)
    table = pyarrow.parquet.read_table(io.BytesIO(files[TABLE])).to_pylist()
    assert len(table) == 2 * 3  # profiles
    assert list(table[0]) == [name for name, _ in columns()]
    for name, _ in columns():
        assert f"| `{name}` |" in files["README.md"].decode()


def test_publishing_again_is_a_no_op(make_run: MakeRun) -> None:
    runs = gather([make_run()]).runs
    first = contents(plan_results(snapshot({}), runs, name="owner/results"))
    again = plan_results(snapshot(first), runs, name="owner/results")
    assert {f.path: f.read() for f in again.files} == {
        path: first[path] for path in ("schema.json", "README.md")
    }


def test_a_run_made_again_is_the_same_run(make_run: MakeRun) -> None:
    first = make_run()
    later = make_run(created="2027-07-07T07:07:07+00:00")
    held = contents(plan_results(snapshot({}), gather([first]).runs, name="o/r"))
    plan = plan_runs(snapshot(held), gather([later]).runs)
    assert plan.empty


def test_the_index_alone_is_read_where_it_is_complete(make_run: MakeRun) -> None:
    held = contents(plan_results(snapshot({}), gather([make_run()]).runs, name="o/r"))
    now = snapshot(held)
    plan_results(now, gather([make_run(wrong="Bob")]).runs, name="o/r")
    assert now.hub.read_paths == [INDEX, "README.md"]


@pytest.mark.parametrize("index", [b"", b"not json\n", b'{"run": "x"}\n'])
def test_a_damaged_index_is_made_again_from_the_runs(
    make_run: MakeRun, index: bytes
) -> None:
    runs = gather([make_run()]).runs
    held = contents(plan_results(snapshot({}), runs, name="o/r"))
    broken = {**held, INDEX: index}
    assert (
        contents(plan_results(snapshot(broken), [], name="o/r"))[INDEX] == held[INDEX]
    )


def test_a_forged_index_row_falls_at_rebuild(make_run: MakeRun) -> None:
    held = contents(plan_results(snapshot({}), gather([make_run()]).runs, name="o/r"))
    forged = {**held, INDEX: held[INDEX].replace(b"0.857", b"0.999")}
    assert forged[INDEX] != held[INDEX]
    plan = contents(plan_results(snapshot(forged), [], name="o/r", rebuild=True))
    assert plan[INDEX] == held[INDEX]


def test_runs_that_were_deleted_leave_the_aggregates(make_run: MakeRun) -> None:
    both = gather([make_run(), make_run("silentcorpus")]).runs
    held = contents(plan_results(snapshot({}), both, name="o/r"))
    del held[both[0].run.path]
    lines = contents(plan_results(snapshot(held), [], name="o/r"))[INDEX].splitlines()
    assert [json.loads(line)["subset"] for line in lines] == ["silentcorpus"]


def test_the_newest_run_of_a_cell_is_current(make_run: MakeRun) -> None:
    old = make_run(wrong="Ann", created="2026-01-01T00:00:00+00:00")
    new = make_run(wrong="Bob", created="2026-02-01T00:00:00+00:00")
    rows = ordered([index_row(new), index_row(old)])
    assert {row.id: row.current for row in rows} == {
        index_row(old).id: False, index_row(new).id: True
    }  # fmt: skip
    assert ordered(reversed(rows)) == rows


def test_the_card_of_the_owner_is_left_alone(make_run: MakeRun) -> None:
    held = {"README.md": b"---\nlicense: mit\n---\nmy own words"}
    plan = plan_results(snapshot(held), gather([make_run()]).runs, name="o/r")
    assert "README.md" not in contents(plan)
    ours = {"README.md": f"old {MARK}".encode()}
    plan = plan_results(snapshot(ours), gather([make_run()]).runs, name="o/r")
    assert "README.md" in contents(plan)


def test_no_file_of_a_run_holds_text_of_the_dataset(make_run: MakeRun) -> None:
    records = [make_run(subset) for subset in ("freecorpus", "closedcorpus")]
    plan = plan_results(snapshot({}), gather(records).runs, name="o/r")
    for file in plan.files:
        for word in SECRET_WORDS:
            assert word.encode() not in file.read(), file.path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"[]", "no run record", id="a-list"),
        pytest.param(b"\xff\xfe", "no run record", id="no-text"),
        pytest.param(b'{"record_version": 99}', "version 99", id="newer"),
        pytest.param(b"{}", "no run record", id="empty"),
        pytest.param(b" " * (5 * 2**20), "no record", id="huge"),
    ],
)
def test_what_is_no_run(content: bytes, said: str) -> None:
    with pytest.raises(PublishError, match=said):
        read_run("runs/a/b/c-0123456789abcdef.json", content)


def test_a_changed_number_does_not_fit_its_path(make_run: MakeRun) -> None:
    file = run_file(make_run())
    record = msgspec.json.decode(file.read())
    record["scores"]["uniner"]["counts"]["correct"] = 2.0
    with pytest.raises(PublishError, match="was changed after it was written"):
        read_run(file.path, msgspec.json.encode(record))
