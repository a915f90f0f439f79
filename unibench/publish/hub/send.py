"""Send a plan: read, plan, commit on what was read, and once more if main moved.

A planner is a pure function of a snapshot. A repeated plan of what is there already is
empty, so nothing is sent twice, whether the first answer was lost or the command is
simply run again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

import msgspec

from unibench.errors import PublishError
from unibench.publish.files import Publication, Repo, guard, only_changes, total
from unibench.publish.hub.client import Committed, Hub, PullRequest, Snapshot
from unibench.publish.hub.errors import (
    BusyError,
    MovedError,
    RepoMissingError,
    UncertainError,
)

Planner = Callable[[Snapshot], Publication]
MAX_WAIT_S = 90.0
"""A longer wait that the Hub asks for is told to the user instead."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a publication; `commit` is None where nothing was to be done.

    `page` is that of the pull request, if it is one.
    """

    repo: Repo
    publication: Publication
    commit: Committed | None = None
    page: str = ""
    attempts: int = 1

    def __str__(self) -> str:
        if self.commit is None:
            where = f": {self.page}" if self.page else ""
            return f"{self.repo} holds all of it already, so nothing was sent{where}"
        where = self.page or self.commit.url
        return f"{total(self.publication)} sent to {self.repo}: {where}"


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how patiently a commit is tried again; `sleep` is for tests."""

    moved: int = 25
    uncertain: int = 3
    first_wait_s: float = 0.2
    longest_wait_s: float = 5.0
    sleep: Callable[[float], None] = time.sleep


class _Patience:
    """Counts failures of each kind and waits, or gives up with the last error."""

    def __init__(self, retries: Retries) -> None:
        self.retries, self.attempts = retries, 0
        self.left = {MovedError: retries.moved, UncertainError: retries.uncertain}

    def wait(self, error: PublishError) -> None:
        """Wait after `error`, or raise it for good."""
        self.attempts += 1
        if isinstance(error, BusyError):
            self._wait_for(error)
            return
        kind = MovedError if isinstance(error, MovedError) else UncertainError
        if not self.left[kind]:
            raise self._given_up(error)
        self.left[kind] -= 1
        most = min(
            self.retries.longest_wait_s,
            self.retries.first_wait_s * 2 ** min(self.attempts, 10),
        )
        # Full jitter: publishers that met once should not meet again.
        self.retries.sleep(random.uniform(0, most))  # noqa: S311 - no secret

    def _wait_for(self, error: BusyError) -> None:
        seconds = error.seconds
        if seconds is None or seconds > MAX_WAIT_S or not self.left[UncertainError]:
            raise error
        self.left[UncertainError] -= 1
        self.retries.sleep(seconds + 1)

    def _given_up(self, error: PublishError) -> PublishError:
        if isinstance(error, MovedError):
            return PublishError(
                f"{error}. Tried {self.attempts} times, each time on the newest commit;"
                " nothing was written. Wait until the others are done and run the"
                " command again"
            )
        return error


def publish(
    hub: Hub,
    repo: Repo,
    planner: Planner,
    *,
    create: bool = False,
    retries: Retries | None = None,
) -> Sent:
    """Commit what `planner` plans to main, in one commit on what it was planned from.

    Raises:
        PublishError: the Hub refused, or others kept moving main.
    """
    hub.require_token()
    patience = _Patience(retries or Retries())
    while True:
        try:
            snapshot = _snapshot(hub, repo, create=create)
            publication = planned(planner, snapshot, hub.token)
            if publication.empty:
                return Sent(
                    repo=repo, publication=publication, attempts=patience.attempts + 1
                )
            commit = hub.commit(repo, publication, parent=snapshot.sha)
        except (MovedError, UncertainError, BusyError) as error:
            patience.wait(error)
            continue
        return Sent(
            repo=repo,
            publication=publication,
            commit=commit,
            attempts=patience.attempts + 1,
        )


def propose(
    hub: Hub,
    repo: Repo,
    planner: Planner,
    *,
    title: str,
    again: bool = False,
    retries: Retries | None = None,
) -> Sent:
    """Open a pull request with what `planner` plans, or amend the one that is open.

    Ours is the open one of the same title. One that the owner closed is not opened a
    second time unless `again`.

    Raises:
        PublishError: the Hub refused, or the owner closed ours before.
    """
    hub.require_token()
    patience = _Patience(retries or Retries())
    while True:
        try:
            ours = hub.pull_requests(repo, title)
            opened = next((p for p in ours if p.status in {"open", "draft"}), None)
            sent = _proposed(
                hub,
                repo,
                lambda snapshot: _titled(planner(snapshot), title),
                opened,
                partial(_require_wanted, repo, ours, again=again),
            )
        except (MovedError, UncertainError, BusyError) as error:
            patience.wait(error)
            continue
        return msgspec.structs.replace(sent, attempts=patience.attempts + 1)


def _proposed(
    hub: Hub,
    repo: Repo,
    planner: Planner,
    opened: PullRequest | None,
    may_open: Callable[[], None],
) -> Sent:
    """Amend the open pull request, or open one."""
    revision = opened.revision if opened else "main"
    snapshot = hub.snapshot(repo, revision)
    publication = planned(planner, snapshot, hub.token)
    commit = None
    if not publication.empty:
        if opened is None:
            may_open()
        commit = hub.commit(
            repo,
            publication,
            parent=snapshot.sha,
            revision=revision,
            propose=opened is None,
        )
    number = opened.number if opened else commit.pull_request if commit else None
    page = hub.page(repo, "discussions", str(number)) if number else ""
    return Sent(repo=repo, publication=publication, commit=commit, page=page)


def _titled(publication: Publication, title: str) -> Publication:
    """The title of a pull request is how it is found again."""
    return msgspec.structs.replace(publication, title=title)


def _require_wanted(repo: Repo, ours: list[PullRequest], *, again: bool) -> None:
    closed = next((p for p in ours if p.status == "closed"), None)
    if closed is not None and not again:
        raise PublishError(
            f"the owner of {repo} closed our pull request {closed.number}; it is not"
            " opened a second time unasked. Talk to them there, then add --again"
        )


def planned(planner: Planner, snapshot: Snapshot, token: str = "") -> Publication:
    """Return what would be sent to `snapshot`, guarded against what must not be."""
    publication = planner(snapshot)
    guard(publication.files, token)
    return only_changes(publication, snapshot.files)


def _snapshot(hub: Hub, repo: Repo, *, create: bool) -> Snapshot:
    try:
        return hub.snapshot(repo)
    except RepoMissingError:
        if not create:
            raise
    hub.create(repo)
    return hub.snapshot(repo)
