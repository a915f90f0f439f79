"""Salted hashes of passages and gold: proof of equality that holds no text.

A subset's fingerprints lie in `dataset_cards/fingerprints/SUBSET.json`. They tell in
which stage a rebuilt set first differs, and in which passages.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from unibench.data import store
from unibench.data.parquet import gold_digest, read_split, text_digest
from unibench.data.plan import SubsetPlan
from unibench.data.store import Manifest
from unibench.errors import CardError
from unibench.schema.text import Passage

_BYTES = 4  # of each block's hash; one in four thousand million differs unseen
_TRAIN_BLOCK = 64


class SplitFingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """Hashes of one split; `blocks` are those of `block` passages each, base85."""

    passages: int
    texts: str
    gold: str
    block: int
    text_blocks: str
    gold_blocks: str


class Fingerprints(msgspec.Struct, frozen=True, kw_only=True):
    """What `dataset_cards/fingerprints/SUBSET.json` holds: protocol -> split."""

    salt: str
    names: str
    raw: dict[str, str] = {}
    protocols: dict[str, dict[str, SplitFingerprint]] = {}


def path_of(plan: SubsetPlan) -> Path:
    """Return where the fingerprints of a subset lie: beside its card."""
    return plan.card_file.parent / "fingerprints" / f"{plan.subset}.json"


def shipped(plan: SubsetPlan) -> Fingerprints | None:
    """Return the fingerprints that came with the card, None if none did.

    Raises:
        CardError: the file is damaged.
    """
    path = path_of(plan)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Fingerprints)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise CardError(f"{path}: {error}") from error


def made(plan: SubsetPlan, manifests: Mapping[str, Manifest]) -> Fingerprints:
    """Return the fingerprints of what is prepared under each protocol."""
    salt = hashlib.sha256(f"unibench {plan.subset}".encode()).hexdigest()[:16]
    protocols: dict[str, dict[str, SplitFingerprint]] = {}
    for protocol, manifest in manifests.items():
        if manifest.fingerprint not in {
            manifests[earlier].fingerprint for earlier in protocols
        }:
            protocols[protocol] = {
                split: _of_split(salt, manifest, split) for split in manifest.splits
            }
    raw = {
        name: _salted(salt, sha256)
        for manifest in manifests.values()
        for name, sha256 in store.raw_summary(manifest.raw_sha256).items()
    }
    return Fingerprints(
        salt=salt, names=plan.names_sha256[:16], raw=raw, protocols=protocols
    )


def write(plan: SubsetPlan, fingerprints: Fingerprints) -> Path:
    """Write the fingerprints of a subset beside its card; return the path.

    Raises:
        CardError: the folder cannot be written.
    """
    path = path_of(plan)
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(
            msgspec.json.format(msgspec.json.encode(fingerprints), indent=1) + b"\n"
        )
    except OSError as error:
        raise CardError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def differences(
    plan: SubsetPlan, protocol: str, manifest: Manifest, known: Fingerprints
) -> list[str]:
    """Say where a prepared set first differs from the shipped fingerprints.

    The stages are raw files, passages, gold, label names; a later one is not looked
    at where an earlier differs. Raw files count only where a later stage differs:
    another edition of the files may hold the same passages.
    """
    splits = known.protocols.get(protocol) or known.protocols.get("corrected", {})
    found = [
        problem
        for split, expected in splits.items()
        if split in manifest.splits
        for problem in _split_differences(manifest, split, expected, known.salt)
    ]
    if found:
        return [*_raw_differences(manifest, known), *found]
    if known.names != plan.names_sha256[:16]:
        return ["label names: the label map gives other names than ours"]
    return []


def _raw_differences(manifest: Manifest, known: Fingerprints) -> Iterator[str]:
    for name, sha256 in store.raw_summary(manifest.raw_sha256).items():
        if name in known.raw and known.raw[name] != _salted(known.salt, sha256):
            yield f"raw files: {name} is not ours"


def _split_differences(
    manifest: Manifest, split: str, expected: SplitFingerprint, salt: str
) -> Iterator[str]:
    ours = manifest.splits[split]
    if ours.statistics.passages != expected.passages:
        yield (
            f"passages: {split} has {ours.statistics.passages}, ours"
            f" {expected.passages}"
        )
        return
    if _salted(salt, ours.texts) != expected.texts:
        blocks, stage, digest = expected.text_blocks, "passages", text_digest
    elif _salted(salt, ours.gold) != expected.gold:
        blocks, stage, digest = expected.gold_blocks, "gold", gold_digest
    else:
        return
    mine = _blocks(salt, _passages(manifest, split), expected.block, digest)
    theirs = base64.b85decode(blocks)
    places = [
        _place(i // _BYTES, expected.block)
        for i in range(0, len(theirs), _BYTES)
        if mine[i : i + _BYTES] != theirs[i : i + _BYTES]
    ]
    shown = ", ".join(places[:5]) + (", ..." if places[5:] else "")
    yield f"{stage}: {split} differs in {len(places)} places: {shown}"


def _place(number: int, block: int) -> str:
    return str(number) if block == 1 else f"{number * block}-{(number + 1) * block - 1}"


def _of_split(salt: str, manifest: Manifest, split: str) -> SplitFingerprint:
    passages = _passages(manifest, split)
    block = 1 if split == "test" else _TRAIN_BLOCK
    text_blocks = _blocks(salt, passages, block, text_digest)
    gold_blocks = _blocks(salt, passages, block, gold_digest)
    return SplitFingerprint(
        passages=len(passages),
        texts=_salted(salt, manifest.splits[split].texts),
        gold=_salted(salt, manifest.splits[split].gold),
        block=block,
        text_blocks=base64.b85encode(text_blocks).decode(),
        gold_blocks=base64.b85encode(gold_blocks).decode(),
    )


def _passages(manifest: Manifest, split: str) -> list[Passage]:
    folder = store.home(manifest.subset) / manifest.fingerprint
    return read_split(folder / f"{split}.parquet")


def _blocks(
    salt: str,
    passages: Sequence[Passage],
    block: int,
    digest: Callable[[Passage], bytes],
) -> bytes:
    hashes = []
    for start in range(0, len(passages), block):
        together = hashlib.sha256(salt.encode())
        for passage in passages[start : start + block]:
            together.update(digest(passage))
        hashes.append(together.digest()[:_BYTES])
    return b"".join(hashes)


def _salted(salt: str, digest: str) -> str:
    return hashlib.sha256(f"{salt}{digest}".encode()).hexdigest()[:32]
