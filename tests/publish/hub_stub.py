"""A stand-in for the Hub on loopback: what the publisher calls, with faults to order.

It keeps repositories in memory, answers the routes of `huggingface_hub` that
`unibench.publish.hub` uses (LFS included), and logs every request. The store of large
files answers under another host name than the API, as the Hub's does.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

DROP = 0
"""A status: close the connection without an answer."""

OWNER, GUEST, READER = "hf_owner", "hf_guest", "hf_reader"
USERS = {OWNER: ("owner", True), GUEST: ("guest", True), READER: ("eve", False)}
"""token -> (name, may write)"""

Tree = dict[str, bytes]


@dataclass
class Fault:
    """Answer matching requests with `status` instead; `after`: do it first."""

    method: str
    path: str
    status: int
    times: int = 1
    after: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[], None] | None = None


@dataclass
class Sent:
    """One request as it came in."""

    method: str
    path: str
    token: str
    body: bytes
    host: str
    status: int


@dataclass
class Proposal:
    """A pull request."""

    number: int
    title: str
    author: str
    base: str
    status: str = "open"


@dataclass
class Repository:
    """Commits by sha, each a tree and its parent; references; proposals."""

    id: str
    type: str
    gated: bool = False
    commits: dict[str, tuple[Tree, str]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)

    def commit(self, tree: Tree, parent: str, title: str, ref: str) -> str:
        seed = f"{self.type} {self.id} {parent} {title} {len(self.commits)}"
        sha = hashlib.sha1(seed.encode(), usedforsecurity=False).hexdigest()
        self.commits[sha] = (tree, parent)
        self.titles[sha], self.refs[ref] = title, sha
        return sha

    def at(self, revision: str) -> str:
        sha = self.refs.get(revision, revision)
        if sha not in self.commits:
            raise RefusalError(404, "no such revision", "RevisionNotFound")
        return sha

    def files(self, revision: str = "main") -> Tree:
        return self.commits[self.at(revision)][0]

    def history(self, revision: str = "main") -> list[str]:
        found, sha = [], self.at(revision)
        while sha:
            found.append(sha)
            sha = self.commits[sha][1]
        return found


class RefusalError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, said: str, code: str = "") -> None:
        super().__init__(said)
        self.status, self.said, self.code = status, said, code


class HubStub:
    """The state of the stub; `url` is what HF_ENDPOINT must be."""

    def __init__(self, lfs_from: int = 4096) -> None:
        self.lfs_from = lfs_from
        self.repos: dict[tuple[str, str], Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.log: list[Sent] = []
        self.lock = threading.RLock()
        self.url = self.store = ""

    def make(self, name: str, kind: str = "dataset") -> Repository:
        repo = Repository(name, kind)
        repo.commit({".gitattributes": b"*.parquet filter=lfs\n"}, "", "first", "main")
        self.repos[kind, name] = repo
        return repo

    def sent(self, method: str, pattern: str = "") -> list[Sent]:
        return [
            s for s in self.log if s.method == method and re.search(pattern, s.path)
        ]

    def environment(self, token: str = OWNER) -> dict[str, str]:
        """What a client process needs to talk to this hub and to nobody else."""
        return {
            "HF_ENDPOINT": self.url, "HF_TOKEN": token, "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }  # fmt: skip

    # --- answers -------------------------------------------------------------------

    def answer(self, call: Call) -> tuple[int, Any, dict[str, str]]:
        for method, pattern, function in _ROUTES:
            found = re.fullmatch(pattern, call.path)
            if found and method == call.method:
                values = {k: unquote(v or "") for k, v in found.groupdict().items()}
                if "id" in values:
                    kind = values.pop("type") or "model"
                    key = (kind.rstrip("s"), values.pop("id"))
                    if key not in self.repos:
                        status = 404 if call.user else 401
                        raise RefusalError(
                            status, "Repository not found", "RepoNotFound"
                        )
                    values["repo"] = self.repos[key]  # type: ignore[assignment]
                body = function(self, call, **values)
                return body if isinstance(body, tuple) else (200, body, {})
        raise RefusalError(404, f"no route {call.method} {call.path}")

    def oid(self, path: str, content: bytes) -> tuple[str, str]:
        """(git blob id, sha256 if it is an LFS file)"""
        if self.is_lfs(path, len(content)):
            digest = hashlib.sha256(content).hexdigest()
            return hashlib.sha1(
                digest.encode(), usedforsecurity=False
            ).hexdigest(), digest
        blob = b"blob %d\0" % len(content) + content
        return hashlib.sha1(blob, usedforsecurity=False).hexdigest(), ""

    def is_lfs(self, path: str, size: int) -> bool:
        return (
            path.endswith((".parquet", ".safetensors", ".gz")) or size > self.lfs_from
        )


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes
    token: str

    @property
    def user(self) -> str:
        return USERS.get(self.token, ("", False))[0]

    def writer(self, repo_id: str = "") -> str:
        if not self.user:
            raise RefusalError(401, "Invalid credentials in Authorization header")
        owns = not repo_id or repo_id.split("/")[0] == self.user
        if not USERS[self.token][1] or not owns:
            raise RefusalError(403, "You do not have the rights")
        return self.user

    def json(self) -> Any:
        return json.loads(self.body or b"{}")


_API = r"/api/(?P<type>models|datasets|spaces)/(?P<id>[^/]+/[^/]+)"
_URL = r"/(?:(?P<type>datasets|spaces)/)?(?P<id>[^/]+/[^/]+?)"


def _whoami(hub: HubStub, call: Call) -> Any:
    if not call.user:
        raise RefusalError(401, "Invalid credentials in Authorization header")
    return {"name": call.user, "type": "user", "orgs": [], "auth": {}}


def _create(hub: HubStub, call: Call) -> Any:
    body = call.json()
    name = f"{body.get('organization') or call.user}/{body['name']}"
    call.writer(name)
    kind = body.get("type") or "model"
    url = f"{hub.url}/{name}"
    if (kind, name) in hub.repos:
        return 409, {"error": "exists", "url": url}, {}
    hub.make(name, kind)
    return {"url": url, "id": name}


def _info(hub: HubStub, call: Call, repo: Repository, rev: str = "main") -> Any:
    sha = repo.at(rev)
    return {
        "id": repo.id, "sha": sha, "private": False, "gated": repo.gated and "auto",
        "tags": [], "downloads": 0, "likes": 0, "disabled": False,
        "siblings": [{"rfilename": path} for path in repo.files(sha)],
    }  # fmt: skip


def _settings(hub: HubStub, call: Call, repo: Repository) -> Any:
    call.writer(repo.id)
    repo.gated = bool(call.json().get("gated"))
    return {}


def _tree(
    hub: HubStub, call: Call, repo: Repository, rev: str, folder: str = ""
) -> Any:
    entries = []
    for path, content in sorted(repo.files(rev).items()):
        oid, sha256 = hub.oid(path, content)
        entry: dict[str, Any] = {"type": "file", "path": path, "oid": oid}
        entry["size"] = len(content)
        if sha256:
            entry["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 130}
        if path.startswith(folder):
            entries.append(entry)
    return entries


def _resolve(hub: HubStub, call: Call, repo: Repository, rev: str, path: str) -> Any:
    sha = repo.at(rev)
    content = repo.files(sha).get(path)
    if content is None:
        raise RefusalError(404, "Entry not found", "EntryNotFound")
    oid, sha256 = hub.oid(path, content)
    headers = {"X-Repo-Commit": sha, "ETag": f'"{sha256 or oid}"'}
    if not sha256:
        return 200, content, headers
    hub.blobs[sha256] = content
    headers |= {
        "X-Linked-Etag": f'"{sha256}"',
        "X-Linked-Size": str(len(content)),
        "Location": f"{hub.store}/blob/{sha256}",
    }
    return 302, b"", headers


def _validate(hub: HubStub, call: Call) -> Any:
    return {"errors": [], "warnings": []}


def _preupload(hub: HubStub, call: Call, repo: Repository, rev: str) -> Any:
    files = []
    for item in call.json()["files"]:
        mode = "lfs" if hub.is_lfs(item["path"], item["size"]) else "regular"
        files.append({"path": item["path"], "uploadMode": mode, "shouldIgnore": False})
    return {"files": files}


def _batch(hub: HubStub, call: Call, repo: Repository) -> Any:
    objects = []
    for item in call.json()["objects"]:
        answer = {"oid": item["oid"], "size": item["size"]}
        if item["oid"] not in hub.blobs:
            upload = {"href": f"{hub.store}/blob/{item['oid']}", "header": {}}
            answer["actions"] = {"upload": upload}
        objects.append(answer)
    kind = {"Content-Type": "application/vnd.git-lfs+json"}
    return 200, {"transfer": "basic", "objects": objects}, kind


def _put(hub: HubStub, call: Call, oid: str) -> Any:
    if call.token or hashlib.sha256(call.body).hexdigest() != oid:
        raise RefusalError(400, "a token, or another content, came to the store")
    hub.blobs[oid] = call.body
    return b""


def _get(hub: HubStub, call: Call, oid: str) -> Any:
    if call.token:
        raise RefusalError(400, "a token came to the store")
    return 200, hub.blobs[oid], {"ETag": f'"{oid}"'}


def _commit(hub: HubStub, call: Call, repo: Repository, rev: str) -> Any:
    lines = [json.loads(line) for line in call.body.splitlines() if line.strip()]
    head, propose = lines[0]["value"], call.query.get("create_pr") == ["1"]
    own = any(f"refs/pr/{p.number}" == rev and p.author == call.user
              for p in repo.proposals)  # fmt: skip
    user = call.writer("" if propose or own else repo.id)
    base = repo.at(rev)
    if not propose and head.get("parentCommit") not in {None, base}:
        raise RefusalError(412, "A commit has happened since")
    tree = dict(repo.files(base))
    for line in lines[1:]:
        value = line["value"]
        if line["key"] == "file":
            tree[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            tree[value["path"]] = hub.blobs[value["oid"]]
        else:
            del tree[value["path"]]
    if "eval.yaml" in tree and b"not-registered" in tree["eval.yaml"]:
        raise RefusalError(400, "evaluation_framework is not registered")
    number = len(repo.proposals) + 1
    ref = f"refs/pr/{number}" if propose else rev
    sha = repo.commit(tree, base, head["summary"], ref)
    url = f"{hub.url}/{repo.type}s/{repo.id}"
    answer = {"success": True, "commitOid": sha, "commitUrl": f"{url}/commit/{sha}"}
    if propose:
        repo.proposals.append(Proposal(number, head["summary"], user, base))
        answer["pullRequestUrl"] = f"{url}/discussions/{number}"
    return answer


def _history(hub: HubStub, call: Call, repo: Repository, rev: str) -> Any:
    return [
        {"id": sha, "title": repo.titles[sha], "message": "", "authors": [],
         "date": "2026-01-01T00:00:00.000Z"}
        for sha in repo.history(rev)
    ]  # fmt: skip


def _discussions(hub: HubStub, call: Call, repo: Repository) -> Any:
    author = call.query.get("author", [""])[0]
    found = [
        {"num": p.number, "title": p.title, "status": p.status, "isPullRequest": True,
         "author": {"name": p.author}, "createdAt": "2026-01-01T00:00:00.000Z",
         "repo": {"name": repo.id, "type": repo.type}}
        for p in repo.proposals if author in {"", p.author}
    ]  # fmt: skip
    return {"discussions": found, "count": len(found), "start": 0}


_ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("GET", "/api/whoami-v2", _whoami),
    ("POST", "/api/repos/create", _create),
    ("POST", "/api/validate-yaml", _validate),
    ("GET", _API, _info),
    ("GET", _API + "/revision/(?P<rev>[^/]+)", _info),
    ("PUT", _API + "/settings", _settings),
    ("GET", _API + "/tree/(?P<rev>[^/]+)(?:/(?P<folder>.+))?", _tree),
    ("GET", _URL + "/resolve/(?P<rev>[^/]+)/(?P<path>.+)", _resolve),
    ("POST", _API + "/preupload/(?P<rev>[^/]+)", _preupload),
    ("POST", _URL + r"\.git/info/lfs/objects/batch", _batch),
    ("PUT", "/blob/(?P<oid>[0-9a-f]{64})", _put),
    ("GET", "/blob/(?P<oid>[0-9a-f]{64})", _get),
    ("POST", _API + "/commit/(?P<rev>[^/]+)", _commit),
    ("GET", _API + "/commits/(?P<rev>[^/]+)", _history),
    ("GET", _API + "/discussions", _discussions),
]
