"""The error atlas: findings counted in every way that a table or page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from unibench.schema.score import Case, Counts
from unibench.scoring.errors.findings import Finding, Kind, find_errors
from unibench.scoring.matching.normalise import normalise_uniner
from unibench.scoring.profiles import find_profile
from unibench.scoring.table import tabulate_cases

COSTLY = 20
LONG = 5
"""Mentions of so many words and more are counted together."""
_RARE = ((1, "seen once"), (5, "2 to 5 times"))
_COMMON = "6 times and more"


class CostlyPassage(msgspec.Struct, frozen=True, kw_only=True):
    """A passage with many errors; `findings` are all of them."""

    passage: str
    domain: str
    errors: int
    counts: Counts
    text: str
    findings: tuple[Finding, ...]


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """How often mentions of one type were predicted as another."""

    gold_type: str
    predicted_type: str
    times: int


Grouped = Mapping[str, Mapping[Kind, int]]


class Atlas(msgspec.Struct, frozen=True, kw_only=True):
    """Errors by kind, and by kind within types, domains, lengths and rarities.

    Length is in words. Rarity is how often the mention's text stands in the gold, under
    any type; a prediction without gold has none. `gold` counts gold mentions.
    """

    passages: int
    gold: int
    kinds: Mapping[Kind, int]
    by_type: Grouped
    by_domain: Grouped
    by_length: Grouped
    by_rarity: Grouped
    confusions: tuple[Confusion, ...]
    costly: tuple[CostlyPassage, ...]


def make_atlas(cases: Mapping[str, Sequence[Case]], *, costly: int = COSTLY) -> Atlas:
    """Return the atlas of cases grouped by domain; use one key where there is none.

    Raises:
        ScoreError: a string must be aligned and the passage's text is not known.
    """
    findings: list[Finding] = []
    passages: list[CostlyPassage] = []
    for domain, members in cases.items():
        for case in members:
            found = find_errors(case, domain)
            findings += found
            if found:
                passages.append(_costly(case, found, domain))
    texts = _gold_texts(case for members in cases.values() for case in members)
    passages.sort(key=lambda p: (-p.errors, p.domain, p.passage))
    return Atlas(
        passages=sum(len(members) for members in cases.values()),
        gold=texts.total(),
        kinds=_kinds(findings),
        by_type=_grouped(findings, [f.entity_type for f in findings]),
        by_domain=_grouped(findings, [f.domain for f in findings]),
        by_length=_grouped(findings, [_length(f) for f in findings]),
        by_rarity=_grouped(findings, [_rarity(f, texts) for f in findings]),
        confusions=_confusions(findings),
        costly=tuple(passages[:costly]),
    )


def _costly(case: Case, found: list[Finding], domain: str) -> CostlyPassage:
    return CostlyPassage(
        passage=case.passage.id,
        domain=domain,
        errors=sum(finding.cost for finding in found),
        counts=tabulate_cases([case], find_profile("strict_span")).total(),
        text=case.passage.text,
        findings=tuple(found),
    )


def _gold_texts(cases: Iterable[Case]) -> Counter[str]:
    return Counter(
        normalise_uniner(mention.text)
        for case in cases
        for mention in case.passage.mentions
        if mention.entity_type in case.entity_types
    )


def _length(finding: Finding) -> str:
    words = finding.words
    return (
        f"{LONG} words and more"
        if words >= LONG
        else f"{words} word" + "s" * (words != 1)
    )


def _rarity(finding: Finding, texts: Counter[str]) -> str:
    if finding.gold is None:
        return "not in the gold"
    times = texts[normalise_uniner(finding.gold.text)]
    return next((name for limit, name in _RARE if times <= limit), _COMMON)


def _kinds(findings: Iterable[Finding]) -> dict[Kind, int]:
    counts = Counter(finding.kind for finding in findings)
    return {kind: counts[kind] for kind in Kind}


def _grouped(
    findings: Sequence[Finding], keys: Sequence[str]
) -> dict[str, dict[Kind, int]]:
    groups: dict[str, list[Finding]] = {}
    for key, finding in zip(keys, findings, strict=True):
        groups.setdefault(key, []).append(finding)
    return {key: _kinds(groups[key]) for key in sorted(groups)}


def _confusions(findings: Iterable[Finding]) -> tuple[Confusion, ...]:
    """Return the pairs of types of mentions that overlap, most frequent first."""
    pairs = Counter(
        (f.gold.entity_type, f.predicted.entity_type)
        for f in findings
        if f.gold is not None
        and f.predicted is not None
        and f.gold.entity_type != f.predicted.entity_type
    )
    ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        Confusion(gold_type=gold, predicted_type=predicted, times=times)
        for (gold, predicted), times in ordered
    )
