"""The sender against a hub that misbehaves: one commit or none, and a clear word."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest

from tests.publish.conftest import MakeRun
from tests.publish.hub_stub import DROP, GUEST, OWNER, READER, Fault, HubStub
from unibench.errors import PublishError
from unibench.publish.files import PlannedFile, Publication, Repo
from unibench.publish.hub.client import Hub, Snapshot
from unibench.publish.hub.errors import RefusedError, RepoMissingError, wait_of
from unibench.publish.hub.send import Retries, propose, publish
from unibench.publish.results.gather import gather
from unibench.publish.results.plan import plan_results

# huggingface_hub 2.4 uploads with an argument that its own HTTP client warns of.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

Connect = Callable[..., Hub]
REPO = Repo("owner/results", "dataset")
COMMIT = r"/commit/"


def plan(snapshot: Snapshot) -> Publication:
    """A small file, one that goes by LFS, and a line for every publication."""
    return Publication(
        title="add",
        files=(
            PlannedFile("a.json", b"{}"),
            PlannedFile("b.parquet", b"PAR1" + bytes(9000)),
        ),
    )


def commits(hub: HubStub) -> int:
    return len(hub.repos["dataset", REPO.id].history()) - 1


def test_one_commit_then_none(hub: HubStub, connect: Connect) -> None:
    hub.make(REPO.id)
    sent = publish(connect(), REPO, plan)
    assert sent.commit is not None
    assert set(hub.repos["dataset", REPO.id].files()) >= {"a.json", "b.parquet"}
    again = publish(connect(), REPO, plan)
    assert again.commit is None
    assert "nothing was sent" in str(again)
    assert commits(hub) == 1
    # The large file went to the store, under another host and without the token.
    (put,) = hub.sent("PUT")
    assert put.token == ""
    assert put.host.startswith("localhost")


@pytest.mark.parametrize(
    ("fault", "commits_after", "attempts"),
    [
        pytest.param(Fault("POST", COMMIT, 503), 1, 2, id="5xx-before"),
        pytest.param(Fault("POST", COMMIT, 500, after=True), 1, 2, id="5xx-after"),
        pytest.param(Fault("POST", COMMIT, DROP), 1, 2, id="cut-before"),
        pytest.param(Fault("POST", COMMIT, DROP, after=True), 1, 2, id="cut-after"),
        pytest.param(Fault("POST", COMMIT, 412, times=5), 1, 6, id="moved"),
        pytest.param(Fault("POST", COMMIT, 409, times=2), 1, 3, id="conflict"),
        pytest.param(
            Fault("POST", COMMIT, 429, headers={"Retry-After": "3"}), 1, 2, id="busy"
        ),
        # huggingface_hub 2.4 tries this again itself, 1.33 leaves it to us.
        pytest.param(Fault("GET", "/tree/", 502), 1, None, id="read"),
    ],
)
def test_what_is_mended_by_trying_again(
    hub: HubStub,
    connect: Connect,
    quickly: Retries,
    fault: Fault,
    commits_after: int,
    attempts: int | None,
) -> None:
    hub.make(REPO.id)
    hub.faults.append(fault)
    sent = publish(connect(), REPO, plan, retries=quickly)
    assert commits(hub) == commits_after
    assert attempts is None or sent.attempts == attempts
    assert hub.repos["dataset", REPO.id].files()["a.json"] == b"{}"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param(Fault("POST", COMMIT, 403), "results --pr", id="403"),
        pytest.param(Fault("POST", COMMIT, 400), "found it invalid", id="400"),
        pytest.param(Fault("POST", COMMIT, 503, times=9), "answered 503", id="503"),
        pytest.param(
            Fault("POST", COMMIT, 412, times=99), "Tried 26 times", id="412-for-ever"
        ),
        pytest.param(Fault("POST", COMMIT, DROP, times=9), "cut", id="cut-for-ever"),
        pytest.param(
            Fault("POST", COMMIT, 429, headers={"Retry-After": "4000"}),
            "again in 4000 seconds",
            id="429-long",
        ),
        pytest.param(
            Fault("POST", COMMIT, 429, headers={"RateLimit": '"api";r=0;t=300'}),
            "again in 300 seconds",
            id="429-ratelimit",
        ),
        pytest.param(
            Fault("POST", "objects/batch", 401), "does not know", id="lfs-401"
        ),
        pytest.param(Fault("PUT", "/blob/", 400), "invalid", id="store-400"),
    ],
)
def test_what_cannot_be_mended_is_told_and_nothing_is_written(
    hub: HubStub, connect: Connect, quickly: Retries, fault: Fault, said: str
) -> None:
    hub.make(REPO.id)
    hub.faults.append(fault)
    with pytest.raises(PublishError, match=said) as refused:
        publish(connect(), REPO, plan, retries=quickly)
    assert commits(hub) == 0
    assert OWNER not in str(refused.value)


@pytest.mark.parametrize(
    ("token", "error", "said"),
    [
        pytest.param("", RefusedError, "there is no token", id="no-token"),
        pytest.param("hf_x", RefusedError, "does not know the token", id="unknown"),
        pytest.param(READER, RefusedError, "may not write there", id="read-only"),
        pytest.param(GUEST, RefusedError, "may not write there", id="not-the-owner"),
    ],
)
def test_who_may_not_write(
    hub: HubStub,
    connect: Connect,
    token: str,
    error: type[PublishError],
    said: str,
) -> None:
    hub.make(REPO.id)
    with pytest.raises(error, match=said):
        publish(connect(token), REPO, plan)
    assert commits(hub) == 0


def test_a_repository_that_is_not_there(hub: HubStub, connect: Connect) -> None:
    with pytest.raises(RepoMissingError, match="--create"):
        publish(connect(), REPO, plan)
    assert publish(connect(), REPO, plan, create=True).commit is not None
    assert commits(hub) == 1


def test_a_hub_that_is_down_is_told_soon(
    connect: Connect, quickly: Retries, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = Hub("http://127.0.0.1:9", OWNER)
    with pytest.raises(PublishError, match="could not be reached"):
        publish(nowhere, REPO, plan, retries=quickly)


def test_offline_mode_is_named(
    hub: HubStub, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils._http import close_session

    hub.make(REPO.id)
    close_session()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    try:
        with pytest.raises(PublishError, match="HF_HUB_OFFLINE is set"):
            publish(connect(), REPO, plan)
    finally:
        close_session()


def test_main_that_moves_between_reading_and_writing(
    hub: HubStub, connect: Connect, make_run: MakeRun, quickly: Retries
) -> None:
    repo = hub.make(REPO.id)
    theirs = gather([make_run("silentcorpus")]).runs

    def somebody_commits() -> None:
        files = dict(repo.files())
        files[theirs[0].run.path] = theirs[0].run.read()
        repo.commit(files, repo.at("main"), "theirs", "main")

    hub.faults.append(Fault("POST", COMMIT, 200, before=somebody_commits))
    ours = gather([make_run("freecorpus")]).runs
    sent = publish(
        connect(), REPO, lambda s: plan_results(s, ours, name=REPO.id), retries=quickly
    )
    assert sent.attempts == 2
    lines = repo.files()["leaderboard.jsonl"].splitlines()
    assert [json.loads(line)["subset"] for line in lines] == [
        "freecorpus", "silentcorpus",
    ]  # fmt: skip


def test_eight_publishers_at_once_lose_nothing(
    hub: HubStub, connect: Connect, make_run: MakeRun
) -> None:
    hub.make(REPO.id)
    retries = Retries(first_wait_s=0.002, longest_wait_s=0.1)
    batches = [gather([make_run(wrong=f"Ann{n}")]).runs for n in range(8)]
    hubs = [connect() for _ in range(8)]
    errors: list[BaseException] = []

    def work(number: int) -> None:
        def planner(snapshot: Snapshot) -> Publication:
            return plan_results(snapshot, batches[number], name=REPO.id)

        try:
            publish(hubs[number], REPO, planner, retries=retries)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    files = hub.repos["dataset", REPO.id].files()
    assert sum(path.startswith("runs/") for path in files) == 8
    rows = [json.loads(line) for line in files["leaderboard.jsonl"].splitlines()]
    assert len(rows) == 8
    assert sum(row["current"] for row in rows) == 1
    assert commits(hub) == 8


# --- pull requests ------------------------------------------------------------------


def one_file(content: bytes) -> Callable[[Snapshot], Publication]:
    return lambda snapshot: Publication(
        title="plan's own", files=(PlannedFile("x.yaml", content),)
    )


def test_a_pull_request_is_opened_once_and_amended(
    hub: HubStub, connect: Connect
) -> None:
    repo, guest = hub.make(REPO.id), connect(GUEST)
    first = propose(guest, REPO, one_file(b"1"), title="Add x")
    assert first.page.endswith("/discussions/1")
    same = propose(guest, REPO, one_file(b"1"), title="Add x")
    assert same.commit is None
    assert same.page == first.page
    propose(guest, REPO, one_file(b"2"), title="Add x")
    assert len(repo.proposals) == 1
    assert repo.files("refs/pr/1")["x.yaml"] == b"2"
    assert "x.yaml" not in repo.files("main")


def test_the_same_proposal_of_others_is_not_ours(
    hub: HubStub, connect: Connect
) -> None:
    repo = hub.make(REPO.id)
    propose(connect(OWNER), REPO, one_file(b"1"), title="Add x")
    propose(connect(GUEST), REPO, one_file(b"1"), title="Add x")
    assert [p.author for p in repo.proposals] == ["owner", "guest"]


@pytest.mark.parametrize("status", [500, DROP])
def test_a_lost_answer_opens_no_second_pull_request(
    hub: HubStub, connect: Connect, quickly: Retries, status: int
) -> None:
    repo = hub.make(REPO.id)
    hub.faults.append(Fault("POST", COMMIT, status, after=True))
    sent = propose(connect(GUEST), REPO, one_file(b"1"), title="Add x", retries=quickly)
    assert len(repo.proposals) == 1
    assert sent.page.endswith("/discussions/1")


def test_what_the_owner_closed_stays_closed(hub: HubStub, connect: Connect) -> None:
    repo, guest = hub.make(REPO.id), connect(GUEST)
    propose(guest, REPO, one_file(b"1"), title="Add x")
    repo.proposals[0].status = "closed"
    with pytest.raises(PublishError, match="closed our pull request 1"):
        propose(guest, REPO, one_file(b"2"), title="Add x")
    assert len(repo.proposals) == 1
    propose(guest, REPO, one_file(b"2"), title="Add x", again=True)
    assert len(repo.proposals) == 2


def test_what_was_merged_may_be_followed_by_more(
    hub: HubStub, connect: Connect
) -> None:
    repo, guest = hub.make(REPO.id), connect(GUEST)
    propose(guest, REPO, one_file(b"1"), title="Add x")
    repo.proposals[0].status = "merged"
    propose(guest, REPO, one_file(b"2"), title="Add x")
    assert len(repo.proposals) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit": '"api";r=0;t=55'}, 55.0),
        ({"RateLimit": '"api";r=3;t=55'}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({}, None),
    ],
)
def test_how_long_the_hub_asks_to_wait(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert wait_of(headers) == seconds


def test_a_file_that_is_not_what_was_listed_is_not_read(
    hub: HubStub, connect: Connect
) -> None:
    repo = hub.make(REPO.id)
    repo.commit({"a.json": b"{}"}, repo.at("main"), "x", "main")
    snapshot = connect().snapshot(REPO)
    sha = repo.at("main")
    repo.commits[sha] = ({"a.json": b"[]"}, "")
    with pytest.raises(PublishError, match="not what the Hub lists"):
        snapshot.read("a.json")
