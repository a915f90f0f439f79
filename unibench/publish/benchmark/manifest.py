"""`manifest.json` of the benchmark repository: what each config is, with all hashes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from unibench.data import catalogue
from unibench.data.api import load_prepared, prepared_here
from unibench.data.plan import SubsetPlan, plan_of
from unibench.data.store import Manifest as PreparedManifest
from unibench.errors import PublishError, UnknownNameError
from unibench.publish.benchmark.tables import content_sha256, split_bytes
from unibench.publish.files import PlannedFile
from unibench.publish.licenses import may_redistribute, why_not
from unibench.schema.prepared import PreparedSet

MANIFEST = "manifest.json"
MANIFEST_VERSION = 1


class SplitEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One parquet file: `content_sha256` is of what it says, `sha256` of its bytes."""

    path: str
    passages: int
    mentions: int
    bytes: int
    sha256: str
    content_sha256: str
    fingerprint: str


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """One subset: who made it, under which licence, its types, its files."""

    title: str
    dataset: str
    domain: str
    license: str
    license_note: str = ""
    homepage: str
    citation: str
    protocol: str
    entity_types: tuple[str, ...]
    raw_sha256: Mapping[str, str] = {}
    known_errors: tuple[str, ...] = ()
    splits: Mapping[str, SplitEntry] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All configs, by subset."""

    manifest_version: int = MANIFEST_VERSION
    configs: Mapping[str, Config] = {}


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """A config with the passages of its splits, before files are made of them."""

    subset: str
    config: Config
    prepared: Mapping[str, PreparedSet]


def read_manifest(content: bytes | None) -> Manifest:
    """Return the manifest of a repository; an empty one where there is none.

    Raises:
        PublishError: it is damaged.
    """
    if content is None:
        return Manifest()
    try:
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise PublishError(
            f"{MANIFEST} of the repository is damaged ({error}); delete it there, and"
            " every file is written again"
        ) from error


def manifest_file(manifest: Manifest) -> PlannedFile:
    """Return the manifest as a file."""
    encoded = msgspec.json.encode(manifest, order="sorted")
    return PlannedFile(MANIFEST, msgspec.json.format(encoded, indent=1) + b"\n")


def build(subset: str, protocol: str) -> Built:
    """Read a subset that is prepared here and may be redistributed.

    Raises:
        PublishError: its licence does not allow it, or it is not prepared here.
    """
    plan = plan_of(subset)
    require_redistributable(plan)
    manifest = prepared_here(plan, protocol)
    if manifest is None:
        raise PublishError(
            f"{subset} is not prepared on this machine; run 'unibench data fetch"
            f" {subset}' or 'unibench data prepare {subset} --from DIR'"
        )
    _require_official(plan, manifest)
    prepared = {
        split: load_prepared(subset, split, protocol) for split in manifest.splits
    }
    types = next(iter(prepared.values())).entity_types
    config = Config(
        title=plan.title, dataset=plan.dataset, domain=plan.domain,
        license=plan.card.license, license_note=plan.card.license_note,
        homepage=plan.card.homepage, citation=" ".join(plan.card.citation.split()),
        protocol=protocol, entity_types=types, raw_sha256=manifest.raw_sha256,
        known_errors=plan.card.known_errors,
    )  # fmt: skip
    return Built(subset=subset, config=config, prepared=prepared)


def _require_official(plan: SubsetPlan, manifest: PreparedManifest) -> None:
    """Refuse what is not the whole of the official files.

    Raises:
        PublishError: the test split is missing, a file was changed, or the files are
            of an edition whose counts may differ.
    """
    where = f"{plan.subset} is prepared from {manifest.folder}, but"
    if "test" not in manifest.splits:
        raise PublishError(f"{where} its test split is not there")
    if manifest.missing:
        names = ", ".join(sorted(manifest.missing))
        raise PublishError(f"{where} files of {names} are missing there")
    if manifest.changed:
        changed = ", ".join(manifest.changed)
        raise PublishError(f"{where} {changed} is not the file that the card knows")
    if not manifest.exact:
        raise PublishError(
            f"{where} that is an edition ({manifest.source}) whose counts may differ"
            " from the official one's"
        )


def require_redistributable(plan: SubsetPlan) -> None:
    """Refuse a subset whose card does not allow it to be put on the Hub.

    Raises:
        PublishError: it does not.
    """
    if not may_redistribute(plan.card):
        raise PublishError(
            f"{plan.subset} cannot be redistributed: {why_not(plan.card)}; its card is"
            f" {plan.card_file}"
        )


def still_allowed(subset: str, config: Config) -> bool:
    """Tell whether a config that was published before may stay there."""
    try:
        card = catalogue.card(config.dataset)
    except UnknownNameError:
        return False  # nobody here can tell under which licence it is
    return subset in catalogue.subsets() and may_redistribute(card)


def split_entry(
    subset: str, split: str, prepared: PreparedSet, known: SplitEntry | None
) -> tuple[SplitEntry, PlannedFile | None]:
    """Return the entry of a split, and its file unless the known one says the same.

    Another version of pyarrow writes other bytes for the same passages, so what is
    there already is kept.
    """
    content = content_sha256(prepared.passages)
    if known is not None and known.content_sha256 == content:
        return known, None
    file = PlannedFile(f"{subset}/{split}.parquet", split_bytes(prepared.passages))
    entry = SplitEntry(
        path=file.path,
        passages=len(prepared.passages),
        mentions=sum(len(passage.mentions) for passage in prepared.passages),
        bytes=file.size,
        sha256=file.sha256(),
        content_sha256=content,
        fingerprint=prepared.identity.fingerprint,
    )
    return entry, file
