"""One thin connection to the Hub: read at a commit, write in one commit.

Everything goes through `HfApi` with endpoint and token given, so that neither depends
on when the client was imported. The token comes from HF_TOKEN or the client's own login
and is neither kept in files nor shown.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from unibench.errors import PublishError
from unibench.publish.files import PlannedFile, Publication, RemoteFile, Repo, safe_path
from unibench.publish.hub.errors import RepoMissingError, no_token, translated
from unibench.resources import cache_root

PUBLIC = "https://huggingface.co"
MAX_READ_BYTES = 512 * 2**20
"""Larger files of a results repository are not ours and are not read."""


class Committed(msgspec.Struct, frozen=True):
    """A commit that the Hub took; `pull_request` is its number, if it is one."""

    sha: str
    url: str
    pull_request: int | None = None


class PullRequest(msgspec.Struct, frozen=True):
    """A pull request of ours; `open` includes drafts, `merged` is told apart."""

    number: int
    title: str
    status: str

    @property
    def revision(self) -> str:
        """The reference that its commits are on."""
        return f"refs/pr/{self.number}"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A repository at one commit; `sha` is empty where it does not exist yet."""

    repo: Repo
    sha: str = ""
    files: Mapping[str, RemoteFile] = {}
    hub: Any = None

    def read(self, path: str) -> bytes:
        """Return the content of a file at this commit."""
        content: bytes = self.hub.read(self.repo, self.files[path], self.sha)
        return content

    def read_if_there(self, path: str) -> bytes | None:
        """Return the content of a file, None where there is none."""
        return self.read(path) if path in self.files else None

    def below(self, folder: str) -> Iterator[str]:
        """Yield the paths below a folder, in order."""
        return (path for path in sorted(self.files) if path.startswith(folder))


