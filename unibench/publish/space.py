"""The leaderboard as a static Space, made from a results repository."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from string import Template

import msgspec

from unibench.errors import PublishError
from unibench.publish.files import PlannedFile, Publication, Repo
from unibench.publish.hub.client import Snapshot
from unibench.publish.results.card import CARD, MARK, front_matter, is_ours
from unibench.reporting.catalogue import read_catalogue
from unibench.reporting.results import collect
from unibench.reporting.site.write import write_site
from unibench.schema.record import RunRecord

LIST = "unibench-files.json"
"""Which files of the Space are ours, so that a page without a place can be deleted."""
WORKFLOW = "refresh-leaderboard.yml"


class SpaceSource(msgspec.Struct, frozen=True, kw_only=True):
    """What a Space was made from; `commit` is that of the results repository."""

    results: str = ""
    commit: str = ""


class _Listed(msgspec.Struct, frozen=True, kw_only=True):
    unibench_version: str
    results: str = ""
    commit: str = ""
    files: tuple[str, ...] = ()


def plan_space(
    snapshot: Snapshot,
    records: Sequence[RunRecord],
    source: SpaceSource,
    *,
    printed: bool = True,
) -> Publication:
    """Return every page of the site as files, and the pages that are gone.

    Raises:
        PublishError: there is nothing to show.
    """
    results = collect(records, printed=printed)
    if not results.rows:
        raise PublishError(
            "there is nothing to show: the results repository holds no runs, and"
            " --no-printed leaves the printed figures out"
        )
    with tempfile.TemporaryDirectory() as folder:
        paths = write_site(results, read_catalogue(), Path(folder))
        files = [
            PlannedFile(path.relative_to(folder).as_posix(), path.read_bytes())
            for path in paths
        ]
    files = [file for file in files if file.path != CARD]
    if source.results:
        files.append(_workflow(snapshot.repo, source.results))
    listed = tuple(sorted(file.path for file in files))
    files.append(_list_file(source, listed))
    card = snapshot.read_if_there(CARD)
    # Every new Space has a card of the Hub's own, which is replaced once.
    if card is None or is_ours(card) or LIST not in snapshot.files:
        files.append(_card(snapshot.repo, source))
    return Publication(
        title=f"Rebuild the leaderboard from {len(records)} runs",
        description=f"From {source.results} at {source.commit}"
        if source.commit
        else "",
        files=tuple(files),
        deletions=_gone(snapshot, listed),
        notes=tuple(
            f"{record.model.name} on {record.subset} is not shown: {reason}"
            for record, reason in results.left_out
        ),
    )


def _gone(snapshot: Snapshot, listed: Iterable[str]) -> tuple[str, ...]:
    content = snapshot.read_if_there(LIST)
    if content is None:
        return ()
    try:
        before = msgspec.json.decode(content, type=_Listed).files
    except msgspec.MsgspecError as error:
        raise PublishError(
            f"{LIST} of {snapshot.repo} is damaged ({error}); delete it there and run"
            " the command again"
        ) from error
    keep = {*listed, CARD, LIST}
    return tuple(sorted(path for path in set(before) - keep if path in snapshot.files))


def _list_file(source: SpaceSource, files: tuple[str, ...]) -> PlannedFile:
    listed = _Listed(
        unibench_version=version("unibench"),
        results=source.results,
        commit=source.commit,
        files=files,
    )
    content = msgspec.json.format(msgspec.json.encode(listed), indent=1) + b"\n"
    return PlannedFile(LIST, content)


def _workflow(space: Repo, results: str) -> PlannedFile:
    template = resources.files("unibench.publish") / "assets" / WORKFLOW
    text = Template(template.read_text("utf-8")).substitute(
        version=version("unibench"), space=space.id, results=results
    )
    return PlannedFile(WORKFLOW, text.encode())


def _card(space: Repo, source: SpaceSource) -> PlannedFile:
    datasets = {"datasets": [source.results]} if source.results else {}
    metadata = {
        "title": space.id.partition("/")[2],
        "emoji": "📊",
        "colorFrom": "blue",
        "colorTo": "gray",
        "sdk": "static",
        "app_file": "index.html",
        "pinned": False,
        "license": "apache-2.0",
        "tags": ["leaderboard", "named-entity-recognition", "unibench"],
        **datasets,
    }
    made = (
        f"from the runs in [{source.results}](https://huggingface.co/datasets/"
        f"{source.results})"
        if source.results
        else "from run records"
    )
    body = (
        f"{MARK}\n\nA static leaderboard of open named entity recognition, written by"
        f" `unibench publish space` {made}. Nothing is loaded from elsewhere;"
        f" `{WORKFLOW}` rebuilds it on a schedule.\n"
    )
    return PlannedFile(CARD, f"{front_matter(metadata)}{body}".encode())
