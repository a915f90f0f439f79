"""Fetch the raw files of open datasets from where their cards say, into the cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from unibench.data.plan import Layout, SubsetPlan
from unibench.data.raw.gather import gather, require_unchanged
from unibench.data.raw.jobs import (
    ArchiveJob,
    FetchOptions,
    FileJob,
    Job,
    PackageJob,
    hub_jobs,
    place_of,
)
from unibench.data.raw.locate import RawFolder, is_glob, names_of
from unibench.errors import CardError, DataError, UnavailableError
from unibench.resources import cache_root
from unibench.schema.dataset_card import RawFileSpec
from unibench.schema.dataset_splits import split_files
from unibench.schema.query import content_hash


class Fetched(NamedTuple):
    """The folder that holds the files, and the source that they came from."""

    folder: RawFolder
    source: str


def fetch_subset(plan: SubsetPlan, options: FetchOptions) -> Fetched:
    """Bring the files of a subset into the cache; sources are tried in their order.

    Files that are in the cache already are not asked for again.

    Raises:
        UnavailableError: the data are not open, or no source gave them; the message
            says what each source answered.
        OSError: the disk is full.
    """
    if plan.card.access != "open":
        raise UnavailableError(how_to_get(plan))
    if (before := fetched_before(plan)) is not None:
        return before
    failures = []
    for layout in plan.layouts:
        source = layout.source
        if not (source.url or source.hub or source.package):
            continue
        if options.offline:
            failures.append(f"{source.title}: not asked, offline")
            continue
        _announce(plan, layout, options)
        try:
            _fetch_layout(plan, layout, options)
        except DataError as error:
            failures.append(f"{source.title}: {error}")
            continue
        return Fetched(RawFolder(raw_folder(plan, layout)), source.title)
    raise UnavailableError(how_to_get(plan, failures))


def fetched_before(plan: SubsetPlan) -> Fetched | None:
    """Return the files that an earlier fetch brought, None if none is complete."""
    for layout in plan.layouts:
        folder = RawFolder(raw_folder(plan, layout))
        if _marker(plan, folder.path).exists() and _whole(plan, layout, folder):
            return Fetched(folder, layout.source.title)
    return None


def raw_folder(plan: SubsetPlan, layout: Layout) -> Path:
    """Return where in the cache the files of one source lie."""
    source = layout.source
    package = msgspec.to_builtins(source.package)
    place = content_hash(source.url, source.hub, source.revision, package)
    return cache_root() / "raw" / plan.dataset / place[:12]


def how_to_get(plan: SubsetPlan, failures: Sequence[str] = ()) -> str:
    """Say what to do for data that are not here, and what was tried."""
    by_hand = f"'unibench data prepare {plan.subset} --from DIR'"
    if plan.card.access != "open":
        return (
            f"{plan.subset} is not open ({plan.card.access}): {plan.card.order} Then"
            f" run {by_hand} with the folder that holds its files"
        )
    tried = "".join(f"\n  {failure}" for failure in failures)
    return (
        f"{plan.subset} is not on this machine. Run 'unibench data fetch {plan.subset}'"
        f" where the network answers, or get the files from {plan.card.homepage} and"
        f" run {by_hand}" + (f". What was tried:{tried}" if tried else "")
    )


def _whole(plan: SubsetPlan, layout: Layout, folder: RawFolder) -> bool:
    try:
        gathered = gather(plan, "corrected", folder, source=layout.source.title)
    except UnavailableError:
        return False
    return not gathered.missing and not gathered.changed


def _marker(plan: SubsetPlan, folder: Path) -> Path:
    return folder / f".{plan.subset}.complete"


def _announce(plan: SubsetPlan, layout: Layout, options: FetchOptions) -> None:
    if options.say is not None:
        note = f" {plan.card.license_note}" if plan.card.license_note else ""
        options.say(
            f"{plan.subset}: licence {plan.card.license}.{note} Fetching from"
            f" {layout.source.title} ({place_of(layout.source)})"
        )


def _fetch_layout(plan: SubsetPlan, layout: Layout, options: FetchOptions) -> None:
    folder = raw_folder(plan, layout)
    jobs = list(_jobs(plan, layout, folder, options))
    failed: list[DataError] = []

    def work(job: Job) -> None:
        if not failed:  # one refusal is enough: the source is of no use then
            try:
                job.run(options)
            except DataError as error:
                failed.append(error)

    with ThreadPoolExecutor(max_workers=max(1, options.jobs)) as pool:
        for done in [pool.submit(work, job) for job in jobs]:
            done.result()
    if failed:
        raise failed[0]
    gathered = gather(plan, "corrected", RawFolder(folder), source=layout.source.title)
    if gathered.missing:
        names = ", ".join(n for names in gathered.missing.values() for n in names)
        raise DataError(f"it lacks {names}")
    require_unchanged(plan, gathered)
    _marker(plan, folder).touch()


def _jobs(
    plan: SubsetPlan, layout: Layout, folder: Path, options: FetchOptions
) -> Iterator[Job]:
    """Yield one job a file, or one for the archive that holds them."""
    source = layout.source
    names = list(dict.fromkeys(_names(layout)))
    if source.package is not None:
        yield PackageJob(source.package, folder)
    elif source.url and "{file}" not in source.url:
        single = names[0] if len(names) == 1 and not is_glob(names[0]) else ""
        spec = RawFileSpec(sha256=source.sha256)
        yield ArchiveJob(source.url, folder, single, spec)
    elif source.hub:
        yield from hub_jobs(source, names, folder, plan.card.files, options)
    else:
        for name in names:
            if is_glob(name):
                raise CardError(
                    f"{plan.card_file}: source {source.title!r}: a pattern ({name})"
                    " cannot be asked of a server file by file; name an archive"
                )
            url = source.url.replace("{file}", quote(name))
            spec = plan.card.files.get(name, RawFileSpec())
            yield FileJob(url, folder / name, spec)


def _names(layout: Layout) -> Iterator[str]:
    for files in layout.splits.values():
        yield from names_of(files)
    for part in layout.partition:
        yield from names_of(split_files(part.files))
