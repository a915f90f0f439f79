"""Compare a prepared subset with what its card expects and with the paper's Table 6."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

from unibench.data import fingerprint
from unibench.data.api import prepared_here
from unibench.data.fetch import how_to_get
from unibench.data.plan import SubsetPlan, plan_of
from unibench.data.prepare import prepare_from
from unibench.data.raw.locate import RawFolder
from unibench.data.steps.labels import type_names
from unibench.data.store import Manifest
from unibench.errors import DataError, UnavailableError
from unibench.schema.dataset_card import SplitStatistics
from unibench.schema.dataset_splits import SPLITS

State = Literal["identical", "ok", "explained", "unavailable", "different"]


class CheckRow(msgspec.Struct, frozen=True, kw_only=True):
    """How one subset under one protocol compares; a row of `data check --json`.

    `ours` and `table6` are passages by split, and types. `explained` are the named
    differences, name -> why; `problems` are differences that nothing explains.
    States: `different` (a problem), `explained` (a named difference or a missing
    split), `identical` (the shipped fingerprints agree too), `ok`, `unavailable`.
    """

    subset: str
    protocol: str
    state: State
    ours: dict[str, int] = {}
    table6: dict[str, int] = {}
    explained: dict[str, str] = {}
    problems: tuple[str, ...] = ()
    fingerprint: str = ""
    repairs: dict[str, int] = {}
    left_out: dict[str, int] = {}


class _Finding(NamedTuple):
    """A difference: explained under a name, or a problem without one."""

    name: str
    text: str


def check(
    subset: str,
    protocol: str,
    folder: RawFolder | None = None,
    *,
    accept_changed: bool = False,
) -> CheckRow:
    """Return how `subset` compares; it is prepared first where `folder` is given.

    What is part of a package is not looked for in `folder`.
    """
    plan = plan_of(subset)
    try:
        if folder is None or plan.is_packaged:
            manifest = prepared_here(plan, protocol)
        else:
            manifest = prepare_from(
                subset, protocol, folder, accept_changed=accept_changed
            )
    except UnavailableError as error:
        return _without(plan, protocol, "unavailable", str(error))
    except DataError as error:
        return _without(plan, protocol, "different", str(error))
    if manifest is None:
        return _without(plan, protocol, "unavailable", how_to_get(plan))
    return compared(plan, protocol, manifest)


def compared(plan: SubsetPlan, protocol: str, manifest: Manifest) -> CheckRow:
    """Return how a prepared set compares with card, Table 6 and fingerprints."""
    ours = _ours(plan, protocol, manifest)
    table6 = _table6(plan)
    findings = [
        *_against_card(plan, protocol, manifest),
        *_against_table6(plan, protocol, manifest, ours),
        *_missing(manifest),
    ]
    if not manifest.exact:
        note = plan.layout(manifest.source).source.note
        findings = [_Finding(f.name or "another edition", note) for f in findings]
    known = fingerprint.shipped(plan)
    if known is not None and manifest.exact:
        differing = fingerprint.differences(plan, protocol, manifest, known)
        findings += [_Finding("", text) for text in differing]
    problems = tuple(f.text for f in findings if not f.name)
    explained = {f.name: f.text for f in findings if f.name}
    return CheckRow(
        subset=plan.subset,
        protocol=protocol,
        state=_state(problems, explained, known=known is not None and manifest.exact),
        ours=ours,
        table6=table6,
        explained=explained,
        problems=problems,
        fingerprint=manifest.fingerprint,
        repairs=dict(manifest.repairs),
        left_out=dict(manifest.left_out),
    )


def _state(
    problems: tuple[str, ...], explained: dict[str, str], *, known: bool
) -> State:
    if problems:
        return "different"
    if explained:
        return "explained"
    return "identical" if known else "ok"


def _without(plan: SubsetPlan, protocol: str, state: State, why: str) -> CheckRow:
    return CheckRow(
        subset=plan.subset,
        protocol=protocol,
        state=state,
        table6=_table6(plan),
        problems=(why,),
    )


def _ours(plan: SubsetPlan, protocol: str, manifest: Manifest) -> dict[str, int]:
    counts = {
        split: manifest.splits[split].statistics.passages
        for split in SPLITS
        if split in manifest.splits
    }
    names = type_names(plan.label_map, plan.subset, "natural", released=False)
    return {**counts, "types": len(names.raw_labels)}


def _table6(plan: SubsetPlan) -> dict[str, int]:
    row = {name: getattr(plan.table6, name) for name in (*SPLITS, "types")}
    return {name: value for name, value in row.items() if value is not None}


def _against_card(
    plan: SubsetPlan, protocol: str, manifest: Manifest
) -> Iterator[_Finding]:
    expected = plan.expected(protocol)
    if not expected:
        yield _Finding(
            "nothing expected",
            "the card has no `statistics`; 'unibench data stats --write' adds them",
        )
    for split, made in manifest.splits.items():
        if split in expected:
            for text in _unequal(split, made.statistics, expected[split]):
                yield _Finding("", text)
        elif expected:
            yield _Finding("", f"{split}: the card expects no such split")


def _unequal(
    split: str, ours: SplitStatistics, expected: SplitStatistics
) -> Iterator[str]:
    for name in ("passages", "mentions", "empty"):
        have, want = getattr(ours, name), getattr(expected, name)
        if have != want:
            yield f"{split}: {have} {name}, the card expects {want}"
    for label in sorted(ours.labels.keys() | expected.labels.keys()):
        have, want = ours.labels.get(label, 0), expected.labels.get(label, 0)
        if have != want:
            yield f"{split}: {have} mentions of {label}, the card expects {want}"


def _against_table6(
    plan: SubsetPlan, protocol: str, manifest: Manifest, ours: dict[str, int]
) -> Iterator[_Finding]:
    for what, printed in _table6(plan).items():
        have = ours.get(what, 0)
        if have == printed or what in manifest.missing:
            continue
        named = [
            difference
            for difference in plan.differences
            if protocol in difference.protocols
            and (difference.of == "types") == (what == "types")
            and (not difference.splits or what in difference.splits)
        ]
        for difference in named:
            yield _Finding(difference.name, difference.why)
        if not named:
            yield _Finding("", f"{what}: {have}, Table 6 has {printed}")


def _missing(manifest: Manifest) -> Iterator[_Finding]:
    for split, names in manifest.missing.items():
        yield _Finding(f"{split} missing", f"not found: {', '.join(names)}")