class Hub:
    """A connection to one Hub under one token."""

    def __init__(self, endpoint: str = "", token: str | None = None) -> None:
        """Take the address (HF_ENDPOINT, else the public Hub) and the token."""
        from huggingface_hub import HfApi, constants, get_token

        given = endpoint or os.environ.get("HF_ENDPOINT", "")
        self.endpoint = given.rstrip("/") or PUBLIC
        if self.endpoint != PUBLIC:
            # Only the public Hub knows Xet, and the client does not ask (issue 4786);
            # without it large files go by git-LFS, which every server knows.
            constants.HF_HUB_DISABLE_XET = True
        self.token = (get_token() if token is None else token) or ""
        # False, not None: without a token the client would look for one itself.
        self.api = HfApi(endpoint=self.endpoint, token=self.token or False)

    @cached_property
    def user(self) -> str:
        """The name of the token's owner.

        Raises:
            PublishError: there is no token, or the Hub does not know it.
        """
        self.require_token()
        with translated(None, "log in to", self.token):
            return str(self.api.whoami()["name"])

    def require_token(self) -> None:
        """Refuse to go on without a token."""
        if not self.token:
            raise no_token()

    def snapshot(self, repo: Repo, revision: str = "main") -> Snapshot:
        """Return the repository at the newest commit of `revision`.

        Raises:
            RepoMissingError: there is no such repository, or none that we may see.
        """
        from huggingface_hub.hf_api import RepoFile

        with translated(repo, "read", self.token):
            info = self.api.repo_info(repo.id, repo_type=repo.type, revision=revision)
            sha = str(info.sha)
            entries = self.api.list_repo_tree(
                repo.id, repo_type=repo.type, revision=sha, recursive=True
            )
            files = {
                entry.path: RemoteFile(
                    entry.path,
                    entry.size,
                    entry.blob_id,
                    entry.lfs.sha256 if entry.lfs else "",
                )
                for entry in entries
                if isinstance(entry, RepoFile)
            }
        return Snapshot(repo=repo, sha=sha, files=files, hub=self)

    def snapshot_or_empty(self, repo: Repo) -> Snapshot:
        """Return the repository, or an empty one where there is none."""
        try:
            return self.snapshot(repo)
        except RepoMissingError:
            return Snapshot(repo=repo, hub=self)

    def read(self, repo: Repo, file: RemoteFile, sha: str) -> bytes:
        """Return the content of a file at a commit, checked against its hash.

        Raises:
            PublishError: it cannot be read, is too large, or is not what was listed.
        """
        from pathlib import Path

        safe_path(file.path, str(repo))
        if file.size > MAX_READ_BYTES:
            raise PublishError(
                f"{file.path} of {repo} has {file.size:,} bytes, more than the"
                f" {MAX_READ_BYTES:,} that are read; it is no file of ours"
            )
        with translated(repo, f"read {file.path} of", self.token):
            path = self.api.hf_hub_download(
                repo.id,
                file.path,
                repo_type=repo.type,
                revision=sha,
                cache_dir=cache_root() / "hub",
            )
        content = Path(path).read_bytes()
        planned = PlannedFile(file.path, content)
        if not file.holds(planned):
            digest = hashlib.sha256(content).hexdigest()
            raise PublishError(
                f"{file.path} of {repo} at {sha[:12]} is not what the Hub lists (got"
                f" {len(content):,} bytes, sha256 {digest[:12]}); delete"
                f" {cache_root() / 'hub'} and run the command again"
            )
        return content

    def create(self, repo: Repo, *, private: bool = False) -> None:
        """Make a repository; one that is there already is left as it is."""
        self.require_token()
        sdk = "static" if repo.type == "space" else None
        with translated(repo, "create", self.token):
            self.api.create_repo(
                repo.id,
                repo_type=repo.type,
                private=private,
                exist_ok=True,
                space_sdk=sdk,
            )

    def is_gated(self, repo: Repo) -> bool:
        """Tell whether readers of a repository must ask for access."""
        with translated(repo, "read", self.token):
            info = self.api.repo_info(repo.id, repo_type=repo.type)
        return bool(getattr(info, "gated", False))

    def gate(self, repo: Repo) -> None:
        """Let readers ask for access; the Hub grants it to whoever logs in and asks."""
        self.require_token()
        with translated(repo, "gate", self.token):
            self.api.update_repo_settings(repo.id, repo_type=repo.type, gated="auto")

    def commit(
        self,
        repo: Repo,
        publication: Publication,
        *,
        parent: str,
        revision: str = "main",
        propose: bool = False,
    ) -> Committed:
        """Send one commit on top of `parent`, or open a pull request with it.

        Raises:
            MovedError: `revision` is at another commit by now; nothing was written.
            UncertainError: the answer was lost; read before it is sent again.
        """
        self.require_token()
        with translated(repo, "commit to", self.token):
            info = self.api.create_commit(
                repo.id,
                self._operations(publication),
                repo_type=repo.type,
                commit_message=publication.title,
                commit_description=publication.description,
                revision=None if propose else revision,
                parent_commit=parent or None,
                create_pr=propose,
            )
        return Committed(
            str(info.oid), str(info.pr_url or info.commit_url), info.pr_num
        )

    def pull_requests(self, repo: Repo, title: str) -> list[PullRequest]:
        """Return our own pull requests of that title, the newest first."""
        with translated(repo, "list the pull requests of", self.token):
            found = self.api.get_repo_discussions(
                repo.id,
                repo_type=repo.type,
                author=self.user,
                discussion_type="pull_request",
            )
            ours = [
                PullRequest(item.num, item.title, str(item.status))
                for item in found
                if item.title == title and item.author == self.user
            ]
        return sorted(ours, key=lambda item: -item.number)

    def base_of(self, repo: Repo, revision: str) -> str:
        """Return the commit of main that the commits of `revision` start from."""
        with translated(repo, "read the history of", self.token):
            main, proposed = (
                [
                    commit.commit_id
                    for commit in self.api.list_repo_commits(
                        repo.id, repo_type=repo.type, revision=name
                    )
                ]
                for name in ("main", revision)
            )
        known = set(main)
        base = next((sha for sha in proposed if sha in known), None)
        if base is None:
            raise PublishError(f"{revision} of {repo} does not start from its main")
        return base

    def page(self, repo: Repo, *parts: str) -> str:
        """Return the address of a page of a repository."""
        return "/".join([self.endpoint, repo.url_path, *parts])

    def _operations(self, publication: Publication) -> Sequence[Any]:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        added = [
            CommitOperationAdd(
                file.path,
                file.content if isinstance(file.content, bytes) else str(file.content),
            )
            for file in publication.files
        ]
        deleted = [CommitOperationDelete(path) for path in publication.deletions]
        return [*added, *deleted]
